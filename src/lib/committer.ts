/** Whom git names as author and committer of a commit. */
export interface Signature {
  readonly name: string;
  readonly email: string;
}

/**
 * Whom git names in our folders unless told otherwise, so also of what an agent commits itself. No account has this address:
 * GitHub shows no user for it. The relay's own commits carry its account's, which the forge knows.
 */
export const COMMITTER: Signature = { name: "patchrelay", email: "patchrelay@users.noreply.invalid" };

/** The trailer that every commit of the relay's carries: which run made it. */
export const RUN_TRAILER = "Patchrelay-Run";

/** Whether a commit message names a run of the relay's in its last paragraph. */
export function namesRun(message: string): boolean {
  const last = message
    .trimEnd()
    .split(/\n[^\S\n]*\n/)
    .at(-1);
  return (last ?? "").split("\n").some((line) => TRAILER.test(line));
}

const TRAILER = new RegExp(`^${RUN_TRAILER}: *\\S`, "i");

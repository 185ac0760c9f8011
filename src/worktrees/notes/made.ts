import { z } from "zod";
import type { GitPlace } from "../git/environment.ts";
import { readNote, writeNote } from "./note.ts";

const SHA = z.string().regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/);

const Made = z.object({
  branch: z.string(),
  baseSha: SHA,
  /** Where the worktree stood when it was last aimed at a commit, or another branch was integrated. */
  head: SHA,
  /** The tree that our integration of another branch left in it, since it was last aimed at a commit; null = none was made. */
  integrated: SHA.nullable(),
  /** What the remote's branch was when it was last aimed at a commit; null = it was not there. */
  remoteHead: SHA.nullable(),
  /** The commit of a merge that was left to be resolved; null = none was. */
  merging: SHA.nullable(),
});

/** What a worktree was last prepared for, and what has been integrated since. */
export type Made = Readonly<z.infer<typeof Made>>;

/** What is noted of the worktree; null when nothing is, or what is there is damaged. */
export async function madeFor(place: GitPlace, privateDir: string): Promise<Made | null> {
  const text = await readNote(place, privateDir, "made");
  if (text === null) return null;
  try {
    return Made.parse(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** Notes what the worktree is made for; null takes the note away. */
export async function noteMade(place: GitPlace, privateDir: string, made: Made | null): Promise<void> {
  await writeNote(place, privateDir, "made", made === null ? null : `${JSON.stringify(made)}\n`);
}

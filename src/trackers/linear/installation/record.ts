import { z } from "zod";
import type { SealedVault } from "../../../lib/secrets/vault.ts";
import { SCOPES } from "../client/application.ts";
import type { AppToken } from "../client/token-answer.ts";

/** Whose records they are in the vault. */
const OWNER = "linear installations";

const record = z.object({
  v: z.literal(1),
  workspace: z.string().min(1),
  workspaceName: z.string(),
  /** The app user there. */
  id: z.string().min(1),
  name: z.string(),
  scopes: z.array(z.string()),
  accessToken: z.string().min(1),
  refreshToken: z.string().min(1),
  /** Unix ms. */
  obtainedAt: z.number(),
  expiresAt: z.number(),
  /** Since when the search for lost issues could not look there (Unix ms); null = the last one did. */
  missedSince: z.number().nullable(),
});

/** One workspace that an admin has installed our application in, with the tokens of that. Times in Unix ms. */
export type Installation = z.output<typeof record>;

/** The installations in the vault. */
export interface Installations {
  /** Whether `keep` may be called: a refresh that cannot be kept would use up the token of whoever can. */
  readonly writable: boolean;
  /** By workspace; `null` = a record that cannot be opened, by its workspace. */
  list(): Promise<ReadonlyMap<string, Installation | null>>;
  /** Durable once it resolves: both tokens in one record, so that none of them is kept without the other. */
  keep(installation: Installation): Promise<void>;
}

/** Reads and writes installations. */
export function installationsIn(vault: SealedVault): Installations {
  return {
    writable: vault.writable,
    async list() {
      const kept = await vault.list(OWNER);
      return new Map(kept.map(({ name, text }) => [name, text === null ? null : opened(text)]));
    },
    keep: async (installation) =>
      await vault.put(OWNER, installation.workspace, JSON.stringify(installation)),
  };
}

function opened(text: string): Installation | null {
  const read = record.safeParse(JSON.parse(text));
  return read.success ? read.data : null;
}

/** The installation with another token. Throws when Linear gave none to refresh it with. */
export function withToken<T extends object>(
  rest: T,
  { text, seconds, refresh, scopes }: AppToken & { readonly refresh: string },
  now: number,
): T & Pick<Installation, "accessToken" | "refreshToken" | "scopes" | "obtainedAt" | "expiresAt"> {
  return {
    ...rest,
    accessToken: text,
    refreshToken: refresh,
    scopes: [...scopes],
    obtainedAt: now,
    expiresAt: now + seconds * 1_000,
  };
}

/** The scopes that we need and were not given. */
export function missingScopes({ scopes }: Pick<Installation, "scopes">): readonly string[] {
  return SCOPES.filter((scope) => !scopes.includes(scope));
}

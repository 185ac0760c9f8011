import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import { COMMITTER, namesRun } from "../../../lib/committer.ts";
import type { Signature } from "../../../lib/committer.ts";
import type { ForgeIdentity } from "../../forge.ts";
import type { GitHubAuth } from "./auth.ts";
import type { Client } from "./client.ts";
import { Id } from "../events/schema.ts";

export type WhoAmI = (signal: AbortSignal) => Promise<ForgeIdentity>;

const User = z.object({ id: Id, login: z.string() });
const Viewer = z.object({ viewer: z.object({ databaseId: Id, login: z.string() }) });
const VIEWER = "query Viewer { viewer { databaseId login } }";

/**
 * Who we are on GitHub, asked once. An App acts as its bot user, whose id is not the App's: one of its
 * installations has to be asked, so one of `repositories` must have it installed.
 */
export function createIdentity(client: Client, auth: GitHubAuth, repositories: readonly string[]): WhoAmI {
  let known: ForgeIdentity | null = null;
  return async (signal) => {
    known ??= await (auth.kind === "token" ? user(client, signal) : bot(client, repositories, signal));
    return known;
  };
}

async function user(client: Client, signal: AbortSignal): Promise<ForgeIdentity> {
  return (await client.call({ repository: null, route: "GET /user", schema: User }, signal)).value;
}

async function bot(
  client: Client,
  repositories: readonly string[],
  signal: AbortSignal,
): Promise<ForgeIdentity> {
  let missing: unknown = null;
  for (const repository of repositories) {
    try {
      const { value } = await client.query(repository, "our account", VIEWER, {}, Viewer, signal);
      return { id: value.viewer.databaseId, login: value.viewer.login };
    } catch (error) {
      if (!(error instanceof ExternalError) || error.kind !== "not_found") throw error;
      missing = error;
    }
  }
  throw new ExternalError(
    "not_found",
    "the GitHub App is installed on none of the configured repositories: install it on GitHub and try again",
    { cause: missing },
  );
}

/** How our commits are signed, and how they are known again. */
export interface Signing {
  /** Author and committer of what we commit. */
  signature(signal: AbortSignal): Promise<Signature>;
  /** Tells of commits whether one of ours carries this address and message. */
  recogniser(signal: AbortSignal): Promise<IsOurs>;
}

/** Whether an address on a commit, together with its message, says that we made it. */
export type IsOurs = (email: string | null, message: string) => boolean;

/**
 * The address that GitHub gives each account for commits, by which it shows the account beside them: Enterprise Server has its
 * own host there. The number stays when the account is renamed.
 *
 * A bot's address is nobody else's. A person's is on what they commit by hand too, and a configured author's may be on
 * anything: there only the trailer of a run makes a commit ours.
 */
export function createSigning(
  whoAmI: WhoAmI,
  parts: {
    readonly auth: Pick<GitHubAuth, "kind">;
    readonly webUrl: string;
    readonly author: Signature | null;
  },
): Signing {
  const host = `@users.noreply.${new URL(parts.webUrl).hostname}`;
  const isApp = parts.auth.kind === "app";
  const configured = parts.author?.email.toLowerCase() ?? null;
  return {
    async signature(signal) {
      if (parts.author !== null) return parts.author;
      const { id, login } = await whoAmI(signal);
      const name = isApp && !login.endsWith("[bot]") ? `${login}[bot]` : login;
      return { name, email: `${id}+${name}${host}` };
    },
    async recogniser(signal) {
      const { id } = await whoAmI(signal);
      return (given, message) => {
        const email = given?.toLowerCase() ?? "";
        if (email === COMMITTER.email) return true;
        const isAccount = email.startsWith(`${id}+`) && email.endsWith(host);
        if (isAccount && isApp) return true;
        return (isAccount || email === configured) && namesRun(message);
      };
    },
  };
}

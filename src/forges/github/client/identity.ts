import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
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

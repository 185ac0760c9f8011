import { authWith } from "./client/credential.ts";
import { linearAddress } from "./client/address.ts";
import { httpTransport } from "./client/transport.ts";
import type { LinearParts } from "./linear.ts";

// What a person who sets the relay up asks of a workspace. Breadth counts here and nobody waits for it, so Linear's own SDK
// asks; what the relay itself asks, again and again, it asks with documents of its own.

/** Teams read at a time, and how many pages at most. */
const PAGE = 100;
const PAGES = 20;

/** The keys of all teams that the credential sees, sorted. Rejects with the SDK's error. */
export async function teamKeys(parts: LinearParts, signal: AbortSignal): Promise<readonly string[]> {
  const { LinearClient } = await import("@linear/sdk");
  const { apiUrl, limits, clock, log } = parts;
  const transport = parts.transport ?? httpTransport({ connectMs: limits.connectMs });
  const auth = authWith(parts.auth, { apiUrl, transport, totalMs: limits.totalMs, clock, log });
  const client = new LinearClient({
    // Taken as it is for the header, whichever kind of credential it came from.
    apiKey: await auth.header(signal),
    apiUrl: linearAddress(apiUrl, "/graphql").href,
    redirect: "error",
    signal,
  });
  const teams = await client.teams({ first: PAGE });
  for (let page = 1; teams.pageInfo.hasNextPage && page < PAGES; page += 1) await teams.fetchNext();
  return teams.nodes.map(({ key }) => key).toSorted();
}

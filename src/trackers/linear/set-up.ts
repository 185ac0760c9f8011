import type { LinearClient } from "@linear/sdk";
import type { Workspace } from "../tracker.ts";
import { linearAddress } from "./client/address.ts";
import type { Connection } from "./connection.ts";
import { callingWith, connectionsOf } from "./linear.ts";
import type { LinearParts } from "./linear.ts";

// What a person who sets the relay up asks of a workspace. Breadth counts here and nobody waits for it, so Linear's own SDK
// asks; what the relay itself asks, again and again, it asks with documents of its own.

/** Rows read at a time, and how many pages of each list at most. */
const PAGE = 100;
const PAGES = 20;

/** Each workspace that the credentials open, with what the configuration may name. Rejects with the SDK's error. */
export async function workspaces(parts: LinearParts, signal: AbortSignal): Promise<readonly Workspace[]> {
  const { connections } = connectionsOf(parts, callingWith(parts));
  const found: Workspace[] = [];
  for (const connection of await connections.all(signal))
    found.push(await workspaceOf(parts.apiUrl, connection, signal));
  return found;
}

async function workspaceOf(apiUrl: string, connection: Connection, signal: AbortSignal): Promise<Workspace> {
  const { LinearClient } = await import("@linear/sdk");
  const us = await connection.us(signal);
  const client: LinearClient = new LinearClient({
    // Taken as it is for the header, whichever kind of credential it came from.
    apiKey: await connection.auth.header(signal),
    apiUrl: linearAddress(apiUrl, "/graphql").href,
    redirect: "error",
    signal,
  });
  const teams = await all(client.teams({ first: PAGE }));
  const states = await all(client.workflowStates({ first: PAGE }));
  const labels = await all(client.issueLabels({ first: PAGE }));
  const projects = await all(client.projects({ first: PAGE }));
  return {
    id: us.workspace,
    name: us.workspaceName,
    teams: teams
      .map((team) => ({
        key: team.key,
        name: team.name,
        statuses: states
          .filter(({ teamId }) => teamId === team.id)
          .toSorted((a, b) => a.position - b.position)
          .map(({ name, type }) => ({ name, type })),
        labels: sorted(labels.filter(({ teamId }) => teamId === team.id).map(({ name }) => name)),
      }))
      .toSorted((a, b) => a.key.localeCompare(b.key)),
    projects: sorted(projects.map(({ name }) => name)),
    labels: sorted(labels.filter(({ teamId }) => teamId === undefined).map(({ name }) => name)),
  };
}

interface Listed<T> {
  readonly nodes: readonly T[];
  readonly pageInfo: { readonly hasNextPage: boolean };
  fetchNext(): Promise<unknown>;
}

async function all<T>(list: Promise<Listed<T>>): Promise<readonly T[]> {
  const listed = await list;
  for (let page = 1; listed.pageInfo.hasNextPage && page < PAGES; page += 1) await listed.fetchNext();
  return listed.nodes;
}

function sorted(names: readonly string[]): readonly string[] {
  return names.toSorted((a, b) => a.localeCompare(b));
}

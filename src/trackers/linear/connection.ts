import { ExternalError } from "../../lib/external.ts";
import type { TrackerIdentity } from "../tracker.ts";
import type { LinearClient } from "./client/client.ts";
import { readIdentity } from "./read/read.ts";

/** One workspace that we can speak to, with a credential of its own. */
export interface Connection {
  readonly client: LinearClient;
  /** Who we are there: what was last found out, else asked now. */
  us(signal: AbortSignal): Promise<TrackerIdentity>;
  /** Asks again. */
  ask(signal: AbortSignal): Promise<TrackerIdentity>;
}

/** The workspaces that we can speak to. */
export interface Connections {
  /** All of them, at least one. Throws ExternalError `unauthorized` when there is none. */
  all(signal: AbortSignal): Promise<readonly Connection[]>;
  /** The one with this id; null = the only one. Throws ExternalError `unauthorized` where we are not signed in. */
  at(workspace: string | null, signal: AbortSignal): Promise<Connection>;
}

/** A connection whose workspace Linear names when it is first asked. */
function connectionOf(client: LinearClient): Connection {
  let known: TrackerIdentity | null = null;
  const ask = async (signal: AbortSignal): Promise<TrackerIdentity> => {
    known = await readIdentity(client, signal);
    return known;
  };
  return { client, ask, us: async (signal) => known ?? (await ask(signal)) };
}

/** The one workspace of a credential that belongs to one. */
export function onlyConnection(client: LinearClient): Connections {
  const connection = connectionOf(client);
  return {
    all: () => Promise.resolve([connection]),
    async at(workspace, signal) {
      if (workspace === null) return connection;
      const us = await connection.us(signal);
      if (us.workspace === workspace) return connection;
      throw notSignedIn(workspace);
    },
  };
}

/** Where an issue is that we have no credential for. */
function notSignedIn(workspace: string): ExternalError {
  return new ExternalError(
    "unauthorized",
    `the issue is in a Linear workspace (${workspace}) that we are not signed in to`,
  );
}

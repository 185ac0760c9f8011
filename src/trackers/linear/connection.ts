import { ExternalError } from "../../lib/external.ts";
import type { TrackerIdentity } from "../tracker.ts";
import type { Auth } from "./client/auth.ts";
import type { LinearClient } from "./client/client.ts";
import type { QuickMode } from "./quick/quick.ts";
import { readViewer, tokenOfPerson } from "./read/read.ts";
import { sessionEvents } from "./read/session-events.ts";
import type { SessionEvents } from "./read/session-events.ts";
import type { TicketReader } from "./read/sessions.ts";

/** One workspace that we can speak to, with a credential of its own. */
export interface Connection {
  readonly client: LinearClient;
  /** Reads issues there. */
  readonly tickets: TicketReader;
  readonly sessions: SessionEvents;
  /** How we work there if the credential turns out to be a person's; null = it cannot. */
  readonly quick: QuickMode | null;
  /** How each call is authorised. */
  readonly auth: Auth;
  /** Who we are there: what was last found out, else asked now. */
  us(signal: AbortSignal): Promise<TrackerIdentity>;
  /** Asks again. */
  ask(signal: AbortSignal): Promise<TrackerIdentity>;
  /** Notes since when (Unix ms) the search for lost issues could not look there; null = it did. */
  missed(since: number | null): Promise<void>;
  /** What was noted. */
  missedSince(): number | null;
}

/** The workspaces that we can speak to. */
export interface Connections {
  /** All of them, at least one. Throws ExternalError `unauthorized` when there is none. */
  all(signal: AbortSignal): Promise<readonly Connection[]>;
  /** The one with this id; null = the only one. Throws ExternalError `unauthorized` where we are not signed in. */
  at(workspace: string | null, signal: AbortSignal): Promise<Connection>;
  /** Who we are in each, asked again. Throws when none could be asked. */
  whoAmI(signal: AbortSignal): Promise<readonly TrackerIdentity[]>;
}

/** The one workspace of a credential that belongs to one; Linear names it when it is first asked. */
export function onlyConnection(
  client: LinearClient,
  auth: Auth,
  tickets: TicketReader,
  quick: QuickMode | null,
): Connections {
  let known: TrackerIdentity | null = null;
  let missedSince: number | null = null;
  const ask = async (signal: AbortSignal): Promise<TrackerIdentity> => {
    const { us, isApp } = await readViewer(client, signal);
    if (!isApp && quick !== null) known = await quick.identity(us, signal);
    else known = { ...us, inert: isApp ? sessions.trouble() : tokenOfPerson(us.name) };
    return known;
  };
  const sessions = sessionEvents();
  const connection: Connection = {
    client,
    sessions,
    quick,
    auth,
    tickets,
    ask,
    us: async (signal) => known ?? (await ask(signal)),
    async missed(since) {
      missedSince = since;
    },
    missedSince: () => missedSince,
  };
  return {
    all: () => Promise.resolve([connection]),
    async at(workspace, signal) {
      if (workspace === null) return connection;
      const us = await connection.us(signal);
      if (us.workspace === workspace) return connection;
      throw notSignedIn(workspace);
    },
    whoAmI: async (signal) => [await ask(signal)],
  };
}

/** Where an issue is that we have no credential for. */
export function notSignedIn(workspace: string): ExternalError {
  return new ExternalError(
    "unauthorized",
    `the issue is in a Linear workspace (${workspace}) that we are not signed in to`,
  );
}

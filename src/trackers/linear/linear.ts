import { z } from "zod";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Secret } from "../../lib/secret.ts";
import type { Discovery, Tracker, TrackerWorkspace } from "../tracker.ts";
import { authWith } from "./client/credential.ts";
import type { LinearCredential } from "./client/credential.ts";
import { createClient } from "./client/client.ts";
import { interpretEvent } from "./events/events.ts";
import { onlyConnection } from "./connection.ts";
import type { Connection, Connections } from "./connection.ts";
import { discoverIssues, readTicket } from "./read/read.ts";
import { httpTransport } from "./client/transport.ts";
import type { Transport } from "./client/transport.ts";
import { openWebhook } from "./events/webhook.ts";
import { link, setStatus, showPlan, takeDelegation, tell } from "./write/write.ts";

export interface LinearParts {
  /** Base address (GraphQL at `<apiUrl>/graphql`): https, or http to this machine. */
  readonly apiUrl: string;
  /** The current one first, then the previous one while rotating. With none, every webhook is refused. */
  readonly webhookSecrets: readonly Secret[];
  readonly auth: LinearCredential;
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds: connecting, and a whole call. */
  readonly limits: { readonly connectMs: number; readonly totalMs: number };
  /** How calls are sent; Node's HTTP unless given. */
  readonly transport?: Transport;
}

export interface LinearTracker extends Tracker {
  /** When a webhook was last signed with the previous secret (Unix ms); null = not since we started. */
  lastPreviousSecretUseAt(): number | null;
}

/** Linear as a tracker. Throws when `apiUrl` would send the credential in the open, or a webhook secret is empty. */
export function createLinearTracker(parts: LinearParts): LinearTracker {
  if (parts.webhookSecrets.some((secret) => secret.reveal() === "")) {
    // An HMAC with an empty key verifies for anybody.
    throw new Error(
      "a Linear webhook secret is empty; set LINEAR_WEBHOOK_SECRET to the app's signing secret",
    );
  }
  const calling = {
    apiUrl: parts.apiUrl,
    transport: parts.transport ?? httpTransport({ connectMs: parts.limits.connectMs }),
    totalMs: parts.limits.totalMs,
    clock: parts.clock,
    log: parts.log,
  };
  const connections = onlyConnection(createClient({ ...calling, auth: authWith(parts.auth, calling) }));
  let previousSecretAt: number | null = null;

  return {
    name: "linear",
    open(headers, body, now) {
      const { result, secret } = openWebhook(headers, body, now, parts.webhookSecrets);
      if (secret !== null && secret > 0) previousSecretAt = now;
      return result;
    },
    interpret: interpretEvent,
    async whoAmI(signal) {
      const all = await connections.all(signal);
      return await Promise.all(all.map((connection) => connection.ask(signal)));
    },
    discover: (since, rest, signal) => discoverIn(connections, parts, since, rest, signal),
    in: (workspace) => workspaceOf(connections, parts, workspace),
    lastPreviousSecretUseAt: () => previousSecretAt,
  };
}

/** Reads and writes in one workspace, with the credential that is there for it when each call is made. */
function workspaceOf(
  connections: Connections,
  { clock }: Pick<LinearParts, "clock">,
  workspace: string | null,
): TrackerWorkspace {
  const at = (signal: AbortSignal): Promise<Connection> => connections.at(workspace, signal);
  return {
    async readTicket(issue, signal, need) {
      const connection = await at(signal);
      const us = await connection.us(signal);
      return await readTicket({ ...connection, clock }, us, issue, signal, need === "background");
    },
    async tell(session, key, activity, signal) {
      await tell((await at(signal)).client, session, key, activity, signal);
    },
    async showPlan(session, items, signal) {
      await showPlan((await at(signal)).client, session, items, signal);
    },
    async link(session, label, url, signal) {
      await link((await at(signal)).client, session, label, url, signal);
    },
    async setStatus(issue, to, name, signal) {
      return await setStatus((await at(signal)).client, issue, to, name, signal);
    },
    async takeDelegation(issue, signal) {
      const connection = await at(signal);
      await takeDelegation(connection.client, await connection.us(signal), issue, signal);
    },
  };
}

const placeAt = z.object({ workspace: z.string(), place: z.string().nullable() });

/** Looks through one workspace after the other; `rest` says in which to go on, and where in its lists. */
async function discoverIn(
  connections: Connections,
  { clock, log }: Pick<LinearParts, "clock" | "log">,
  since: number,
  rest: string | null,
  signal: AbortSignal,
): Promise<Discovery> {
  const from = rest === null ? null : placeAt.parse(JSON.parse(rest));
  const all = await connections.all(signal);
  const identities = await Promise.all(all.map((connection) => connection.us(signal)));
  const at = Math.max(
    0,
    identities.findIndex(({ workspace }) => workspace === from?.workspace),
  );
  const [connection, us] = [all[at], identities[at]];
  if (connection === undefined || us === undefined) return { issues: [], rest: null };
  const place = us.workspace === from?.workspace ? from.place : null;
  const found = await discoverIssues({ ...connection, clock, log }, us, since, place, signal);
  const next = found.rest === null ? identities[at + 1] : us;
  return {
    ...found,
    rest: next === undefined ? null : JSON.stringify({ workspace: next.workspace, place: found.rest }),
  };
}

import { z } from "zod";
import { trackerIdOf } from "../../factory/facts/ids.ts";
import type { Clock } from "../../lib/clock.ts";
import { ExternalError } from "../../lib/external.ts";
import type { Log } from "../../lib/log.ts";
import type { Randomness } from "../../lib/ids.ts";
import type { Secret } from "../../lib/secrets/secret.ts";
import type { SealedVault } from "../../lib/secrets/vault.ts";
import type { Discovery, Installing, Tracker, TrackerIdentity, TrackerWorkspace } from "../tracker.ts";
import type { Application, TokenParts } from "./client/application.ts";
import { authWith } from "./client/credential.ts";
import type { LinearCredential } from "./client/credential.ts";
import { createClient } from "./client/client.ts";
import { interpretEvent } from "./events/events.ts";
import { onlyConnection } from "./connection.ts";
import type { Connection, Connections } from "./connection.ts";
import { installedConnections } from "./installation/connections.ts";
import type { InstalledConnections } from "./installation/connections.ts";
import { createConsents } from "./installation/consent.ts";
import { discoverIssues, readTicket } from "./read/read.ts";
import { createQuickMode } from "./quick/quick.ts";
import type { QuickMode } from "./quick/quick.ts";
import { ticketReading } from "./read/ticket.ts";
import { ticketReader } from "./read/sessions.ts";
import { httpTransport } from "./client/transport.ts";
import type { Transport } from "./client/transport.ts";
import type { Voice } from "./write/voice.ts";
import { openWebhook } from "./events/webhook.ts";
import { agentVoice, setStatus, takeDelegation } from "./write/write.ts";

export interface LinearParts {
  /** Base address (GraphQL at `<apiUrl>/graphql`): https, or http to this machine. */
  readonly apiUrl: string;
  /** The current one first, then the previous one while rotating. With none, every webhook is refused. */
  readonly webhookSecrets: readonly Secret[];
  readonly auth: LinearCredential;
  /**
   * What installations by OAuth need, or the names of the credentials that it lacks. `kept`: where earlier ones may be, which
   * win all the same: another kind of token for the same application would end theirs.
   */
  readonly installing:
    | LinearInstalling
    | { readonly lacks: readonly string[]; readonly kept: LinearInstalling | null };
  readonly clock: Clock;
  readonly log: Log;
  /** Milliseconds: connecting, and a whole call. */
  readonly limits: { readonly connectMs: number; readonly totalMs: number };
  /** How calls are sent; Node's HTTP unless given. */
  readonly transport?: Transport;
}

export interface LinearInstalling {
  readonly application: Application;
  /** Keeps installations and consents under way. */
  readonly vault: SealedVault;
  /** The page where consent is given. */
  readonly authorizeUrl: string;
  readonly randomness: Randomness;
}

const ENCRYPTION_KEY = "PATCHRELAY_ENCRYPTION_KEY";

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
  const calling = callingWith(parts);
  const { connections, installed } = connectionsOf(parts, calling);
  let previousSecretAt: number | null = null;

  return {
    name: "linear",
    open(headers, body, now) {
      const { result, secret } = openWebhook(headers, body, now, parts.webhookSecrets);
      if (secret !== null && secret > 0) previousSecretAt = now;
      return result;
    },
    interpret: interpretEvent,
    whoAmI: (signal) => connections.whoAmI(signal),
    discover: (since, rest, signal) => discoverIn(connections, parts, since, rest, signal),
    in: (workspace) => workspaceOf(connections, parts, workspace),
    installing: installingWith(parts.installing, installed, calling),
    lastPreviousSecretUseAt: () => previousSecretAt,
  };
}

/** What every call to Linear is made with. */
export function callingWith({ apiUrl, transport, limits, clock, log }: LinearParts): TokenParts {
  const { connectMs, totalMs } = limits;
  return { apiUrl, transport: transport ?? httpTransport({ clock, connectMs }), totalMs, clock, log };
}

/** The workspaces that these credentials open: the installed ones, else the one of the credential itself. */
export function connectionsOf(
  { auth: credential, installing }: LinearParts,
  calling: TokenParts,
): { readonly connections: Connections; readonly installed: InstalledConnections | null } {
  const auth = authWith(credential, calling);
  const client = createClient({ ...calling, auth });
  const quick =
    credential.kind === "apiKey" ? createQuickMode(client, credential.key, credential.quick, calling) : null;
  const only = onlyConnection(client, auth, ticketReader(client, calling), quick);
  const kept = "lacks" in installing ? installing.kept : installing;
  if (kept === null) return { connections: only, installed: null };
  const installed = installedConnections(kept.application, kept.vault, only, calling);
  return { connections: installed, installed };
}

function installingWith(
  installing: LinearParts["installing"],
  installed: InstalledConnections | null,
  calling: TokenParts,
): Installing {
  if ("lacks" in installing || installed === null) {
    const lacks = "lacks" in installing ? installing.lacks : [];
    const refuse = (): never => {
      const key = lacks.includes(ENCRYPTION_KEY) ? ` (\`openssl rand -hex 32\` makes the key)` : "";
      throw new ExternalError(
        "refused",
        `the relay runs without ${lacks.join(" and ")}, which connecting a workspace needs: set ${lacks.length === 1 ? "it" : "them"} where the relay is started${key}, and restart it`,
      );
    };
    return {
      begin: async () => refuse(),
      finish: async () => refuse(),
      decline: async () => refuse(),
    };
  }
  const { application, vault, authorizeUrl, randomness } = installing;
  const consents = createConsents(application, vault, { ...calling, authorizeUrl, randomness });
  return {
    begin: async (redirectUri, signal) => await consents.begin(redirectUri, await installed.any(signal)),
    async finish(state, code, signal) {
      const installation = await consents.finish(state, code, signal);
      await installed.add(installation, signal);
      const connection = await installed.at(installation.workspace, signal);
      return await connection.us(signal);
    },
    decline: (state) => consents.decline(state),
  };
}

/** Reads and writes in one workspace, with the credential that is there for it when each call is made. */
function workspaceOf(
  connections: Connections,
  { clock }: Pick<LinearParts, "clock">,
  workspace: string | null,
): TrackerWorkspace {
  const at = (signal: AbortSignal): Promise<Connection> => connections.at(workspace, signal);
  const voiceOf = async (connection: Connection, signal: AbortSignal): Promise<Voice> =>
    (await quickAt(connection, signal)) ?? agentVoice(connection.client);
  return {
    async readTicket(issue, signal, { need = "wanted", sessions: known = [] } = {}) {
      const connection = await at(signal);
      const us = await connection.us(signal);
      const background = need === "background";
      const quick = await quickAt(connection, signal);
      if (quick !== null) return await quick.readTicket(us, issue, background, signal);
      const reading = await readTicket(
        () => connection.tickets.read(trackerIdOf(issue), known, background, signal),
        (answer) => ticketReading(answer, us),
        clock,
      );
      // Of those that are read one by one a session may be missing that nobody knew of.
      if (connection.tickets.listsAll()) connection.sessions.seen(reading, clock.now());
      return reading;
    },
    async tell(session, key, activity, signal, need) {
      await (await voiceOf(await at(signal), signal)).tell(session, key, activity, signal, need);
    },
    async showPlan(session, items, signal) {
      await (await voiceOf(await at(signal), signal)).showPlan(session, items, signal);
    },
    async link(session, label, url, signal) {
      await (await voiceOf(await at(signal), signal)).link(session, label, url, signal);
    },
    async setStatus(issue, to, name, signal) {
      return await setStatus((await at(signal)).client, issue, to, name, signal);
    },
    async takeDelegation(issue, signal) {
      const connection = await at(signal);
      // A person cannot be a delegate; the label says that the issue is ours.
      if ((await quickAt(connection, signal)) !== null) return;
      await takeDelegation(connection.client, await connection.us(signal), issue, signal);
    },
  };
}

/** How we work with this credential where it is a person's; null = it is an application's. */
async function quickAt(connection: Connection, signal: AbortSignal): Promise<QuickMode | null> {
  if (connection.quick === null) return null;
  return (await connection.us(signal)).quick === null ? null : connection.quick;
}

const placeAt = z.object({ workspace: z.string(), place: z.string().nullable() });

/** Looks through one workspace after the other; `rest` says in which to go on, and where in its lists. */
async function discoverIn(
  connections: Connections,
  { log }: Pick<LinearParts, "log">,
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
  const found = await discoverAt(connection, all.length > 1, { log }, us, since, place, signal);
  const next = found.rest === null ? identities[at + 1] : us;
  return {
    ...found,
    rest: next === undefined ? null : JSON.stringify({ workspace: next.workspace, place: found.rest }),
  };
}

/** Looks through one workspace, back to where the last look there was. Where others are waiting, a lost credential of one does not hold them up. */
async function discoverAt(
  connection: Connection,
  others: boolean,
  { log }: Pick<LinearParts, "log">,
  us: TrackerIdentity,
  since: number,
  place: string | null,
  signal: AbortSignal,
): Promise<Discovery> {
  const missed = connection.missedSince();
  try {
    const from = Math.min(since, missed ?? since);
    const quick = await quickAt(connection, signal);
    const found =
      quick === null
        ? await discoverIssues({ client: connection.client, log }, us, from, place, signal)
        : await quick.discover(us, from, place, signal);
    if (found.rest === null && missed !== null) await connection.missed(null);
    return found;
  } catch (error) {
    if (!others || !(error instanceof ExternalError) || error.kind !== "unauthorized") throw error;
    log.warn("not looking for lost issues in a workspace that we cannot sign in to", {
      workspace: us.workspaceName,
      error: error.message,
    });
    if (missed === null) await connection.missed(since);
    return { issues: [], rest: null };
  }
}

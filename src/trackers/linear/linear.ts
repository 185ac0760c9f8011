import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Secret } from "../../lib/secret.ts";
import type { Tracker, TrackerIdentity } from "../tracker.ts";
import { authWith } from "./client/credential.ts";
import type { LinearCredential } from "./client/credential.ts";
import { createClient } from "./client/client.ts";
import { interpretEvent } from "./events/events.ts";
import type { RateLimit } from "./client/rate-limit.ts";
import { discoverIssues, readIdentity, readTicket } from "./read/read.ts";
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
  /** What Linear last said about our allowances. */
  rateLimit(): RateLimit;
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
  const client = createClient({ ...calling, auth: authWith(parts.auth, calling) });
  const reading = { client, clock: parts.clock, log: parts.log };
  let us: TrackerIdentity | null = null;
  let previousSecretAt: number | null = null;

  const whoAmI = async (signal: AbortSignal): Promise<TrackerIdentity> => {
    us ??= await readIdentity(client, signal);
    return us;
  };

  return {
    name: "linear",
    open(headers, body, now) {
      const { result, secret } = openWebhook(headers, body, now, parts.webhookSecrets);
      if (secret !== null && secret > 0) previousSecretAt = now;
      return result;
    },
    interpret: interpretEvent,
    whoAmI,
    readTicket: async (issue, signal, need) =>
      readTicket(reading, await whoAmI(signal), issue, signal, need === "background"),
    discover: async (since, rest, signal) =>
      discoverIssues(reading, await whoAmI(signal), since, rest, signal),
    tell: (session, key, activity, signal) => tell(client, session, key, activity, signal),
    showPlan: (session, items, signal) => showPlan(client, session, items, signal),
    link: (session, label, url, signal) => link(client, session, label, url, signal),
    setStatus: (issue, to, name, signal) => setStatus(client, issue, to, name, signal),
    takeDelegation: async (issue, signal) => takeDelegation(client, await whoAmI(signal), issue, signal),
    lastPreviousSecretUseAt: () => previousSecretAt,
    rateLimit: () => client.rateLimit(),
  };
}

import type { Clock } from "../../../lib/clock.ts";
import { deadline, ExternalError, isOutage } from "../../../lib/external.ts";
import type { Log } from "../../../lib/log.ts";
import type { Secret } from "../../../lib/secret.ts";
import { singleFlight } from "../../../lib/single-flight.ts";
import { linearAddress } from "./address.ts";
import type { Auth } from "./auth.ts";
import { readTokenAnswer } from "./token-answer.ts";
import type { Transport } from "./transport.ts";

/** What fetching a token needs. */
export interface TokenParts {
  readonly apiUrl: string;
  readonly transport: Transport;
  /** One fetch, milliseconds. */
  readonly totalMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

// Always all of them: fewer make an app of the agent, and end the tokens that had more.
const SCOPE = "read,write,app:assignable,app:mentionable";
// A token lives for 30 days; what is left of one that lives shorter is halved.
const AHEAD_MS = 60 * 60_000;
// How soon is asked again: after an outage while the token still works, for one that never worked, after a refusal.
const AGAIN_MS = 60_000;
const REFUSED_MS = 5 * 60_000;

interface Held {
  readonly header: string;
  readonly fetchedAt: number;
  readonly expiresAt: number;
  renewAt: number;
  /** Whether a call got through with it. */
  worked: boolean;
}

/**
 * Acts as an application: a token by client credentials at first need, ahead of expiry, and when Linear takes the old
 * one no more. A refusal for good is kept for five minutes and thrown to whoever asks, so that nothing hammers on it.
 */
export function clientCredentials(
  { clientId, clientSecret }: { readonly clientId: Secret; readonly clientSecret: Secret },
  { apiUrl, transport, totalMs, clock, log }: TokenParts,
): Auth {
  const url = linearAddress(apiUrl, "/oauth/token");
  let held: Held | null = null;
  let refusal: ExternalError | null = null;

  const fetchToken = singleFlight(async (signal): Promise<Held> => {
    const form = new URLSearchParams({
      grant_type: "client_credentials",
      scope: SCOPE,
      client_id: clientId.reveal(),
      client_secret: clientSecret.reveal(),
    });
    const answer = await transport({
      url,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        accept: "application/json",
        "user-agent": "patchrelay",
      },
      body: form.toString(),
      signal: deadline(signal, totalMs, "Linear (token)"),
    });
    const now = clock.now();
    try {
      // Should somebody on the way quote what was sent, it ends here.
      const body = answer.body.replaceAll(clientSecret.reveal(), "[secret]");
      const token = readTokenAnswer(answer.status, body);
      const livesMs = token.seconds * 1_000;
      const renewAt = now + livesMs - Math.min(AHEAD_MS, livesMs / 2);
      held = {
        header: `Bearer ${token.text}`,
        fetchedAt: now,
        expiresAt: now + livesMs,
        renewAt,
        worked: false,
      };
      log.debug("Linear gave a token", { seconds: token.seconds });
      return held;
    } catch (error) {
      if (!(error instanceof ExternalError) || error.kind !== "unauthorized") throw error;
      refusal = new ExternalError("unauthorized", error.message, { retryAt: now + REFUSED_MS });
      throw refusal;
    }
  });

  const renewed = async (old: Held | null, signal: AbortSignal): Promise<Held> => {
    const now = clock.now();
    try {
      if (refusal !== null && now < (refusal.retryAt ?? now)) throw refusal;
      return await fetchToken(signal);
    } catch (error) {
      const passes = isOutage(error) || error === refusal;
      if (signal.aborted || old === null || clock.now() >= old.expiresAt || !passes) throw error;
      old.renewAt = now + AGAIN_MS;
      log.warn("Linear issued no new token; the current one still works", { error: String(error) });
      return old;
    }
  };

  return {
    async header(signal) {
      const token = held;
      return (token !== null && clock.now() < token.renewAt ? token : await renewed(token, signal)).header;
    },
    judged(header, accepted) {
      if (held?.header !== header) return !accepted;
      if (accepted) held.worked = true;
      // A new token that never worked would only be followed by the next.
      else if (held.worked || clock.now() - held.fetchedAt >= AGAIN_MS) held = null;
      return !accepted && held === null;
    },
  };
}

import type { Clock } from "../../../lib/clock.ts";
import { ExternalError, isOutage } from "../../../lib/external.ts";
import type { Log } from "../../../lib/log.ts";
import { singleFlight } from "../../../lib/single-flight.ts";
import type { Auth } from "./auth.ts";

// What is left of a token that lives shorter than twice this is halved.
const AHEAD_MS = 60 * 60_000;
// How soon is asked again: after an outage while the token still works, for one that never worked, after a refusal.
const AGAIN_MS = 60_000;
const REFUSED_MS = 5 * 60_000;

/** A token and until when it may be used, Unix ms. */
export interface HeldToken {
  readonly text: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
}

interface Held {
  readonly header: string;
  readonly obtainedAt: number;
  readonly expiresAt: number;
  renewAt: number;
  /** Whether a call got through with it. */
  worked: boolean;
}

/**
 * Authorises with tokens that end: another by `renew` at first need, ahead of expiry, and when Linear takes the old one no
 * more; one at a time. A refusal for good is kept for five minutes and thrown to whoever asks, so that nothing hammers on
 * it. `first`: a token from before; null = there is none.
 */
export function renewing(
  renew: (signal: AbortSignal) => Promise<HeldToken>,
  first: HeldToken | null,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Auth {
  let held: Held | null = first === null ? null : heldOf(first);
  let refusal: ExternalError | null = null;

  const another = singleFlight(async (signal): Promise<Held> => {
    try {
      held = heldOf(await renew(signal));
      return held;
    } catch (error) {
      if (!(error instanceof ExternalError) || error.kind !== "unauthorized") throw error;
      refusal = new ExternalError("unauthorized", error.message, { retryAt: clock.now() + REFUSED_MS });
      throw refusal;
    }
  });

  const renewed = async (old: Held | null, signal: AbortSignal): Promise<Held> => {
    const now = clock.now();
    try {
      if (refusal !== null && now < (refusal.retryAt ?? now)) throw refusal;
      return await another(signal);
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
      else if (held.worked || clock.now() - held.obtainedAt >= AGAIN_MS) held = null;
      return !accepted && held === null;
    },
  };
}

function heldOf({ text, obtainedAt, expiresAt }: HeldToken): Held {
  const livesMs = expiresAt - obtainedAt;
  const renewAt = expiresAt - Math.min(AHEAD_MS, livesMs / 2);
  return { header: `Bearer ${text}`, obtainedAt, expiresAt, renewAt, worked: false };
}

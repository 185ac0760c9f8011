import type { Clock } from "../src/lib/clock.ts";
import type { Randomness } from "../src/lib/ids.ts";

/** What may go wrong between the stand-ins and the relay. All off by default; a test turns them. */
export interface Faults {
  /** Webhooks: chance in [0,1] that one is never sent. */
  lose: number;
  /** Webhooks: chance in [0,1] that one is sent twice (same delivery id). */
  duplicate: number;
  /** Webhooks: each waits a random time up to this, so that later ones overtake. Milliseconds. */
  reorderMs: number;
  /** Webhooks: each waits this long. Milliseconds. */
  delayMs: number;
  /** API: how the next requests are answered instead of normally. */
  outage: "none" | "refused" | "silent" | "reset" | "html502" | "status500" | "status503" | "lost_reply";
  /** API: answer so many of the next requests as rate limited in the service's own manner. */
  rateLimitNext: number;
  /** API: reads show the state as it was this many milliseconds ago. 0 = fresh. */
  staleReadsMs: number;
}

export const CALM: Readonly<Faults> = {
  lose: 0,
  duplicate: 0,
  reorderMs: 0,
  delayMs: 0,
  outage: "none",
  rateLimitNext: 0,
  staleReadsMs: 0,
};

/** One webhook as sent: kept, so that a test may send it again, late or altered. */
export interface SentWebhook {
  readonly id: string;
  readonly event: string;
  /** The signature is among them from the first try on. */
  readonly headers: Record<string, string>;
  readonly body: string;
  /** HTTP statuses answered, in order; 0 = no answer. Empty = lost on purpose. */
  readonly answers: number[];
}

/** What both stand-ins are given. */
export interface WorldParts {
  readonly clock: Clock;
  readonly randomness: Randomness;
}

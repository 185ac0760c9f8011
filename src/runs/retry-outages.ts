import { messageOf } from "../lib/assert.ts";
import { backoffMs, OUTSIDE_CALLS } from "../lib/backoff.ts";
import { delay } from "../lib/clock.ts";
import { isOutage } from "../lib/external.ts";
import type { RunContext } from "./run-context.ts";

/** How long a repeatable step waits for an outage to end before the whole run is tried again later. */
const OUTAGE_MS = 30 * 60_000;
/** A limit says itself when it ends; those of the services end within an hour. */
const LIMIT_MS = 2 * 60 * 60_000;

/**
 * Repeats a step while the outside does not answer or asks us to wait: that says nothing about the work, and
 * what the agent has done is paid for and must not be done again because of it. Any other fault, and a stop of
 * the run or of the relay, ends it at once.
 */
export async function retryOutages<T>(context: RunContext, what: string, step: () => Promise<T>): Promise<T> {
  const { clock, randomness } = context.parts;
  const began = clock.monotonic();
  for (let failures = 1; ; failures += 1) {
    try {
      return await step();
    } catch (error) {
      if (!isOutage(error)) throw error;
      const backoff = backoffMs(OUTSIDE_CALLS, failures, randomness.fraction());
      const waitMs = Math.max(backoff, (error.retryAt ?? 0) - clock.now());
      const longestMs = error.kind === "rate_limited" ? LIMIT_MS : OUTAGE_MS;
      if (clock.monotonic() - began + waitMs > longestMs) throw error;
      context.handle.event(
        "warning",
        `${what} will be retried in ${Math.ceil(waitMs / 1_000)} s: ${messageOf(error)}`,
      );
      await delay(clock, waitMs, context.signal);
    }
  }
}

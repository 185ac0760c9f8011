import { messageOf } from "../lib/assert.ts";
import { backoffMs, OUTSIDE_CALLS } from "../lib/backoff.ts";
import { delay } from "../lib/clock.ts";
import { OutsideError } from "../lib/outside.ts";
import type { Journey } from "./journey.ts";

/** So long a step that can be repeated waits for an outage to end before the whole run is tried anew later. */
const PATIENCE_MS = 30 * 60_000;

/**
 * Repeats a step while the outside does not answer: what the agent has done is paid for and must not be done
 * again because of an outage. Any other fault, and a stop of the run or of the relay, ends it at once.
 */
export async function patiently<T>(journey: Journey, what: string, step: () => Promise<T>): Promise<T> {
  const { clock, randomness } = journey.parts;
  const began = clock.monotonic();
  for (let failures = 1; ; failures += 1) {
    try {
      return await step();
    } catch (error) {
      const waitMs = waitFor(error, failures, clock.now(), randomness.fraction());
      if (waitMs === null || clock.monotonic() - began + waitMs > PATIENCE_MS) throw error;
      journey.running.event(
        "warning",
        `${what} is tried again in ${Math.ceil(waitMs / 1_000)} s: ${messageOf(error)}`,
      );
      await delay(clock, waitMs, journey.signal);
    }
  }
}

function waitFor(error: unknown, failures: number, now: number, fraction: number): number | null {
  if (!(error instanceof OutsideError) || !["unavailable", "rate_limited"].includes(error.kind)) return null;
  return Math.max(backoffMs(OUTSIDE_CALLS, failures, fraction), (error.retryAt ?? now) - now);
}

import { backoffMs } from "../../lib/backoff.ts";
import { isOutage } from "../../lib/external.ts";

const AFTER_A_FAULT = { firstMs: 250, factor: 2, maxMs: 30_000 };

/**
 * The pause before a round that failed is made again, ms. `faults`: how many in a row failed before it. An outage that
 * says when it ends is waited for.
 */
export function pauseMs(faults: number, error: unknown, now: number): number {
  const pause = backoffMs(AFTER_A_FAULT, faults + 1, 1);
  return isOutage(error) && error.retryAt !== null ? Math.max(pause, error.retryAt - now) : pause;
}

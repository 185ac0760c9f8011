import { backoffMs, OUTSIDE_CALLS } from "../../lib/backoff.ts";
import type { EngineSettings } from "../engine.ts";

/** How long after its first failure an advance whose observations were parked is tried again. */
const FIRST_RETRY_MS = 2_000;

/** The longest pause before something that could not be applied is tried again, ms. */
export const LONGEST_PARKED_MS = OUTSIDE_CALLS.maxMs;

/** Observations whose advance failed for the first time: the tries that count, and when the next one is (Unix ms). */
export function parked(now: number): { readonly attempts: number; readonly at: number } {
  return { attempts: 1, at: now + FIRST_RETRY_MS };
}

/**
 * What becomes of a delivery, or of parked observations, that could not be applied once more: tried again at `at`
 * (Unix ms), or quarantined until a person puts it back. `attempts`: the tries before this one.
 */
export function afterFailedAdvance(
  attempts: number,
  settings: Pick<EngineSettings, "inboxAttempts">,
  now: number,
  fraction: number,
): { readonly attempts: number; readonly at: number; readonly quarantined: boolean } {
  const tried = attempts + 1;
  return {
    attempts: tried,
    at: now + backoffMs(OUTSIDE_CALLS, tried, fraction),
    quarantined: tried >= settings.inboxAttempts,
  };
}

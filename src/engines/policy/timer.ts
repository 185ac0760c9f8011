import type { Observation } from "../../factory/facts/observation.ts";

/** How soon a timer may follow on one that changed nothing. */
const SHORTEST_TIMER_MS = 30_000;

/**
 * When the timer of an issue is to fire (Unix ms; null = none), given what its decision asks for: a rule that asks for a
 * time already past, right after it was woken for it, must not spin.
 */
export function timerAt(
  until: number | null,
  observations: readonly Observation[],
  now: number,
): number | null {
  const spins = until !== null && until <= now && observations.some(({ kind }) => kind === "time_passed");
  return spins ? now + SHORTEST_TIMER_MS : until;
}

import { failuresInARow, PAUSES } from "../factory/judge/charging.ts";
import { backoffMs } from "../lib/backoff.ts";
import type { RunContext } from "./run-context.ts";

/** When what has failed for a passing reason is tried again (Unix ms), where nobody says how long it lasts. */
export async function nextTry(context: RunContext): Promise<number> {
  const { clock, randomness } = context.parts;
  const failures = failuresInARow((await context.facts()).runs) + 1;
  return clock.now() + backoffMs(PAUSES, failures, randomness.fraction());
}

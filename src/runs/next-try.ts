import { retryAtOf } from "../factory/judge/charging.ts";
import type { RunContext } from "./run-context.ts";

/** When what has failed for a passing reason is tried again (Unix ms); `reported`: by whoever says how long it lasts. */
export async function nextTry(context: RunContext, reported: number | null = null): Promise<number> {
  const { clock, randomness } = context.parts;
  return retryAtOf(reported, (await context.facts()).runs, randomness.fraction(), clock.now());
}

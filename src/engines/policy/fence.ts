import { type Facts, activeRun } from "../../factory/facts/facts.ts";
import type { Run } from "../../factory/facts/run.ts";

/** The facts of an issue, of which null says that it is not kept. */
type Kept = Facts | null;

/** Run `number` of an issue, as long as it waits to be started; null = it does not. */
export function queuedRun(facts: Kept, number: number | null): Run | null {
  return inState("queued", facts, number);
}

/**
 * Run `number` of an issue, as long as it is under way; null = whoever carries it out has to leave off. With `fence` it
 * must be the very attempt that was begun under that number.
 */
export function currentRun(facts: Kept, number: number, fence: number | null = null): Run | null {
  const run = inState("running", facts, number);
  return fence === null || run?.fence === fence ? run : null;
}

function inState(state: Run["state"], facts: Kept, number: number | null): Run | null {
  const run = facts === null ? null : activeRun(facts);
  return run?.number === number && run.state === state ? run : null;
}

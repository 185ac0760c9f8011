import type { Facts } from "../../factory/facts/facts.ts";
import type { Run, StopReason } from "../../factory/facts/run.ts";
import type { Observation } from "../../factory/facts/observation.ts";
import { retryAtOf } from "../../factory/judge/charging.ts";
import { stopWords } from "../../factory/words.ts";
import { currentRun } from "./fence.ts";

/** A pipeline that broke without an end that could be written down is not taken up again before this, ms. */
export const REST_MS = 30_000;

/** A run, and the observation that it has ended. */
export interface RunEnding {
  readonly run: Run;
  readonly seen: Observation;
}

/** The end of a run that was stopped while it waited: it needs no slot for that. */
export function stoppedBeforeItBegan(run: Run, reason: StopReason, now: number): Observation {
  return ended(run, now, {
    outcome: "stopped",
    failureClass: null,
    summary: `Stopped before it started because ${stopWords(reason)}.`,
    retryAt: null,
  });
}

/**
 * The end of a run whose pipeline broke, or that could not be started again and again. That is no fault of the work; it
 * is tried again after a pause that grows with such failures in a row. `runs`: those of the issue, `fraction` in [0,1).
 */
export function brokenOff(
  run: Run,
  why: string,
  { runs, now, fraction }: { readonly runs: readonly Run[]; readonly now: number; readonly fraction: number },
): Observation {
  return ended(run, now, {
    outcome: "failed",
    failureClass: "infrastructure",
    summary: why,
    retryAt: retryAtOf(null, runs, fraction, now),
  });
}

/** The end of a run whose pipeline broke; null = it was settled already, or another attempt has taken its place. */
export function endOfBroken(
  facts: Facts | null,
  { number, fence }: Pick<Run, "number" | "fence">,
  why: string,
  { now, fraction }: { readonly now: number; readonly fraction: number },
): RunEnding | null {
  const run = currentRun(facts, number, fence);
  if (facts === null || run === null) return null;
  return { run, seen: brokenOff(run, why, { runs: facts.runs, now, fraction }) };
}

function ended(
  run: Run,
  at: number,
  end: Omit<Extract<Observation, { kind: "run_ended" }>["end"], "replies">,
): Observation {
  const { number, fence, spent } = run;
  return {
    kind: "run_ended",
    at,
    run: number,
    fence,
    question: null,
    spent,
    end: { ...end, replies: [] },
  };
}

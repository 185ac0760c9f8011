import type { Run, StopReason } from "../../factory/facts/facts.ts";
import type { Observation } from "../../factory/facts/observation.ts";
import { retryAtOf } from "../../factory/judge/charging.ts";
import { stopWords } from "../../factory/words.ts";
import { backoffMs, OUTSIDE_CALLS } from "../../lib/backoff.ts";
import type { EngineSettings } from "../engine.ts";

/** A pipeline that broke without an end that could be written down is not taken up again before this, ms. */
export const REST_MS = 30_000;

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

/** When a run that could not be started is given another try (Unix ms); null = it ends as `brokenOff`. */
export function nextStart(
  attempts: number,
  settings: Pick<EngineSettings, "outboxAttempts">,
  now: number,
): { readonly attempts: number; readonly at: number } | null {
  const tried = attempts + 1;
  if (tried >= settings.outboxAttempts) return null;
  return { attempts: tried, at: now + backoffMs(OUTSIDE_CALLS, tried, 1) };
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

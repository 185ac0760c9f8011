import type { Facts } from "../../factory/facts/facts.ts";
import type { Run, StopReason } from "../../factory/facts/run.ts";
import type { Observation } from "../../factory/facts/observation.ts";
import { backoffMs, OUTSIDE_CALLS } from "../../lib/backoff.ts";
import type { EngineSettings } from "../engine.ts";
import { brokenOff, stoppedBeforeItBegan } from "./broken-run.ts";
import type { RunEnding } from "./broken-run.ts";
import { queuedRun } from "./fence.ts";

/** What comes of a run that has got a slot: it begins, it ends without having begun, or nobody wants it any more. */
export type Start =
  | { readonly result: "begins" | "ends"; readonly run: Run; readonly seen: Observation }
  | { readonly result: "dropped"; readonly why: string };

/** Whether run `number` of an issue may start. `facts`: null = the issue is not kept. */
export function startOf(facts: Facts | null, number: number | null, now: number): Start {
  const run = queuedRun(facts, number);
  if (run === null) return { result: "dropped", why: "this run is no longer wanted" };
  if (run.stop !== null)
    return { result: "ends", run, seen: stoppedBeforeItBegan(run, run.stop.reason, now) };
  return { result: "begins", run, seen: { kind: "run_started", at: now, run: run.number, fence: run.fence } };
}

/** The end of run `number` when it is stopped while it waits; null = it does not wait. */
export function endOfQueued(
  facts: Facts | null,
  number: number,
  reason: StopReason,
  now: number,
): RunEnding | null {
  const run = queuedRun(facts, number);
  return run === null ? null : { run, seen: stoppedBeforeItBegan(run, reason, now) };
}

/** When a run that could not be started is given another try (Unix ms); null = it ends as `endOfUnstartable`. */
export function nextStart(
  attempts: number,
  settings: Pick<EngineSettings, "outboxAttempts">,
  now: number,
): { readonly attempts: number; readonly at: number } | null {
  const tried = attempts + 1;
  if (tried >= settings.outboxAttempts) return null;
  return { attempts: tried, at: now + backoffMs(OUTSIDE_CALLS, tried, 1) };
}

/**
 * The end of run `number` that could not be started again and again; null = it has ended already. Left queued it would
 * wait for a slot that nobody gives it, and a person's `retry` would be refused. `fraction` in [0,1).
 */
export function endOfUnstartable(
  facts: Facts | null,
  number: number | null,
  why: string,
  { now, fraction }: { readonly now: number; readonly fraction: number },
): RunEnding | null {
  const run = queuedRun(facts, number);
  if (facts === null || run === null) return null;
  return {
    run,
    seen: brokenOff(run, `It could not be started: ${why}`, { runs: facts.runs, now, fraction }),
  };
}

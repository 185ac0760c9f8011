import type { Facts } from "../../../factory/facts/facts.ts";
import type { Run, StopReason } from "../../../factory/facts/run.ts";
import { runId } from "../../../factory/facts/ids.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Origin } from "../../../factory/facts/observation.ts";
import { assert, messageOf } from "../../../lib/assert.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import { Fenced } from "../../engine.ts";
import type { EngineParts } from "../../engine.ts";
import { createLoop, LOOK_EVERY_MS } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Outbox, OutboxRow } from "../rows/outbox.ts";
import { assignSlots } from "../../policy/slots.ts";
import type { SlotUse } from "../../policy/slots.ts";
import { endOfBroken, REST_MS } from "../../policy/broken-run.ts";
import { currentRun } from "../../policy/fence.ts";
import { endOfQueued, endOfUnstartable, nextStart, startOf } from "../../policy/start.ts";
import type { Runs } from "../rows/run.ts";
import { createRunUnderWay } from "./run-handle.ts";
import type { RunUnderWay } from "./run-handle.ts";
import { isStorageFault } from "../database/store.ts";
import type { Store } from "../database/store.ts";
import type { Stream } from "../views/stream.ts";
import type { Advances } from "../advance.ts";

/** How far down the queue one look goes; what is beyond it waits for the next. */
const QUEUE_LOOK = 1_000;

/** What one waiting run is told: null = it may start now, else why it waits. */
export interface Place {
  readonly row: OutboxRow;
  readonly reason: string | null;
}

/** Gives waiting runs their slots and carries them out, also those that a dead process left behind. */
export interface RunWorker extends Loop {
  /** Takes up the runs that were under way when the last process ended. */
  resume(): void;
  /** Slots in use: active runs, and runs whose pipeline has not returned yet. */
  used(): readonly SlotUse[];
  /** Runs that wait, in order, each with the reason. */
  queue(): readonly Place[];
  /** Inside a write: a person's message for a run under way. */
  steerRun(issue: IssueId, run: number, prompt: string, text: string): void;
  stopRun(issue: IssueId, run: number, reason: StopReason): void;
  /** To be called after each commit that changed the issue. */
  committed(issue: IssueId, facts: Facts): void;
  /** Interrupts the runs' pipelines so that they can be resumed, and waits for them. */
  interrupt(): Promise<void>;
}

export function createRunWorker(parts: {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly runs: Runs;
  readonly advances: Advances;
  readonly stream: Stream;
  readonly engine: Pick<
    EngineParts,
    "clock" | "log" | "randomness" | "policy" | "conditions" | "performRun" | "settings"
  >;
}): RunWorker {
  const { store, outbox, runs, advances, engine } = parts;
  const { clock, log, settings } = engine;
  const stopping = new AbortController();
  const underWay = new Map<IssueId, RunUnderWay & { readonly done: Promise<void> }>();

  /** Runs whose pipeline broke without an end that could be written down: not taken up again before this (monotonic). */
  const resting = new Map<IssueId, number>();

  const used = (): readonly SlotUse[] => {
    const rows: readonly SlotUse[] = runs.running();
    const known = new Set(rows.map(({ issue }) => issue));
    return [...rows, ...[...underWay.values()].filter(({ issue }) => !known.has(issue))];
  };

  const queue = (): readonly Place[] => {
    const waiting = outbox.queue(QUEUE_LOOK);
    if (waiting.length === 0) return [];
    const reasons = assignSlots(
      waiting.map(({ issue, project, next_at, error }) => ({
        issue,
        project,
        notBefore: next_at,
        failure: error,
      })),
      used(),
      settings,
      engine.policy,
      engine.conditions(),
      clock.now(),
    );
    return waiting.map((row, index) => ({ row, reason: reasons[index] ?? null }));
  };

  /** The run of this row, begun; null = it may not start, and the row is settled. Inside a write. */
  const started = (row: OutboxRow): Run | null => {
    const start = startOf(advances.facts(row.issue), row.run, clock.now());
    if (start.result === "dropped") {
      outbox.settle(row, "dropped", start.why, clock.now());
      return null;
    }
    const { run, seen } = start;
    if (start.result === "begins") outbox.claim(row);
    advances.apply(row.issue, [seen], origin(row.issue, run));
    if (start.result === "ends") return null;
    const begun = currentRun(advances.facts(row.issue), run.number);
    assert(begun !== null, `run ${run.number} of ${row.issue} did not start when it was claimed`);
    return begun;
  };

  const claim = (row: OutboxRow): void => {
    const claimed = store.write(() => {
      const tried = store.attempt(() => started(row));
      if (tried.ok) return tried.value;
      failedStart(row, tried.error);
      return null;
    });
    if (claimed === null) return;
    failpoint("run.claimed");
    begin(row.issue, claimed, row.project);
  };

  const failedStart = (row: OutboxRow, error: unknown): void => {
    const why = messageOf(error);
    log.error("could not start a run", { issue: row.issue, run: row.run, why });
    const next = nextStart(row.attempts, settings, clock.now());
    if (next !== null) {
      outbox.postpone(row, next.attempts, next.at, why);
      return;
    }
    outbox.settle(row, "failed", why, clock.now());
    const end = endOfUnstartable(advances.facts(row.issue), row.run, why, moment());
    if (end !== null) advances.applyOrPark(row.issue, [end.seen], origin(row.issue, end.run));
  };

  /** The time, and what spreads the next try. */
  const moment = (): { readonly now: number; readonly fraction: number } => ({
    now: clock.now(),
    fraction: engine.randomness.fraction(),
  });

  const begin = (issue: IssueId, run: Run, project: string | null): void => {
    resting.delete(issue);
    const handle = createRunUnderWay({ ...parts, issue, run, project, stopping: stopping.signal });
    // A promise of its own, so that the entry exists before the pipeline's first step runs.
    const done = Promise.resolve().then(() => carryOut(handle, run));
    underWay.set(issue, { ...handle, done });
  };

  const carryOut = async (handle: RunUnderWay, run: Run): Promise<void> => {
    const { issue } = handle;
    let fault: unknown = null;
    try {
      await engine.performRun(handle.handle);
      fault = new Error("the pipeline returned without settling its run");
    } catch (error) {
      fault = error;
    } finally {
      underWay.delete(issue);
    }
    resting.set(issue, clock.monotonic() + REST_MS);
    try {
      handle.flush();
      if (!(fault instanceof Fenced) && !stopping.signal.aborted) settleFault(issue, run, fault);
    } catch (error) {
      // The row stays `running` without a pipeline: a later look takes it up again.
      log.error("could not record the end of a run", {
        issue,
        run: run.number,
        why: messageOf(error),
      });
    }
    loop.wake();
  };

  /** Settles a run whose pipeline broke; does nothing when it was settled already. */
  const settleFault = (issue: IssueId, run: Run, fault: unknown): void => {
    if (isStorageFault(fault)) throw fault;
    store.write(() => {
      const why = messageOf(fault);
      const end = endOfBroken(advances.facts(issue), run, why, moment());
      if (end === null) return;
      log.error("run failed", { issue, run: run.number, why });
      advances.applyOrPark(issue, [end.seen], origin(issue, run));
    });
  };

  /** A run that is stopped while it waits needs no slot to end. */
  const endQueued = (issue: IssueId, number: number, reason: StopReason): void => {
    store.write(() => {
      const end = endOfQueued(advances.facts(issue), number, reason, clock.now());
      if (end !== null) advances.apply(issue, [end.seen], origin(issue, end.run));
    });
  };

  const takeUp = (): void => {
    for (const row of runs.running()) {
      if (underWay.has(row.issue) || (resting.get(row.issue) ?? -Infinity) > clock.monotonic()) continue;
      const run = currentRun(advances.facts(row.issue), row.number);
      if (run !== null) begin(row.issue, run, row.project);
    }
  };

  const loop = createLoop({
    name: "runs",
    clock,
    log,
    round() {
      if (stopping.signal.aborted) return LOOK_EVERY_MS;
      takeUp();
      for (const { row, reason } of queue()) if (reason === null) claim(row);
      return LOOK_EVERY_MS;
    },
  });

  return {
    ...loop,
    resume: takeUp,
    used,
    queue,
    steerRun(issue, run, prompt, text) {
      const handle = underWay.get(issue);
      if (handle?.run !== run && !runs.running().some((row) => row.issue === issue && row.number === run))
        return;
      runs.addSteer(runId(issue, run), prompt, text);
      store.afterCommit(() => underWay.get(issue)?.steered());
    },
    stopRun(issue, run, reason) {
      const handle = underWay.get(issue);
      if (handle?.run === run) handle.stop(reason);
      else endQueued(issue, run, reason);
    },
    committed(issue, facts) {
      underWay.get(issue)?.committed(facts);
    },
    async interrupt() {
      stopping.abort(new Error("the relay is stopping"));
      await Promise.all([...underWay.values()].map(({ done }) => done));
    },
  };
}

function origin(issue: IssueId, run: Run): Origin {
  return { source: "run", delivery: runId(issue, run.number) };
}

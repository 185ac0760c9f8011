import type { Facts } from "../../../factory/facts/facts.ts";
import type { Run, StopReason } from "../../../factory/facts/run.ts";
import { runId } from "../../../factory/facts/ids.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import { messageOf } from "../../../lib/assert.ts";
import { clip } from "../../../lib/text.ts";
import { Fenced } from "../../engine.ts";
import type { EngineParts, RunHandle } from "../../engine.ts";
import { currentRun } from "../../policy/fence.ts";
import { RUN_EVENTS_KEPT, runEventDocument } from "../rows/run.ts";
import type { Runs } from "../rows/run.ts";
import type { Store } from "../database/store.ts";
import type { Stream } from "../views/stream.ts";
import type { Advances } from "../advance.ts";

/** A run under way, from the engine's side. */
export interface RunUnderWay {
  readonly issue: IssueId;
  readonly run: number;
  readonly project: string | null;
  /** What the pipeline holds. */
  readonly handle: RunHandle;
  stop(reason: StopReason): void;
  /** A message has become durable. */
  steered(): void;
  committed(facts: Facts): void;
  /** Writes down the lines of the log that still wait. */
  flush(): void;
}

/** One line of a run's log is cut here. */
const EVENT_CHARACTERS = 8_000;

export function createRunUnderWay(parts: {
  readonly store: Store;
  readonly runs: Runs;
  readonly advances: Advances;
  readonly stream: Stream;
  readonly engine: Pick<EngineParts, "clock" | "log">;
  readonly issue: IssueId;
  readonly run: Run;
  readonly project: string | null;
  readonly stopping: AbortSignal;
}): RunUnderWay {
  const { store, runs, advances, stream, issue, engine } = parts;
  const { number, fence } = parts.run;
  const id = runId(issue, number);
  let resolveStopped: (reason: StopReason) => void = () => undefined;
  const stopped = new Promise<StopReason>((resolve) => {
    resolveStopped = resolve;
  });
  const arrivals = new Set<() => void>();
  let events: { readonly at: number; readonly kind: string; readonly text: string }[] = [];
  let flushing: NodeJS.Immediate | null = null;
  let stopReason: StopReason | null = null;
  let progress = runs.progress(id);

  const stop = (reason: StopReason): void => {
    if (stopReason !== null) return;
    stopReason = reason;
    resolveStopped(reason);
  };

  /** This run in `facts`, if it is still the one that counts. */
  const current = (facts: Facts | null): Run | null => currentRun(facts, number, fence);

  const factsNow = (): Facts => {
    const facts = advances.facts(issue);
    if (facts === null || current(facts) === null) {
      throw new Fenced(`run ${number} of ${issue} is no longer the current one`);
    }
    return facts;
  };

  const flush = (): void => {
    if (flushing !== null) clearImmediate(flushing);
    flushing = null;
    if (events.length === 0) return;
    store.write(() => {
      for (const row of runs.addEvents(id, events)) {
        stream.publishAfterCommit({ seq: row.seq, kind: "run", line: runEventDocument(row) });
      }
    });
    events = [];
  };

  const committed = (facts: Facts): void => {
    const run = current(facts);
    if (run === null) stop("superseded");
    else if (run.stop !== null) stop(run.stop.reason);
  };

  store.write(() => runs.offerAgain(id, parts.run.steered));
  const known = advances.facts(issue);
  if (known !== null) committed(known);

  return {
    issue,
    run: number,
    project: parts.project,
    stop,
    committed,
    flush,
    steered() {
      for (const listen of arrivals) listen();
    },
    handle: {
      issue,
      run: number,
      fence,
      signal: parts.stopping,
      facts: async () => factsNow(),
      stopReason: () => stopReason,
      stopped,
      steers: {
        take: async () => (runs.anySteer(id) ? store.write(() => runs.takeSteers(id)) : []),
        onArrival(listen) {
          arrivals.add(listen);
          if (runs.anySteer(id)) listen();
        },
      },
      async record(observations) {
        flush();
        store.write(() => {
          // Asked in the same transaction that writes: nobody can supersede this run in between.
          factsNow();
          advances.apply(issue, observations, { source: "run", delivery: id });
        });
      },
      progress: async () => progress,
      async saveProgress(patch) {
        const whole = { ...progress, ...patch };
        store.write(() => {
          // The check and what it allows are one transaction, here as in `record`.
          factsNow();
          runs.saveProgress(id, whole);
        });
        progress = whole;
      },
      event(kind, text) {
        events.push({ at: engine.clock.now(), kind, text: clip(text, EVENT_CHARACTERS) });
        if (events.length > RUN_EVENTS_KEPT) events.shift();
        flushing ??= setImmediate(() => {
          flushing = null;
          try {
            flush();
          } catch (error) {
            // The lines stay in memory, bounded, for the next flush.
            engine.log.warn("could not write a run's log", { run: id, why: messageOf(error) });
          }
        });
      },
    },
  };
}

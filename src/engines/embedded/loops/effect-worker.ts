import type { Effect, EffectKind } from "../../../factory/effects/effect.ts";
import { emptyFacts } from "../../../factory/facts/facts.ts";
import type { Observation, Origin } from "../../../factory/facts/observation.ts";
import { assert, messageOf } from "../../../lib/assert.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import { cutOffAfter } from "../../../lib/external.ts";
import type { EngineParts, Performer } from "../../engine.ts";
import {
  afterCutShort,
  afterDone,
  afterFailure,
  freePlaces,
  LONGEST_CALL_MS,
  nextTry,
  WORK_CLASSES,
} from "../../policy/effects.ts";
import type { WorkClass } from "../../policy/effects.ts";
import { createLoop, LOOK_EVERY_MS } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Outbox, OutboxRow } from "../rows/outbox.ts";
import type { RunWorker } from "./run-worker.ts";
import { isStorageFault } from "../database/store.ts";
import type { Store } from "../database/store.ts";
import type { Advances } from "../advance.ts";

/** Carries out the effects of the outbox, except runs (run-worker.ts). */
export interface EffectWorker extends Loop {
  /** Interrupts what is under way and waits for it. */
  interrupt(): Promise<void>;
}

export function createEffectWorker(parts: {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly advances: Advances;
  readonly runWorker: Pick<RunWorker, "steerRun" | "stopRun">;
  readonly engine: Pick<EngineParts, "clock" | "log" | "randomness" | "performers" | "settings">;
}): EffectWorker {
  const { store, outbox, advances, runWorker, engine } = parts;
  const { clock, log, settings } = engine;
  const stopping = new AbortController();
  const underWay = new Map<number, { readonly kind: WorkClass; readonly done: Promise<void> }>();
  /** Effects whose result could not be recorded; they are put back, since a repeat is harmless. */
  const unrecorded = new Set<OutboxRow>();

  const perform = async (row: OutboxRow): Promise<void> => {
    const effect = JSON.parse(row.payload) as Effect;
    try {
      if (effect.kind === "stop_run") runWorker.stopRun(effect.issue, effect.run, effect.reason);
      failpoint("effect.before_call");
      const observations = await call(effect, row.attempts + 1);
      failpoint("effect.after_call");
      record(row, effect, observations);
      failpoint("effect.recorded");
    } catch (error) {
      fail(row, effect, error);
    } finally {
      underWay.delete(row.id);
      loop.wake();
    }
  };

  const call = async (effect: Effect, attempt: number): Promise<readonly Observation[]> => {
    assert(effect.kind !== "start_run", "a run is not an effect to perform");
    // The map of performers is total over the kinds, but TypeScript cannot pair a kind with its own performer.
    const performer = engine.performers[effect.kind] as Performer<EffectKind>;
    return await cutOffAfter(clock, stopping.signal, LONGEST_CALL_MS, effect.kind, (signal) =>
      performer(effect, {
        facts: advances.facts(effect.issue) ?? emptyFacts(effect.issue, clock.now()),
        attempt,
        signal,
        async record(observations) {
          store.write(() => advances.apply(effect.issue, observations, originOf(effect)));
        },
      }),
    );
  };

  const record = (row: OutboxRow, effect: Effect, observations: readonly Observation[]): void => {
    store.write(() => {
      outbox.settle(row, "done", null, clock.now());
      if (effect.kind === "steer_run")
        runWorker.steerRun(effect.issue, effect.run, effect.prompt, effect.text);
      const all = afterDone(effect, observations, clock.now());
      if (all.length > 0) advances.applyOrPark(effect.issue, all, originOf(effect));
    });
  };

  const fail = (row: OutboxRow, effect: Effect, error: unknown): void => {
    const why = messageOf(error);
    try {
      store.write(() => {
        const next = nextTry(
          {
            class: row.class,
            error,
            attempts: row.attempts,
            now: clock.now(),
            fraction: engine.randomness.fraction(),
            stopping: stopping.signal.aborted,
            storageFailed: isStorageFault(error),
          },
          settings,
        );
        if (next !== null) {
          outbox.postpone(row, next.attempts, next.at, next.failed ? why : row.error);
          return;
        }
        outbox.settle(row, "failed", why, clock.now());
        const reports = afterFailure(effect, why, clock.now());
        if (reports.length > 0) advances.applyOrPark(effect.issue, reports, originOf(effect));
      });
      // A stop is no failure: it is put back, and the next process carries it out.
      if (!stopping.signal.aborted)
        log.warn("effect failed", { issue: effect.issue, kind: effect.kind, key: effect.key, why });
    } catch (storage) {
      unrecorded.add(row);
      log.error("could not record the result of an effect", {
        key: effect.key,
        why: messageOf(storage),
      });
    }
  };

  const takeDue = (): readonly OutboxRow[] => {
    const rows: OutboxRow[] = [];
    const busy = [...underWay.values()].map(({ kind }) => kind);
    for (const kind of WORK_CLASSES) {
      const free = freePlaces(kind, busy);
      if (free > 0) rows.push(...outbox.due(kind, clock.now(), free));
    }
    return rows.filter(({ id }) => !underWay.has(id));
  };

  const loop = createLoop({
    name: "effects",
    clock,
    log,
    round() {
      if (unrecorded.size > 0) {
        store.write(() => {
          for (const row of unrecorded) {
            const next = afterCutShort(row.attempts, clock.now());
            outbox.postpone(row, next.attempts, next.at, row.error);
          }
        });
        unrecorded.clear();
      }
      const due = takeDue();
      if (due.length > 0) {
        const claimed = store.write(() => due.filter((row) => outbox.claim(row)));
        for (const row of claimed) underWay.set(row.id, { kind: row.class as WorkClass, done: perform(row) });
      }
      const next = WORK_CLASSES.map((kind) => outbox.nextAt(kind))
        .filter((at) => at !== null && at > clock.now())
        .map((at) => (at ?? 0) - clock.now());
      return Math.min(LOOK_EVERY_MS, ...next);
    },
  });

  return {
    ...loop,
    async interrupt() {
      stopping.abort(new Error("the relay is stopping"));
      await Promise.all([...underWay.values()].map(({ done }) => done));
    },
  };
}

function originOf(effect: Effect): Origin {
  return { source: "effect", delivery: effect.key };
}

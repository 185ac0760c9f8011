import type { EngineParts, EngineSettings } from "../../engine.ts";
import { EFFECT_CLASSES, longestWaitMs } from "../../policy/effects.ts";
import { LONGEST_PARKED_MS } from "../../policy/parking.ts";
import { longestPeriodMs } from "../../policy/sweep.ts";
import { createLoop, LOOK_EVERY_MS } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Store } from "../database/store.ts";

/** The times that rows are planned for, each with how far ahead that can be. */
export function plannedTimes({ db }: Pick<Store, "db">) {
  const times = (waits: (settings: EngineSettings) => number, select: string, change: string) => {
    const beyond = db.prepare<[number], 1>(select).pluck();
    const bring = db.prepare<[number, number]>(change);
    return { waits, beyond: (at: number) => beyond.get(at) !== undefined, bring };
  };
  const outbox = EFFECT_CLASSES.map((kind) =>
    times(
      longestWaitMs,
      `SELECT 1 FROM outbox WHERE state = 'pending' AND head = 1 AND class = '${kind}' AND next_at > ? LIMIT 1`,
      `UPDATE outbox SET next_at = ? WHERE state = 'pending' AND head = 1 AND class = '${kind}' AND next_at > ?`,
    ),
  );
  return [
    ...outbox,
    times(
      ({ sweep }) => longestPeriodMs(sweep),
      "SELECT 1 FROM issues WHERE sweep_at IS NOT NULL AND sweep_at > ? LIMIT 1",
      "UPDATE issues SET sweep_at = ? WHERE sweep_at IS NOT NULL AND sweep_at > ?",
    ),
    times(
      () => LONGEST_PARKED_MS,
      "SELECT 1 FROM deliveries INDEXED BY deliveries_again WHERE state = 'pending' AND next_at > 0 AND next_at > ? LIMIT 1",
      "UPDATE deliveries INDEXED BY deliveries_again SET next_at = ? WHERE state = 'pending' AND next_at > 0 AND next_at > ?",
    ),
    times(
      () => LONGEST_PARKED_MS,
      "SELECT 1 FROM observations WHERE state = 'pending' AND next_at > ? LIMIT 1",
      "UPDATE observations SET next_at = ? WHERE state = 'pending' AND next_at > ?",
    ),
  ];
}

/**
 * Brings back what was planned while the wall clock was ahead: once it is set back, those times lie further away
 * than anything is ever planned, and would keep sweep, retries and deliveries waiting for as long.
 */
export function createClockRollback(parts: {
  readonly store: Store;
  readonly engine: Pick<EngineParts, "clock" | "log" | "settings">;
  readonly changed: () => void;
}): Loop {
  const { store, engine } = parts;
  const { clock, log, settings } = engine;
  const planned = plannedTimes(store);
  return createLoop({
    name: "clock rollback",
    clock,
    log,
    round() {
      const now = clock.now();
      const lost = planned.filter(({ waits, beyond }) => beyond(now + waits(settings)));
      if (lost.length === 0) return LOOK_EVERY_MS;
      const rows = store.write(() =>
        lost.reduce((sum, { waits, bring }) => sum + bring.run(now, now + waits(settings)).changes, 0),
      );
      log.warn("clock moved backwards; running timers scheduled under the old time now", { rows });
      parts.changed();
      return LOOK_EVERY_MS;
    },
  });
}

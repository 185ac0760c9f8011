import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { createLoop, LOOK_EVERY_MS } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Store } from "../database/store.ts";
import type { TimerRows } from "../rows/timer.ts";
import type { Advances } from "../advance.ts";

const BATCH = 25;

/** Fires each timer at or after its time, as a `time_passed` observation in the same transaction that removes it. */
export function createTimerLoop(parts: {
  readonly store: Store;
  readonly timers: TimerRows;
  readonly advances: Advances;
  readonly clock: Clock;
  readonly log: Log;
}): Loop {
  const { store, timers, advances, clock, log } = parts;
  return createLoop({
    name: "timers",
    clock,
    log,
    round() {
      const due = timers.due(clock.now(), BATCH);
      if (due.length > 0) {
        store.write(() => {
          for (const { issue, reason } of due) {
            timers.remove(issue);
            advances.applyOrPark(issue, [{ kind: "time_passed", at: clock.now(), reason }], {
              source: "timer",
              delivery: null,
            });
          }
        });
      }
      const next = timers.nextAt();
      return next === null ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, Math.max(0, next - clock.now()));
    },
  });
}

import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { createLoop } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Store } from "../database/store.ts";
import type { Advances } from "../advance.ts";

interface TimerRow {
  readonly issue: IssueId;
  readonly at: number;
  readonly reason: string;
}

/** Looked at least this often, so that a jump of the wall clock delays nothing for long. */
const LOOK_EVERY_MS = 15_000;
const BATCH = 25;

/** The rows of `timers`: at most one per issue. */
export type TimerRows = ReturnType<typeof timerRows>;

export function timerRows({ db }: Pick<Store, "db">, changed: () => void) {
  const upsert = db.prepare<[string, number, string]>(
    `INSERT INTO timers (issue, at, reason) VALUES (?, ?, ?)
     ON CONFLICT (issue) DO UPDATE SET at = excluded.at, reason = excluded.reason
       WHERE at <> excluded.at OR reason <> excluded.reason`,
  );
  const remove = db.prepare<[string]>("DELETE FROM timers WHERE issue = ?");
  const due = db.prepare<[number, number], TimerRow>(
    "SELECT * FROM timers WHERE at <= ? ORDER BY at LIMIT ?",
  );
  const nextAt = db.prepare<[], number>("SELECT at FROM timers ORDER BY at LIMIT 1").pluck();
  return {
    /** Sets or removes (null) the issue's timer; true when an earlier look may be needed. */
    set(issue: IssueId, at: number | null, reason: string): boolean {
      if (at === null) {
        remove.run(issue);
        return false;
      }
      return upsert.run(issue, at, reason).changes > 0;
    },
    remove(issue: IssueId): void {
      remove.run(issue);
    },
    due: (now: number, limit: number) => due.all(now, limit),
    nextAt: () => nextAt.get() ?? null,
    changed,
  };
}

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

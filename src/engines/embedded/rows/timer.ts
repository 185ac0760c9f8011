import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Store } from "../database/store.ts";

interface TimerRow {
  readonly issue: IssueId;
  readonly at: number;
  readonly reason: string;
}

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

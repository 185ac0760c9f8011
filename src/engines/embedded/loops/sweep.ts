import type { Facts } from "../../../factory/facts/facts.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import type { EngineParts } from "../../engine.ts";
import { createLoop } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Outbox } from "../rows/outbox.ts";
import type { Store } from "../database/store.ts";
import { ISSUES_PER_TICK, periodOf, plannedIn, readingsOf, tickMs } from "../../policy/sweep.ts";

type Due = { readonly id: IssueId; readonly state: string; readonly sweeps: number; readonly facts: string };

/** The rows that the sweep reads and plans. */
export function sweepRows({ db }: Pick<Store, "db">) {
  const due = db.prepare<[number, number], Due>(
    `SELECT id, state, sweeps, facts FROM issues WHERE sweep_at IS NOT NULL AND sweep_at <= ?
     ORDER BY sweep_at LIMIT ?`,
  );
  const planned = db.prepare<[number | null, string]>(
    "UPDATE issues SET sweeps = sweeps + 1, sweep_at = ? WHERE id = ?",
  );
  return {
    due: (now: number, limit: number) => due.all(now, limit),
    plan(issue: IssueId, at: number | null): void {
      planned.run(at, issue);
    },
  };
}

/** Asks for the truth about issues whose time has come; the answers come in as observations like any other. */
export function createSweepLoop(parts: {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly engine: Pick<EngineParts, "clock" | "log" | "settings">;
  readonly added: () => void;
}): Loop {
  const { store, outbox, engine } = parts;
  const { clock, settings } = engine;
  const rows = sweepRows(store);
  return createLoop({
    name: "sweep",
    clock,
    log: engine.log,
    round() {
      const due = rows.due(clock.now(), ISSUES_PER_TICK);
      for (const [index, issue] of due.entries()) {
        if (index > 0) failpoint("sweep.between_issues");
        store.write(() => {
          const facts = JSON.parse(issue.facts) as Facts;
          const period = periodOf(issue.state, facts, settings.sweep, clock.now());
          const swept = { state: issue.state, number: issue.sweeps + 1 };
          for (const effect of readingsOf(issue.id, facts, swept, settings.sweep)) {
            outbox.add(effect, { priority: 0, project: null }, clock.now());
          }
          failpoint("sweep.mid_issue");
          rows.plan(issue.id, period === null ? null : clock.now() + plannedIn(period, settings.sweep));
        });
      }
      if (due.length > 0) parts.added();
      return tickMs(settings.sweep, due.length === ISSUES_PER_TICK);
    },
  });
}

import type { Effect } from "../../../factory/effects/effect.ts";
import type { Facts } from "../../../factory/facts/facts.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import type { EngineParts } from "../../engine.ts";
import { createLoop } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Outbox } from "../rows/outbox.ts";
import type { Store } from "../database/store.ts";
import { periodOf } from "../../policy/sweep.ts";

/** At most this many issues are read per tick: a restart must not spend the services' rate limits at once. */
const ISSUES_PER_TICK = 50;
const SHORTEST_TICK_MS = 1_000;
const LONGEST_TICK_MS = 15_000;

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

/** How long between two ticks of the sweep. */
export function tickMs(activeMs: number): number {
  return Math.max(SHORTEST_TICK_MS, Math.min(LONGEST_TICK_MS, activeMs));
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
        if (index > 0) failpoint("reconcile.between_issues");
        store.write(() => {
          const facts = JSON.parse(issue.facts) as Facts;
          const period = periodOf(issue.state, facts, settings.sweep, clock.now());
          for (const effect of readings(issue, facts)) {
            outbox.add(effect, { priority: 0, project: null }, clock.now());
          }
          failpoint("reconcile.mid_issue");
          rows.plan(issue.id, period === null ? null : clock.now() + period);
        });
      }
      if (due.length > 0) parts.added();
      return due.length === ISSUES_PER_TICK ? SHORTEST_TICK_MS : tickMs(settings.sweep.activeMs);
    },
  });
}

// The key holds the number of the sweep, so that each sweep asks once and the next one asks again.
function readings(due: Due, facts: Facts): readonly Effect[] {
  const issue = due.id;
  const key = `sweep:${issue}:${due.sweeps + 1}:ticket`;
  const ticket: Effect = { kind: "read_ticket", key, issue, background: true };
  const { project, pullRequest, runs } = facts;
  if (project === null || (pullRequest === null && runs.length === 0)) return [ticket];
  return [
    ticket,
    {
      kind: "read_pull_request",
      key: `sweep:${issue}:${due.sweeps + 1}:pull_request`,
      issue,
      number: pullRequest?.number ?? null,
      branch: project.branch,
      hint: null,
    },
  ];
}

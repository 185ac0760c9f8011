import type { Effect } from "../../factory/effect.ts";
import type { Facts } from "../../factory/facts.ts";
import type { IssueId } from "../../factory/ids.ts";
import { TERMINAL } from "../../factory/state.ts";
import type { FactoryState } from "../../factory/state.ts";
import { reach } from "../../lib/failpoints.ts";
import { deadline } from "../../lib/outside.ts";
import type { EngineParts } from "../engine.ts";
import { aborted } from "./abort.ts";
import { createLoop } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Meta } from "./meta.ts";
import type { Outbox } from "./outbox.ts";
import type { Store } from "./store.ts";
import { periodOf } from "./sweep-period.ts";

/** At most this many issues are asked about per tick (reliability.md section 7). */
const ISSUES_PER_TICK = 50;
const SHORTEST_TICK_MS = 1_000;
const LONGEST_TICK_MS = 15_000;
const DISCOVERED_PER_PASS = 200;
const DISCOVER_DEADLINE_MS = 60_000;
/** What the tracker shows late is looked for again this far back. */
const OVERLAP_MS = 10 * 60_000;
/** How far back the very first discovery goes; older delegations are taken up by a new word from a person. */
const FIRST_LOOK_BACK_MS = 7 * 24 * 3_600_000;

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
  const stateOf = db.prepare<[string], string>("SELECT state FROM issues WHERE id = ?").pluck();
  return {
    due: (now: number, limit: number) => due.all(now, limit),
    plan(issue: IssueId, at: number | null): void {
      planned.run(at, issue);
    },
    stateOf: (issue: IssueId) => stateOf.get(issue) ?? null,
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
        if (index > 0) reach("reconcile.between_issues");
        store.write(() => {
          const period = periodOf(issue.state, settings.sweep);
          for (const effect of readings(issue)) {
            outbox.add(effect, { priority: 0, project: null }, clock.now());
          }
          reach("reconcile.mid_issue");
          rows.plan(issue.id, period === null ? null : clock.now() + period);
        });
      }
      if (due.length > 0) parts.added();
      return due.length === ISSUES_PER_TICK ? SHORTEST_TICK_MS : tickMs(settings.sweep.activeMs);
    },
  });
}

/** Looks for issues that are ours although no webhook told us, once per idle period. */
export function createDiscoveryLoop(parts: {
  readonly store: Store;
  readonly outbox: Outbox;
  readonly meta: Meta;
  readonly engine: Pick<EngineParts, "clock" | "log" | "settings" | "discover">;
  readonly added: () => void;
}): Loop & { interrupt(): void } {
  const { store, outbox, meta, engine } = parts;
  const { clock } = engine;
  const rows = sweepRows(store);
  const stopping = new AbortController();
  const loop = createLoop({
    name: "discovery",
    clock,
    log: engine.log,
    async round() {
      const begun = clock.now();
      const last = Number(meta.get("discovered_at") ?? begun - FIRST_LOOK_BACK_MS);
      const signal = deadline(stopping.signal, DISCOVER_DEADLINE_MS, "the tracker's list of our issues");
      const found = await Promise.race([engine.discover(last - OVERLAP_MS, signal), aborted(signal)]);
      const lost = found
        .filter(({ issue }) => {
          const state = rows.stateOf(issue);
          // Those under way are swept anyway; an ended or paused one may have been delegated anew.
          return state === null || state === "paused" || TERMINAL.has(state as FactoryState);
        })
        .slice(0, DISCOVERED_PER_PASS);
      store.write(() => {
        for (const { issue } of lost) {
          const effect: Effect = { kind: "read_ticket", key: `discover:${issue}:${begun}`, issue };
          outbox.add(effect, { priority: 0, project: null }, clock.now());
        }
        meta.set("discovered_at", String(begun));
      });
      if (lost.length > 0) parts.added();
      return engine.settings.sweep.idleMs;
    },
  });
  return {
    ...loop,
    interrupt: () => stopping.abort(new Error("the relay is stopping")),
  };
}

// The key holds the number of the sweep, so that each sweep asks once and the next one asks again.
function readings(due: Due): readonly Effect[] {
  const facts = JSON.parse(due.facts) as Facts;
  const issue = due.id;
  const ticket: Effect = { kind: "read_ticket", key: `sweep:${issue}:${due.sweeps + 1}:ticket`, issue };
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
    },
  ];
}

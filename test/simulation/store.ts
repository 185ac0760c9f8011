import type { Decision } from "../../src/factory/rules/decision.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import type { Conditions } from "../../src/factory/facts/policy.ts";

export interface Delivery {
  readonly id: string;
  readonly source: "tracker" | "forge";
  readonly issue: IssueId;
  /** The time in its signed body. */
  readonly signedAt: number;
  readonly observations: readonly Observation[];
}

export interface InboxRow {
  readonly delivery: Delivery;
  state: "pending" | "applied";
}

/** One turn, as the journal keeps it: enough to do it again. */
export interface JournalLine {
  readonly now: number;
  readonly conditions: Conditions;
  readonly observations: readonly Observation[];
  readonly delivery: string | null;
}

export interface IssueRow {
  facts: Facts;
  decision: Decision;
  readonly createdAt: number;
  readonly journal: JournalLine[];
  sweeps: number;
}

export interface OutboxRow {
  readonly id: number;
  readonly effect: Effect;
  readonly lane: string;
  state: "pending" | "doing" | "done" | "dropped";
  attempts: number;
  nextAt: number;
}

/** How far a run has come; survives a restart. */
export interface Progress {
  prepared?: { readonly remote: string | null };
  worked?: { readonly outcome: "done" | "no_change" | "answer" | "question" };
  commit?: { readonly sha: string; readonly expected: string | null };
  integrations: number;
  steers: string[];
}

/** What survives a crash. Everything else of the simulated relay is memory. */
export class Store {
  readonly inbox = new Map<string, InboxRow>();
  readonly issues = new Map<IssueId, IssueRow>();
  readonly outbox: OutboxRow[] = [];
  /** Open rows by issue and lane, in order; a view on `outbox`. */
  readonly open = new Map<string, OutboxRow[]>();
  readonly keys = new Set<string>();
  readonly timers = new Map<IssueId, number>();
  /** Runs that hold a slot. */
  readonly slots = new Map<IssueId, number>();
  readonly progress = new Map<string, Progress>();

  settle(row: OutboxRow, state: "done" | "dropped"): void {
    row.state = state;
    const lane = this.open.get(row.lane) ?? [];
    const index = lane.indexOf(row);
    if (index >= 0) lane.splice(index, 1);
  }

  progressOf(issue: IssueId, run: number): Progress {
    const key = `${issue}.${run}`;
    const known = this.progress.get(key) ?? { integrations: 0, steers: [] };
    this.progress.set(key, known);
    return known;
  }
}

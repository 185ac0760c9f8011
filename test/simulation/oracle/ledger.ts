import type Database from "better-sqlite3";
import { Sqlite } from "../../../src/engines/embedded/database/sqlite.ts";
import type { Decision } from "../../../src/factory/rules/decision.ts";
import type { Facts } from "../../../src/factory/facts/facts.ts";
import type { IssueId } from "../../../src/factory/facts/ids.ts";
import type { Observation } from "../../../src/factory/facts/observation.ts";

export interface LedgerIssue {
  readonly id: IssueId;
  readonly facts: Facts;
  readonly decision: Decision;
}

export interface LedgerEffect {
  readonly id: number;
  readonly issue: IssueId;
  readonly key: string;
  readonly kind: string;
  readonly lane: string;
  readonly class: string;
  readonly state: string;
  readonly payload: string;
}

/** What the engine has committed, read from its database beside it: what the oracle judges by. */
export class Ledger {
  private readonly db: Database.Database;

  constructor(file: string) {
    this.db = new Sqlite(file, { readonly: true, fileMustExist: true });
  }

  issues(): readonly LedgerIssue[] {
    const rows = this.db
      .prepare<[], { id: IssueId; facts: string; decision: string }>("SELECT id, facts, decision FROM issues")
      .all();
    return rows.map(({ id, facts, decision }) => ({
      id,
      facts: JSON.parse(facts) as Facts,
      decision: JSON.parse(decision) as Decision,
    }));
  }

  facts(issue: IssueId): Facts | null {
    const text = this.db
      .prepare<[string], string>("SELECT facts FROM issues WHERE id = ?")
      .pluck()
      .get(issue);
    return text === undefined ? null : (JSON.parse(text) as Facts);
  }

  /** State and rule of each issue. */
  states(): ReadonlyMap<IssueId, { readonly state: string; readonly rule: string }> {
    const rows = this.db
      .prepare<[], { id: IssueId; state: string; rule: string }>("SELECT id, state, rule FROM issues")
      .all();
    return new Map(rows.map((row) => [row.id, row]));
  }

  /** The issue's journal, oldest line first. */
  journal(issue: IssueId): readonly { readonly at: number; readonly observations: readonly Observation[] }[] {
    return this.db
      .prepare<[string], { at: number; observations: string }>(
        "SELECT at, observations FROM journal WHERE issue = ? ORDER BY seq",
      )
      .all(issue)
      .map(({ at, observations }) => ({ at, observations: JSON.parse(observations) as Observation[] }));
  }

  /** Runs that are under way as far as the facts know. */
  running(): readonly { readonly id: IssueId; readonly number: number }[] {
    return this.db
      .prepare<[], { id: IssueId; number: number }>(
        `SELECT id, json_extract(facts, '$.runs[#-1].number') AS number FROM issues
         WHERE json_extract(facts, '$.runs[#-1].state') = 'running'`,
      )
      .all();
  }

  /** Runs that hold a slot. */
  slots(): readonly { readonly issue: IssueId; readonly number: number }[] {
    return this.db
      .prepare<[], { issue: IssueId; number: number }>(
        "SELECT issue, number FROM runs WHERE state = 'running'",
      )
      .all();
  }

  /** States of deliveries by `source:id`. */
  deliveries(): ReadonlyMap<string, string> {
    const rows = this.db
      .prepare<[], { name: string; state: string }>(
        "SELECT source || ':' || delivery_id AS name, state FROM deliveries",
      )
      .all();
    return new Map(rows.map(({ name, state }) => [name, state]));
  }

  effects(kind: string): readonly LedgerEffect[] {
    return this.db
      .prepare<[string], LedgerEffect>("SELECT * FROM outbox WHERE kind = ? ORDER BY id")
      .all(kind);
  }

  /** Keys of effects that are still to be carried out. */
  open(): readonly string[] {
    return this.db
      .prepare<[], string>(
        "SELECT key FROM outbox WHERE state IN ('pending', 'doing') AND kind NOT LIKE 'read!_%' ESCAPE '!'",
      )
      .pluck()
      .all();
  }

  /** An effect that this one of the same lane must not overtake; undefined = there is none. */
  overtaken(issue: IssueId, key: string): string | undefined {
    return this.db
      .prepare<[string, string], string>(
        `SELECT older.key FROM outbox this JOIN outbox older ON older.issue = this.issue AND older.lane = this.lane
         WHERE this.issue = ? AND this.key = ? AND this.lane <> 'control' AND this.class <> 'acknowledgement'
           AND older.id < this.id AND older.state IN ('pending', 'doing') LIMIT 1`,
      )
      .pluck()
      .get(issue, key);
  }

  close(): void {
    this.db.close();
  }
}

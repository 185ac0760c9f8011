import type { Decision, Evidence } from "../../../factory/rules/decision.ts";
import type { Effect } from "../../../factory/effects/effect.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Observation, Origin } from "../../../factory/facts/observation.ts";
import { iso } from "../../../lib/clock.ts";
import { assert } from "../../../lib/assert.ts";
import type { JournalDocument, StreamLine } from "../../documents.ts";
import type { Store } from "../database/store.ts";

export interface JournalRow {
  readonly seq: number;
  readonly at: number;
  readonly issue: string;
  readonly kind: string;
  readonly source: string;
  readonly delivery: string | null;
  readonly observed_at: number;
  readonly rule: string;
  readonly why: string;
  readonly from_state: string | null;
  readonly to_state: string;
  readonly waits_for: string | null;
  readonly until: number | null;
  readonly effects: string;
  readonly evidence: string;
}

/** What one advance leaves in the journal. */
export interface JournalEntry {
  readonly issue: IssueId;
  readonly now: number;
  readonly observations: readonly Observation[];
  readonly origin: Origin;
  readonly before: Decision | null;
  readonly decision: Decision;
  readonly effects: readonly Effect[];
  readonly evidence: readonly Evidence[];
}

/** Takes the next number of the stream that journal and run events share; only inside a write. */
export function createSequence({ db }: Pick<Store, "db">): () => number {
  const next = db
    .prepare<[], number>("UPDATE sequence SET value = value + 1 WHERE name = 'stream' RETURNING value")
    .pluck();
  return () => {
    const seq = next.get();
    assert(seq !== undefined, "the stream's sequence is missing from the database");
    return seq;
  };
}

/** The rows of `journal`. */
export type Journal = ReturnType<typeof journalRows>;

export function journalRows({ db }: Pick<Store, "db">, nextSeq: () => number) {
  const insert = db.prepare<[JournalRow & { observations: string }]>(
    `INSERT INTO journal (seq, at, issue, kind, source, delivery, observed_at, rule, why, from_state, to_state,
       waits_for, until, effects, evidence, observations)
     VALUES (@seq, @at, @issue, @kind, @source, @delivery, @observed_at, @rule, @why, @from_state, @to_state,
       @waits_for, @until, @effects, @evidence, @observations)`,
  );
  const newest = db
    .prepare<[string], number>("SELECT seq FROM journal WHERE issue = ? ORDER BY seq DESC LIMIT 1")
    .pluck();

  return {
    /** The seq of the issue's newest line; 0 = none. */
    newest: (issue: IssueId): number => newest.get(issue) ?? 0,
    add(entry: JournalEntry): StreamLine {
      const { observations, decision, before } = entry;
      const row: JournalRow = {
        seq: nextSeq(),
        at: entry.now,
        issue: entry.issue,
        kind: [...new Set(observations.map(({ kind }) => kind))].join(", "),
        source: entry.origin.source,
        delivery: entry.origin.delivery,
        observed_at: observations.at(-1)?.at ?? entry.now,
        rule: decision.rule,
        why: decision.why,
        from_state: before?.state ?? null,
        to_state: decision.state,
        waits_for: decision.waitsFor,
        until: decision.until,
        effects: JSON.stringify(entry.effects.map(({ kind, key }) => ({ kind, key }))),
        evidence: JSON.stringify(entry.evidence),
      };
      insert.run({ ...row, observations: JSON.stringify(observations) });
      return { seq: row.seq, kind: "journal", line: journalDocument(row, () => "pending") };
    },
  };
}

/** A journal line as people read it; `stateOf` tells how an effect stands now. */
export function journalDocument(
  row: JournalRow,
  stateOf: (issue: string, key: string) => string,
): JournalDocument {
  const effects = JSON.parse(row.effects) as { kind: string; key: string }[];
  return {
    seq: row.seq,
    at: iso(row.at),
    issue: row.issue,
    observation: {
      kind: row.kind,
      source: row.source,
      delivery: row.delivery,
      at: iso(row.observed_at),
    },
    rule: row.rule,
    why: row.why,
    from: row.from_state,
    to: row.to_state,
    effects: effects.map(({ kind, key }) => ({ kind, key, state: stateOf(row.issue, key) })),
  };
}

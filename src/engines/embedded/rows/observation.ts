import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Observation, Origin } from "../../../factory/facts/observation.ts";
import { iso } from "../../../lib/clock.ts";
import type { DeliveryDocument } from "../../documents.ts";
import { OBSERVATIONS } from "../../engine.ts";
import type { Store } from "../database/store.ts";

export interface ObservationRow {
  readonly id: number;
  readonly issue: IssueId;
  readonly key: string | null;
  readonly source: string;
  readonly delivery: string | null;
  readonly observations: string;
  readonly state: "pending" | "applied" | "quarantined";
  readonly journal_seq: number | null;
  readonly why: string | null;
  readonly attempts: number;
  readonly created_at: number;
}

export interface Parked {
  readonly issue: IssueId;
  readonly key: string | null;
  readonly origin: Origin;
  readonly observations: readonly Observation[];
  readonly why: string;
}

/** The rows of `observations`: those to be known by key, and those whose advance failed. */
export type ObservationRows = ReturnType<typeof observationRows>;

export function observationRows({ db }: Pick<Store, "db">) {
  const insert = db.prepare(
    `INSERT INTO observations (issue, key, source, delivery, observations, state, journal_seq, why, attempts, next_at, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const byKey = db.prepare<[string, string], ObservationRow>(
    "SELECT * FROM observations WHERE issue = ? AND key = ? AND key IS NOT NULL",
  );
  const due = db.prepare<[number, number], ObservationRow>(
    "SELECT * FROM observations WHERE state = 'pending' AND next_at <= ? ORDER BY next_at, id LIMIT ?",
  );
  const nextAt = db
    .prepare<[], number>(
      "SELECT next_at FROM observations WHERE state = 'pending' ORDER BY next_at, id LIMIT 1",
    )
    .pluck();
  const applied = db.prepare<[number, string, number]>(
    "UPDATE observations SET state = 'applied', journal_seq = ?, why = ? WHERE id = ?",
  );
  const fail = db.prepare(
    "UPDATE observations SET attempts = ?, next_at = ?, why = ?, state = ? WHERE id = ?",
  );

  const withFailedAdvance = db.prepare<[number], ObservationRow>(
    "SELECT * FROM observations WHERE id = ? AND observations <> '[]'",
  );
  const again = db.prepare<[number]>(
    "UPDATE observations SET state = 'pending', why = NULL, attempts = 0, next_at = 0 WHERE id = ? AND state = 'quarantined'",
  );
  const quarantined = db
    .prepare<[], number>(
      "SELECT count(*) FROM observations INDEXED BY observations_quarantined WHERE state = 'quarantined'",
    )
    .pluck();

  return {
    /** One whose advance has failed, whatever became of it since; `id` as in its document. */
    withFailedAdvance: (id: string) =>
      /^\d{1,15}$/.test(id) ? withFailedAdvance.get(Number(id)) : undefined,
    /** Puts one that was quarantined back; false = it was not. */
    again: (id: number) => again.run(id).changes === 1,
    quarantined: () => quarantined.get() ?? 0,
    byKey: (issue: IssueId, key: string) => byKey.get(issue, key),
    remember(issue: IssueId, key: string, origin: Origin, seq: number, now: number): void {
      insert.run(issue, key, origin.source, origin.delivery, "[]", "applied", seq, null, 0, 0, now);
    },
    /** To be tried again at `again.at` (Unix ms). */
    park(
      { issue, key, origin, observations, why }: Parked,
      again: { readonly attempts: number; readonly at: number },
      now: number,
    ): void {
      const json = JSON.stringify(observations);
      const { source, delivery } = origin;
      insert.run(issue, key, source, delivery, json, "pending", null, why, again.attempts, again.at, now);
    },
    due: (now: number, limit: number) => due.all(now, limit),
    nextAt: () => nextAt.get() ?? null,
    applied(id: number, seq: number, now: number): void {
      applied.run(seq, `applied at ${iso(now)}`, id);
    },
    fail(id: number, attempts: number, nextAt: number, why: string, last: boolean): void {
      fail.run(attempts, nextAt, why, last ? "quarantined" : "pending", id);
    },
  };
}

/** Observations whose advance failed, as people read it. */
export function observationDocument(row: ObservationRow): DeliveryDocument {
  const observations = JSON.parse(row.observations) as readonly Observation[];
  return {
    seq: row.id,
    source: OBSERVATIONS,
    deliveryId: String(row.id),
    event: [...new Set(observations.map(({ kind }) => kind))].join(", "),
    action: null,
    receivedAt: iso(row.created_at),
    state: row.state,
    why: row.why,
    issues: [row.issue],
    attempts: row.attempts,
    bytes: Buffer.byteLength(row.observations),
  };
}

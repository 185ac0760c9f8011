import { assert } from "../../../lib/assert.ts";
import type { VerifiedDelivery } from "../../../lib/delivery.ts";
import { digestOf, bodyRows } from "./body.ts";
import type { Store } from "../database/store.ts";

export interface DeliveryRow {
  readonly seq: number;
  readonly source: string;
  readonly delivery_id: string;
  readonly event: string;
  readonly action: string | null;
  readonly received_at: number;
  readonly state: "pending" | "applied" | "ignored" | "quarantined";
  readonly why: string | null;
  readonly attempts: number;
  readonly next_at: number;
  /** Offset of the body in its group. */
  readonly start: number;
  readonly bytes: number;
  readonly crc: number;
}

/** A verified delivery and when it came (Unix ms). */
export interface Arrival {
  readonly delivery: VerifiedDelivery;
  readonly receivedAt: number;
}

/** What became of an arrival; `mismatch`: the id is known, but with another body, and the first one counts. */
type Stored = "accepted" | "duplicate" | "mismatch";

/** The rows of `deliveries` and their bodies. */
export type Deliveries = ReturnType<typeof deliveryRows>;

export function deliveryRows({ db }: Pick<Store, "db">) {
  const bodies = bodyRows({ db });
  const add = db.prepare(
    `INSERT INTO deliveries (source, delivery_id, event, action, received_at, state, why, start, bytes, crc)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, delivery_id) DO NOTHING`,
  );
  const one = db.prepare<[string, string], DeliveryRow>(
    "SELECT * FROM deliveries WHERE source = ? AND delivery_id = ?",
  );
  const due = db.prepare<[number, number], DeliveryRow>(
    "SELECT * FROM deliveries INDEXED BY deliveries_by_state WHERE state = 'pending' AND next_at <= ? ORDER BY seq LIMIT ?",
  );
  const nextAt = db
    .prepare<[], number | null>(
      `SELECT coalesce(
         (SELECT next_at FROM deliveries INDEXED BY deliveries_by_state WHERE state = 'pending' AND next_at = 0 LIMIT 1),
         (SELECT min(next_at) FROM deliveries INDEXED BY deliveries_again WHERE state = 'pending' AND next_at > 0))`,
    )
    .pluck();
  const oldest = db
    .prepare<[], number>(
      "SELECT received_at FROM deliveries INDEXED BY deliveries_by_state WHERE state = 'pending' ORDER BY seq LIMIT 1",
    )
    .pluck();
  const mark = db.prepare(
    "UPDATE deliveries SET state = ?, why = ?, action = coalesce(action, ?) WHERE seq = ?",
  );
  const fail = db.prepare(
    "UPDATE deliveries SET attempts = ?, next_at = ?, why = ?, state = ? WHERE seq = ?",
  );
  const again = db.prepare<[number]>(
    "UPDATE deliveries SET state = 'pending', why = NULL, attempts = 0, next_at = 0 WHERE seq = ?",
  );
  const addIssue = db.prepare<[number, string]>(
    "INSERT OR IGNORE INTO delivery_issues (seq, issue) VALUES (?, ?)",
  );

  return {
    /** Adds those whose ids are not known, and their bodies as one group. Inside a write. */
    add(group: readonly Arrival[]): readonly Stored[] {
      const arrived: Buffer[] = [];
      let first: number | null = null;
      let last = 0;
      let start = 0;
      const answers = group.map(({ delivery, receivedAt }): Stored => {
        const { source, deliveryId, event, action, quarantine, body } = delivery;
        const crc = digestOf(body);
        const state = quarantine === null ? "pending" : "quarantined";
        const { changes, lastInsertRowid } = add.run(
          source,
          deliveryId,
          event,
          action,
          receivedAt,
          state,
          quarantine,
          start,
          body.length,
          crc,
        );
        if (changes === 0) {
          const known = one.get(source, deliveryId);
          return known?.bytes === body.length && known.crc === crc ? "duplicate" : "mismatch";
        }
        last = Number(lastInsertRowid);
        first ??= last;
        start += body.length;
        arrived.push(body);
        return "accepted";
      });
      if (first !== null) {
        assert(last - first + 1 === arrived.length, "deliveries in one group are not consecutive");
        bodies.add(first, arrived);
      }
      return answers;
    },
    one: (source: string, deliveryId: string) => one.get(source, deliveryId),
    due: (now: number, limit: number) => due.all(now, limit),
    nextAt: () => nextAt.get() ?? null,
    oldestPending: () => oldest.get() ?? null,
    /** The raw body; null once it was pruned. Throws when it is damaged. */
    body: (row: DeliveryRow) => bodies.body(row),
    mark(
      seq: number,
      state: "applied" | "ignored" | "quarantined",
      why: string | null,
      action: string | null,
      issues: readonly string[],
    ): void {
      mark.run(state, why, action, seq);
      for (const issue of issues) addIssue.run(seq, issue);
    },
    fail(seq: number, attempts: number, nextAt: number, why: string, last: boolean): void {
      fail.run(attempts, nextAt, why, last ? "quarantined" : "pending", seq);
    },
    again(seq: number): void {
      again.run(seq);
    },
  };
}

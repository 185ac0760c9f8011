import { unpackBody } from "./bodies.ts";
import type { PackedBody } from "./bodies.ts";
import type { Arrival, Stored } from "./intake-writer.ts";
import type { Store } from "./store.ts";

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
  readonly bytes: number;
  /** Of the body as it is stored. */
  readonly sha256: Buffer;
}

/** The rows of `deliveries` and their bodies. */
export type Deliveries = ReturnType<typeof deliveryRows>;

export function deliveryRows({ db }: Pick<Store, "db">) {
  const add = db.prepare(
    `INSERT INTO deliveries (source, delivery_id, event, action, received_at, state, why, bytes, sha256)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, delivery_id) DO NOTHING`,
  );
  const addBody = db.prepare("INSERT INTO bodies (seq, encoding, body) VALUES (?, ?, ?)");
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
  const body = db.prepare<[number], { encoding: string; body: Buffer }>(
    "SELECT encoding, body FROM bodies WHERE seq = ?",
  );
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

  /** The raw body; null once it was pruned. Throws when it is damaged. */
  const bodyOf = (row: DeliveryRow): Buffer | null => {
    const kept = body.get(row.seq);
    return kept === undefined ? null : unpackBody({ ...kept, sha256: row.sha256, bytes: row.bytes });
  };

  /** Another version of the compressor may have made other bytes of the same body. */
  const isSame = (known: DeliveryRow, came: Buffer, packed: PackedBody): boolean =>
    known.sha256.equals(packed.sha256) || bodyOf(known)?.equals(came) === true;

  return {
    add({ delivery, receivedAt }: Arrival, packed: PackedBody): Stored {
      const { changes, lastInsertRowid } = add.run(
        delivery.source,
        delivery.deliveryId,
        delivery.event,
        delivery.action,
        receivedAt,
        delivery.quarantine === null ? "pending" : "quarantined",
        delivery.quarantine,
        delivery.body.length,
        packed.sha256,
      );
      if (changes === 0) {
        const known = one.get(delivery.source, delivery.deliveryId);
        return known === undefined || isSame(known, delivery.body, packed) ? "duplicate" : "mismatch";
      }
      addBody.run(lastInsertRowid, packed.encoding, packed.body);
      return "accepted";
    },
    one: (source: string, deliveryId: string) => one.get(source, deliveryId),
    due: (now: number, limit: number) => due.all(now, limit),
    nextAt: () => nextAt.get() ?? null,
    oldestPending: () => oldest.get() ?? null,
    body: bodyOf,
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

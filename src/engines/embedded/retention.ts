import { reach } from "../../lib/failpoints.ts";
import type { EngineSettings } from "../engine.ts";
import type { Store } from "./store.ts";

/** Rows per transaction: 100 take 2 ms, 2,000 would block the event loop for 20 (performance.md). */
const BATCH = 100;

/** One kind of thing that is not kept for ever. */
export interface Keeping {
  readonly name: string;
  /** Removes at most one batch of what is older than its limit; returns how many rows went. */
  prune(now: number): number;
}

/** Everything that ages, each with its own limit. Rows that are pending or still to be done never go. */
export function keepings(store: Store, storage: EngineSettings["storage"]): readonly Keeping[] {
  const { db } = store;
  const oldBodies = db.prepare<[], { seq: number; received_at: number; state: string }>(
    `SELECT b.seq, d.received_at, d.state FROM bodies b JOIN deliveries d ON d.seq = b.seq
     ORDER BY b.seq LIMIT ${BATCH}`,
  );
  const dropBody = db.prepare<[number]>("DELETE FROM bodies WHERE seq = ?");
  const oldDeliveries = db.prepare<[], { seq: number; received_at: number; state: string }>(
    `SELECT seq, received_at, state FROM deliveries ORDER BY seq LIMIT ${BATCH}`,
  );
  const dropDelivery = db.prepare<[number]>("DELETE FROM deliveries WHERE seq = ?");
  const oldObservations = db.prepare<[number]>(
    `DELETE FROM observations WHERE id IN (
       SELECT id FROM (SELECT id, state, created_at FROM observations ORDER BY id LIMIT ${BATCH})
       WHERE created_at < ? AND state <> 'pending')`,
  );
  const oldEffects = db.prepare<[number]>(
    `DELETE FROM outbox WHERE id IN (
       SELECT o.id FROM (SELECT id, issue, state, settled_at FROM outbox
         WHERE settled_at IS NOT NULL AND settled_at < ? ORDER BY settled_at LIMIT ${BATCH * 10}) o
       LEFT JOIN issues i ON i.id = o.issue
       WHERE o.state IN ('done', 'dropped') AND (i.state IS NULL OR i.state IN ('done', 'failed')) LIMIT ${BATCH})`,
  );
  const oldEvents = db.prepare<[number]>(
    `DELETE FROM run_events WHERE seq IN (
       SELECT seq FROM (SELECT seq, at FROM run_events ORDER BY seq LIMIT ${BATCH}) WHERE at < ?)`,
  );
  // The newest line of an issue stays: it says why the issue stands where it stands.
  const oldJournal = db.prepare<[number]>(
    `DELETE FROM journal WHERE seq IN (
       SELECT seq FROM (SELECT seq, at, issue FROM journal WHERE at < ? ORDER BY seq LIMIT ${BATCH}) j
       WHERE EXISTS (SELECT 1 FROM journal n WHERE n.issue = j.issue AND n.seq > j.seq))`,
  );

  const byAge =
    (
      select: { all(): readonly { seq: number; received_at: number; state: string }[] },
      drop: { run(seq: number): unknown },
      keepMs: number,
    ) =>
    (now: number): number => {
      const old = select.all().filter((row) => row.received_at < now - keepMs && row.state !== "pending");
      for (const { seq } of old) drop.run(seq);
      return old.length;
    };

  const kept = [
    { name: "delivery bodies", remove: byAge(oldBodies, dropBody, storage.keepDeliveriesMs) },
    { name: "deliveries", remove: byAge(oldDeliveries, dropDelivery, storage.keepDigestsMs) },
    {
      name: "observation keys",
      remove: (now: number) => oldObservations.run(now - storage.keepDigestsMs).changes,
    },
    { name: "effects", remove: (now: number) => oldEffects.run(now - storage.keepJournalMs).changes },
    { name: "run events", remove: (now: number) => oldEvents.run(now - storage.keepRunEventsMs).changes },
    { name: "journal", remove: (now: number) => oldJournal.run(now - storage.keepJournalMs).changes },
  ];
  return kept.map(({ name, remove }) => ({
    name,
    prune: (now) =>
      store.write(() => {
        const count = remove(now);
        if (count > 0) reach("retention.mid");
        return count;
      }),
  }));
}

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
  const parcels = db.prepare<[], { first: number; count: number }>(
    `SELECT first, count FROM parcels ORDER BY first LIMIT ${BATCH}`,
  );
  // A parcel goes whole: once each of its deliveries is old and none is pending.
  const kept = db
    .prepare<[number, number, number], 1>(
      "SELECT 1 FROM deliveries WHERE seq >= ? AND seq < ? AND (state = 'pending' OR received_at >= ?) LIMIT 1",
    )
    .pluck();
  const dropParcel = db.prepare<[number]>("DELETE FROM parcels WHERE first = ?");
  const oldParcels = (before: number): number => {
    const old = parcels
      .all()
      .filter(({ first, count }) => kept.get(first, first + count, before) === undefined);
    for (const { first } of old) dropParcel.run(first);
    return old.reduce((sum, { count }) => sum + count, 0);
  };
  // Never before its body: a later delivery may get the number of one that is gone.
  const oldDeliveries = db.prepare<[number]>(
    `DELETE FROM deliveries WHERE seq IN (
       SELECT seq FROM (SELECT seq, received_at, state FROM deliveries ORDER BY seq LIMIT ${BATCH})
       WHERE received_at < ? AND state <> 'pending'
         AND seq < coalesce((SELECT min(first) FROM parcels), 9223372036854775807))`,
  );
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

  const aged = [
    { name: "delivery bodies", remove: (now: number) => oldParcels(now - storage.keepDeliveriesMs) },
    {
      name: "deliveries",
      remove: (now: number) => oldDeliveries.run(now - storage.keepDigestsMs).changes,
    },
    {
      name: "observation keys",
      remove: (now: number) => oldObservations.run(now - storage.keepDigestsMs).changes,
    },
    { name: "effects", remove: (now: number) => oldEffects.run(now - storage.keepJournalMs).changes },
    { name: "run events", remove: (now: number) => oldEvents.run(now - storage.keepRunEventsMs).changes },
    { name: "journal", remove: (now: number) => oldJournal.run(now - storage.keepJournalMs).changes },
  ];
  return aged.map(({ name, remove }) => ({
    name,
    prune: (now) =>
      store.write(() => {
        const count = remove(now);
        if (count > 0) reach("retention.mid");
        return count;
      }),
  }));
}

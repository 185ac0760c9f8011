import type { Clock } from "../../../lib/clock.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import type { Log } from "../../../lib/log.ts";
import type { EngineSettings } from "../../engine.ts";
import { FORGOTTEN_EFFECTS, FORGOTTEN_IN } from "../../policy/retention.ts";
import { createLoop } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { Store } from "../database/store.ts";

/** Rows per transaction: 100 take 2 ms, 2,000 would block the event loop for 20. */
const BATCH = 100;
const PASS_EVERY_MS = 600_000;
const PAUSE_MS = 100;

/** One kind of thing that is not kept forever. */
export interface Keeping {
  readonly name: string;
  /** Looks at the next batch and removes what of it is older than its limit; `more` = the pass has not ended. */
  prune(now: number): { readonly gone: number; readonly more: boolean };
}

/** A row that a pass comes by: whether it is old, whether it may go, and how many things it stands for. */
interface Aged {
  readonly key: number;
  readonly aged: 0 | 1;
  readonly goes: 0 | 1;
  readonly things: number;
}

type Where = { readonly after: number; readonly before: number };

/** As a list of SQL. */
const listed = (states: readonly string[]): string => states.map((state) => `'${state}'`).join(", ");

/** Everything that ages, each with its own limit. Rows that are pending or still to be done never go. */
export function keepings(store: Store, storage: EngineSettings["storage"]): readonly Keeping[] {
  const { db } = store;
  const keeping = (name: string, keepMs: number, select: string, remove: string): Keeping => {
    const look = db.prepare<[Where], Aged>(`${select} LIMIT ${BATCH}`);
    const drop = db.prepare<[string]>(`${remove} IN (SELECT value FROM json_each(?))`);
    // How far the pass has come: rows that stay must not be all that each look sees.
    let after = 0;
    return {
      name,
      prune: (now) =>
        store.write(() => {
          const rows = look.all({ after, before: now - keepMs });
          const going = rows.filter(({ goes }) => goes === 1);
          if (going.length > 0) {
            drop.run(JSON.stringify(going.map(({ key }) => key)));
            failpoint("retention.mid");
          }
          // Rows lie in the order they came: behind a batch without any old one there is none.
          const more = rows.length === BATCH && rows.some(({ aged }) => aged === 1);
          after = more ? (rows.at(-1)?.key ?? 0) : 0;
          return { gone: going.reduce((sum, { things }) => sum + things, 0), more };
        }),
    };
  };

  return [
    // A group goes whole: once each of its deliveries is old and none is pending.
    keeping(
      "delivery bodies",
      storage.keepDeliveriesMs,
      `SELECT first AS key, count AS things,
         coalesce((SELECT received_at FROM deliveries WHERE seq = first), 0) < @before AS aged,
         NOT EXISTS (SELECT 1 FROM deliveries WHERE seq >= first AND seq < first + count
           AND (state = 'pending' OR received_at >= @before)) AS goes
       FROM delivery_bodies WHERE first > @after ORDER BY first`,
      "DELETE FROM delivery_bodies WHERE first",
    ),
    // Never before its body: a later delivery may get the number of one that is gone.
    keeping(
      "deliveries",
      storage.keepDigestsMs,
      `SELECT seq AS key, 1 AS things, received_at < @before AS aged,
         received_at < @before AND state <> 'pending'
           AND seq < coalesce((SELECT min(first) FROM delivery_bodies), 9223372036854775807) AS goes
       FROM deliveries WHERE seq > @after ORDER BY seq`,
      "DELETE FROM deliveries WHERE seq",
    ),
    keeping(
      "observation keys",
      storage.keepDigestsMs,
      `SELECT id AS key, 1 AS things, created_at < @before AS aged,
         created_at < @before AND state <> 'pending' AS goes
       FROM observations WHERE id > @after ORDER BY id`,
      "DELETE FROM observations WHERE id",
    ),
    // Asking once more is harmless, so a reading is needed no longer than the webhooks it stood beside.
    keeping(
      "readings",
      storage.keepDeliveriesMs,
      `SELECT id AS key, 1 AS things, settled_at < @before AS aged, settled_at < @before AS goes
       FROM outbox INDEXED BY outbox_readings
       WHERE class = 'reading' AND settled_at IS NOT NULL AND id > @after ORDER BY id`,
      "DELETE FROM outbox WHERE id",
    ),
    keeping(
      "effects",
      storage.keepJournalMs,
      `SELECT id AS key, 1 AS things, created_at < @before AS aged,
         settled_at IS NOT NULL AND settled_at < @before AND state IN (${listed(FORGOTTEN_EFFECTS)})
           AND coalesce((SELECT i.state FROM issues i WHERE i.id = outbox.issue), 'done') IN (${listed(FORGOTTEN_IN)}) AS goes
       FROM outbox WHERE id > @after ORDER BY id`,
      "DELETE FROM outbox WHERE id",
    ),
    keeping(
      "run events",
      storage.keepRunEventsMs,
      `SELECT seq AS key, 1 AS things, at < @before AS aged, at < @before AS goes
       FROM run_events WHERE seq > @after ORDER BY seq`,
      "DELETE FROM run_events WHERE seq",
    ),
    // The newest line of an issue stays: it says why the issue stands where it stands.
    keeping(
      "journal",
      storage.keepJournalMs,
      `SELECT seq AS key, 1 AS things, at < @before AS aged,
         at < @before AND EXISTS (SELECT 1 FROM journal n WHERE n.issue = journal.issue AND n.seq > journal.seq) AS goes
       FROM journal WHERE seq > @after ORDER BY seq`,
      "DELETE FROM journal WHERE seq",
    ),
    // News of an old commit of an issue that has ended changes nothing any more.
    keeping(
      "commits",
      storage.keepJournalMs,
      `SELECT seq AS key, 1 AS things, at < @before AS aged,
         at < @before AND coalesce((SELECT i.state FROM issues i WHERE i.id = commits.issue), 'done')
           IN (${listed(FORGOTTEN_IN)}) AS goes
       FROM commits WHERE seq > @after ORDER BY seq`,
      "DELETE FROM commits WHERE seq",
    ),
  ];
}

/** One whole pass, at once: how many of each kind went. */
export function pruneAll(kept: readonly Keeping[], now: () => number): Readonly<Record<string, number>> {
  return Object.fromEntries(
    kept.map((keeping) => {
      let gone = 0;
      for (let more = true; more;) {
        const batch = keeping.prune(now());
        gone += batch.gone;
        more = batch.more;
      }
      return [keeping.name, gone];
    }),
  );
}

/** A pass every ten minutes, in batches between which others have their turn. */
export function createRetentionLoop(kept: readonly Keeping[], clock: Clock, log: Log): Loop {
  let left = kept;
  return createLoop({
    name: "retention",
    clock,
    log,
    round() {
      left = left.filter((keeping) => keeping.prune(clock.now()).more);
      if (left.length > 0) return PAUSE_MS;
      left = kept;
      return PASS_EVERY_MS;
    },
  });
}

import { EFFECTS } from "../../../factory/effects/effect.ts";
import type { Effect, EffectTrait } from "../../../factory/effects/effect.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import {
  ACKNOWLEDGING,
  classOf,
  givesWay,
  outlives,
  takesOverWait,
  waitsForNothing,
} from "../../policy/effects.ts";
import type { EffectClass, WorkClass } from "../../policy/effects.ts";
import { headOf, inherited, isOrdered } from "../../policy/order.ts";
import type { QueuePlace } from "../../policy/slots.ts";
import type { Store } from "../database/store.ts";

export interface OutboxRow {
  readonly id: number;
  readonly issue: IssueId;
  readonly key: string;
  readonly kind: Effect["kind"];
  readonly lane: EffectTrait["lane"];
  readonly class: EffectClass;
  readonly state: "pending" | "doing" | "done" | "failed" | "dropped";
  readonly attempts: number;
  readonly next_at: number;
  readonly error: string | null;
  readonly run: number | null;
  readonly priority: number;
  readonly project: string | null;
  readonly created_at: number;
  readonly payload: string;
}

/**
 * The rows of `outbox`. What may go next, of each issue and lane, is its `head`; policy/order.ts says which rows are, and
 * what is asked here of the indexes has to agree with it. Where two indexes begin with the state, INDEXED BY keeps the
 * planner from taking the one that would need a sort.
 */
export type Outbox = ReturnType<typeof outboxRows>;

export function outboxRows({ db }: Pick<Store, "db">) {
  const insert = db.prepare(
    `INSERT INTO outbox (issue, key, kind, lane, class, head, state, run, priority, project, created_at, next_at, payload)
     VALUES (?, ?, ?, ?, ?, ?, 'pending', ?, ?, ?, ?, ?, ?) ON CONFLICT (issue, key) DO NOTHING`,
  );
  const older = db.prepare<
    [string, string, number],
    Pick<OutboxRow, "id" | "attempts" | "next_at" | "payload">
  >(
    "SELECT id, attempts, next_at, payload FROM outbox WHERE issue = ? AND state = 'pending' AND kind = ? AND id < ?",
  );
  const inherit = db.prepare("UPDATE outbox SET attempts = ?, next_at = ? WHERE id = ?");
  const end = db.prepare(
    "UPDATE outbox SET state = ?, error = ?, settled_at = ? WHERE id = ? AND state IN ('pending', 'doing')",
  );
  const openHead = db.prepare<[string, string], Pick<OutboxRow, "id" | "state">>(
    `SELECT id, state FROM outbox WHERE issue = ? AND lane = ? AND state IN ('pending', 'doing')
       AND class <> '${ACKNOWLEDGING}' ORDER BY state, id LIMIT 1`,
  );
  const acknowledging = db
    .prepare<[string, string], 1>(
      `SELECT 1 FROM outbox INDEXED BY outbox_acknowledging
       WHERE issue = ? AND lane = ? AND class = '${ACKNOWLEDGING}' AND state IN ('pending', 'doing') LIMIT 1`,
    )
    .pluck();
  const clearHeads = db.prepare(
    `UPDATE outbox SET head = 0 WHERE issue = ? AND lane = ? AND state = 'pending' AND head = 1
       AND class <> '${ACKNOWLEDGING}' AND id <> ?`,
  );
  const setHead = db.prepare<[number]>("UPDATE outbox SET head = 1 WHERE id = ? AND head = 0");
  const due = db.prepare<[string, number, number], OutboxRow>(
    `SELECT * FROM outbox WHERE state = 'pending' AND head = 1 AND class = ? AND next_at <= ?
     ORDER BY next_at, id LIMIT ?`,
  );
  const nextAt = db
    .prepare<[string], number>(
      "SELECT next_at FROM outbox WHERE state = 'pending' AND head = 1 AND class = ? ORDER BY next_at, id LIMIT 1",
    )
    .pluck();
  const queue = db.prepare<[number], OutboxRow>(
    `SELECT * FROM outbox INDEXED BY outbox_queue WHERE state = 'pending' AND head = 1 AND class = 'start'
     ORDER BY priority, id LIMIT ?`,
  );
  const claim = db.prepare<[number]>(
    "UPDATE outbox SET state = 'doing', attempts = attempts + 1 WHERE id = ? AND state = 'pending'",
  );
  const postpone = db.prepare(
    "UPDATE outbox SET state = 'pending', attempts = ?, next_at = ?, error = ? WHERE id = ? AND state IN ('pending', 'doing')",
  );
  const ofRun = db.prepare<[string, number, string], OutboxRow>(
    `SELECT * FROM outbox WHERE issue = ? AND run = ? AND run IS NOT NULL AND kind = ?
       AND state IN ('pending', 'doing')`,
  );
  const doing = db.prepare<[], OutboxRow>("SELECT * FROM outbox WHERE state = 'doing' ORDER BY id");
  const one = db.prepare<[number], OutboxRow>("SELECT * FROM outbox WHERE id = ?");
  const again = db.prepare<[number]>(
    "UPDATE outbox SET state = 'pending', attempts = 0, next_at = 0, error = NULL, settled_at = NULL, head = 0 WHERE id = ?",
  );
  const oldest = db
    .prepare<[], number>(
      "SELECT created_at FROM outbox INDEXED BY outbox_waiting WHERE state = 'pending' ORDER BY created_at LIMIT 1",
    )
    .pluck();

  /** Marks what heads the lane now, and unmarks what did. */
  const line = (issue: string, lane: OutboxRow["lane"]): void => {
    if (!isOrdered(lane)) return;
    // 'doing' sorts before 'pending': what is under way is found before what is the oldest.
    const found = openHead.get(issue, lane);
    const first = found === undefined ? null : { id: found.id, underWay: found.state === "doing" };
    const head = headOf(first, acknowledging.get(issue, lane) !== undefined) ?? -1;
    clearHeads.run(issue, lane, head);
    setHead.run(head);
  };

  const settle = (
    row: OutboxRow,
    state: "done" | "failed" | "dropped",
    error: string | null,
    now: number,
  ): void => {
    end.run(state, error, now, row.id);
    line(row.issue, row.lane);
  };

  return {
    /** Adds the effect unless its key is known. A newer one of a coalescing kind takes the place of those not begun. */
    add(effect: Effect, place: QueuePlace, now: number): boolean {
      const { lane, coalesce } = EFFECTS[effect.kind];
      const { changes, lastInsertRowid } = insert.run(
        effect.issue,
        effect.key,
        effect.kind,
        lane,
        classOf(effect),
        waitsForNothing(classOf(effect)) ? 1 : 0,
        "run" in effect ? effect.run : null,
        place.priority,
        place.project,
        now,
        // What is due the longest goes first.
        givesWay(effect) ? now : 0,
        JSON.stringify(effect),
      );
      if (changes === 0) return false;
      if (coalesce) {
        const before = older
          .all(effect.issue, effect.kind, Number(lastInsertRowid))
          .map((row) => ({ row, effect: JSON.parse(row.payload) as Effect }));
        if (before.some((one) => outlives(one.effect, effect))) {
          end.run("dropped", "one that is waited for is pending", now, lastInsertRowid);
          return false;
        }
        const replaced = before.map(({ row }) => row);
        const plan = inherited(
          before
            .filter((one) => takesOverWait(one.effect, effect))
            .map(({ row }) => ({ attempts: row.attempts, nextAt: row.next_at })),
        );
        if (plan !== null) inherit.run(plan.attempts, plan.nextAt, lastInsertRowid);
        for (const row of replaced) end.run("dropped", "replaced by a newer one", now, row.id);
      }
      line(effect.issue, lane);
      return true;
    },
    due: (kind: WorkClass, now: number, limit: number) => due.all(kind, now, limit),
    nextAt: (kind: EffectClass) => nextAt.get(kind) ?? null,
    /** Runs that wait for a slot, in the order they get one. */
    queue: (limit: number) => queue.all(limit),
    /** Counts the attempt and marks it under way. */
    claim(row: OutboxRow): boolean {
      return claim.run(row.id).changes === 1;
    },
    settle,
    /** Puts it back, to be tried at `nextAt` (Unix ms); the rest of its lane waits behind it. */
    postpone(row: OutboxRow, attempts: number, nextAt: number, error: string | null): void {
      postpone.run(attempts, nextAt, error, row.id);
      line(row.issue, row.lane);
    },
    /** Ends the open effects of one kind that belong to a run. */
    settleRun(issue: IssueId, run: number, kind: "start_run" | "steer_run" | "stop_run", now: number): void {
      for (const row of ofRun.all(issue, run, kind)) {
        const begun = row.state === "doing";
        settle(row, begun ? "done" : "dropped", begun ? null : `run ${run} has ended`, now);
      }
    },
    doing: () => doing.all(),
    one: (id: number) => one.get(id),
    again(row: OutboxRow): void {
      again.run(row.id);
      line(row.issue, row.lane);
      if (waitsForNothing(row.class)) setHead.run(row.id);
    },
    oldestPending: () => oldest.get() ?? null,
  };
}

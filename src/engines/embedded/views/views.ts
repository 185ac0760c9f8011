import type Database from "better-sqlite3";
import type { Policy } from "../../../factory/facts/policy.ts";
import { iso } from "../../../lib/clock.ts";
import type * as D from "../../documents.ts";
import { OBSERVATIONS, splitDeliveryName } from "../../engine.ts";
import type { Views } from "../../engine.ts";
import { queueReason } from "../../policy/slots.ts";
import { dayLimit, queueClass } from "../../policy/views.ts";
import { deliveryRows } from "../rows/delivery.ts";
import { issueDocument, outboxDocument, runDocument, whyDocument, worktreeOf } from "./from-rows.ts";
import type { DeliveryRow } from "../rows/delivery.ts";
import type { IssueRow } from "../rows/issue.ts";
import { journalDocument } from "../rows/journal.ts";
import type { JournalRow } from "../rows/journal.ts";
import { dayOf, tallyRows } from "../rows/tally.ts";
import { createMeta } from "../database/meta.ts";
import { observationRows, observationDocument } from "../rows/observation.ts";
import type { ObservationRow } from "../rows/observation.ts";
import type { OutboxRow } from "../rows/outbox.ts";
import { pageLimit, pageOf, pageStart } from "./paging.ts";
import { runEventDocument } from "../rows/run.ts";
import type { RunEventRow, RunRow } from "../rows/run.ts";
import { sealedRecords } from "../rows/vault.ts";
import type { Store } from "../database/store.ts";

/** What only a running relay knows; from a database at rest the queue gives the general reason. */
export interface LiveState {
  queue(): readonly { readonly row: OutboxRow; readonly reason: string | null }[];
  slotsUsed(): number;
}

/** What the engine writes down at start, so that inspection without settings can tell limits. */
export interface KeptSettings {
  readonly slots: number;
  readonly policy: Policy;
}

const QUEUE_SHOWN = 1_000;

/** Documents from the database. Reads only; `now` is for today's budget. */
export function createViews(
  { db }: Pick<Store, "db">,
  now: () => number,
  live: LiveState | null,
  close: () => void,
): Views {
  const meta = createMeta({ db });
  const sealed = sealedRecords(db);
  const deliveries = deliveryRows({ db });
  const observations = observationRows({ db });
  const settings = (): KeptSettings | null => {
    const kept = meta.get("settings");
    return kept === null ? null : (JSON.parse(kept) as KeptSettings);
  };

  const issueById = db.prepare<[string], IssueRow>("SELECT * FROM issues WHERE id = ?");
  const issueByKey = db.prepare<[string], IssueRow>(
    "SELECT * FROM issues WHERE key = ? ORDER BY seq DESC LIMIT 1",
  );
  const journalAt = db.prepare<[string, number], JournalRow>(
    "SELECT * FROM journal WHERE issue = ? AND seq <= ? ORDER BY seq DESC LIMIT 1",
  );
  const journalAtTime = db.prepare<[string, number], JournalRow>(
    "SELECT * FROM journal WHERE issue = ? AND at <= ? ORDER BY seq DESC LIMIT 1",
  );
  const journalOf = db.prepare<[string, number, number], JournalRow>(
    "SELECT * FROM journal WHERE issue = ? AND seq < ? ORDER BY seq DESC LIMIT ?",
  );
  const journalAfter = db.prepare<[number, number], JournalRow>(
    "SELECT * FROM journal WHERE seq > ? ORDER BY seq LIMIT ?",
  );
  const effectState = db
    .prepare<[string, string], string>("SELECT state FROM outbox WHERE issue = ? AND key = ?")
    .pluck();
  const runById = db.prepare<[string], RunRow>("SELECT * FROM runs WHERE id = ?");
  const lastRun = db.prepare<[string], RunRow>(
    "SELECT * FROM runs WHERE issue = ? ORDER BY seq DESC LIMIT 1",
  );
  const eventsOf = db.prepare<[string, number, number], RunEventRow>(
    "SELECT * FROM run_events WHERE run = ? AND seq > ? ORDER BY seq LIMIT ?",
  );
  const eventsAfter = db.prepare<[number, number], RunEventRow>(
    "SELECT * FROM run_events WHERE seq > ? ORDER BY seq LIMIT ?",
  );
  const deliveriesOfId = db.prepare<[string], DeliveryRow>(
    "SELECT * FROM deliveries WHERE delivery_id = ? ORDER BY source LIMIT 10",
  );
  const issuesOfDelivery = db
    .prepare<[number], string>("SELECT issue FROM delivery_issues WHERE seq = ?")
    .pluck();
  const waiting = db.prepare<[number], OutboxRow>(
    `SELECT * FROM outbox INDEXED BY outbox_queue
     WHERE state = 'pending' AND head = 1 AND class = 'start' ORDER BY priority, id LIMIT ?`,
  );
  const handle = db.prepare<[], number>("SELECT count(*) FROM runs WHERE state = 'running'").pluck();
  const tallies = tallyRows({ db });

  const find = (key: string): IssueRow | undefined => issueById.get(key) ?? issueByKey.get(key);
  const stateOf = (issue: string, key: string): string => effectState.get(issue, key) ?? "done";

  const queueItems = (): D.QueueDocument["items"] => {
    const places = live?.queue() ?? waiting.all(QUEUE_SHOWN).map((row) => ({ row, reason: undefined }));
    return places.map(({ row, reason }, index) => ({
      issue: row.issue,
      class: queueClass(row.priority),
      position: index + 1,
      since: iso(row.created_at),
      reason: queueReason(reason),
    }));
  };

  const issueDocuments = (rows: readonly IssueRow[]): ((row: IssueRow) => D.IssueDocument) => {
    // Read once for the whole page.
    const queue = rows.length === 0 ? [] : queueItems();
    const policy = settings()?.policy ?? null;
    return (row) => {
      const last = lastRun.get(row.id);
      return issueDocument(row, { queue, policy, worktree: last === undefined ? null : worktreeOf(last) });
    };
  };

  // A few dozen combinations of filters; each is prepared when it is first asked for.
  const pages = new Map<string, Database.Statement>();
  const page = (
    table: string,
    key: string,
    where: readonly (readonly [string, string | number | null])[],
    request: D.PageRequest,
  ): readonly unknown[] => {
    const start = pageStart(request);
    const conditions = [...where, [`${key} < ?`, start] as const].filter(([, value]) => value !== null);
    const clause = conditions.length === 0 ? "" : `WHERE ${conditions.map(([sql]) => sql).join(" AND ")}`;
    const sql = `SELECT * FROM ${table} ${clause} ORDER BY ${key} DESC LIMIT ?`;
    const statement = pages.get(sql) ?? db.prepare(sql);
    pages.set(sql, statement);
    return statement.all(...conditions.map(([, value]) => value), pageLimit(request));
  };

  const deliveryDocument = (row: DeliveryRow): D.DeliveryDocument => ({
    seq: row.seq,
    source: row.source,
    deliveryId: row.delivery_id,
    event: row.event,
    action: row.action,
    receivedAt: iso(row.received_at),
    state: row.state,
    why: row.why,
    issues: issuesOfDelivery.all(row.seq),
    attempts: row.attempts,
    bytes: row.bytes,
  });

  return {
    async issues(filter, request) {
      const like = filter.q === null ? null : `%${filter.q.replace(/[\\%_]/g, (found) => `\\${found}`)}%`;
      const rows = page(
        "issues",
        "seq",
        [
          ["state = ?", filter.state],
          ["repository = ?", filter.repo],
          ["(key || ' ' || title) LIKE ? ESCAPE '\\'", like],
        ],
        request,
      ) as readonly IssueRow[];
      return pageOf(rows, request, (row) => row.seq, issueDocuments(rows));
    },
    async issue(key) {
      const row = find(key);
      return row === undefined ? null : issueDocuments([row])(row);
    },
    async why(key, at) {
      const row = find(key);
      if (row === undefined) return null;
      if (at === null) return whyDocument({ ...row, issue: row.key, at: row.updated_at });
      const line = "seq" in at ? journalAt.get(row.id, at.seq) : journalAtTime.get(row.id, at.time);
      return line === undefined ? null : whyDocument({ ...line, issue: row.key, state: line.to_state });
    },
    async journal(key, request) {
      const row = find(key);
      if (row === undefined) return null;
      const start = pageStart(request) ?? Number.MAX_SAFE_INTEGER;
      const rows = journalOf.all(row.id, start, pageLimit(request));
      return pageOf(
        rows,
        request,
        ({ seq }) => seq,
        (line) => journalDocument(line, stateOf),
      );
    },
    async runs(filter, request) {
      const issue = filter.issue === null ? null : (find(filter.issue)?.id ?? "");
      const rows = page("runs", "seq", [["issue = ?", issue]], request) as readonly RunRow[];
      return pageOf(rows, request, ({ seq }) => seq, runDocument);
    },
    async run(id) {
      const row = runById.get(id);
      return row === undefined ? null : runDocument(row);
    },
    async runEvents(id, request) {
      if (runById.get(id) === undefined) return null;
      const rows = eventsOf.all(id, pageStart(request) ?? 0, pageLimit(request));
      return pageOf(rows, request, ({ seq }) => seq, runEventDocument);
    },
    async deliveries(filter, request) {
      if (filter.source === OBSERVATIONS) {
        const failed = page(
          "observations",
          "id",
          [
            ["state = ?", filter.state],
            ["observations <> ?", "[]"],
          ],
          request,
        ) as readonly ObservationRow[];
        return pageOf(failed, request, ({ id }) => id, observationDocument);
      }
      const rows = page(
        "deliveries",
        "seq",
        [
          ["state = ?", filter.state],
          ["source = ?", filter.source],
        ],
        request,
      ) as readonly DeliveryRow[];
      return pageOf(rows, request, ({ seq }) => seq, deliveryDocument);
    },
    async delivery(id) {
      const named = splitDeliveryName(id);
      const failed =
        named?.source === OBSERVATIONS ? observations.withFailedAdvance(named.deliveryId) : undefined;
      if (failed !== undefined) return [observationDocument(failed)];
      const exact = named === null ? undefined : deliveries.one(named.source, named.deliveryId);
      return (exact === undefined ? deliveriesOfId.all(id) : [exact]).map(deliveryDocument);
    },
    async deliveryBody(source, deliveryId) {
      if (source === OBSERVATIONS) {
        const failed = observations.withFailedAdvance(deliveryId);
        return failed === undefined ? null : Buffer.from(failed.observations);
      }
      const row = deliveries.one(source, deliveryId);
      return row === undefined ? null : deliveries.body(row);
    },
    async outbox(filter, request) {
      const issue = filter.issue === null ? null : (find(filter.issue)?.id ?? filter.issue);
      const rows = page(
        "outbox",
        "id",
        [
          ["state = ?", filter.state],
          ["issue = ?", issue],
        ],
        request,
      ) as readonly OutboxRow[];
      return pageOf(rows, request, ({ id }) => id, outboxDocument);
    },
    async queue() {
      const used = live?.slotsUsed() ?? handle.get() ?? 0;
      return { slots: { total: settings()?.slots ?? 0, used }, items: queueItems() };
    },
    async budget() {
      const day = dayOf(now());
      const today = tallies.spent(day);
      return {
        day,
        usdToday: today.usd,
        usdPerDay: dayLimit(settings()?.policy ?? null),
        tokensToday: today.tokens,
        runsToday: today.runs,
      };
    },
    async stream(after, limit) {
      const most = Math.min(MOST_LINES, Math.max(1, limit));
      const lines: D.StreamLine[] = [
        ...journalAfter
          .all(after, most)
          .map((row) => ({ seq: row.seq, kind: "journal" as const, line: journalDocument(row, stateOf) })),
        ...eventsAfter
          .all(after, most)
          .map((row) => ({ seq: row.seq, kind: "run" as const, line: runEventDocument(row) })),
      ];
      return lines.toSorted((a, b) => a.seq - b.seq).slice(0, most);
    },
    counts: async () => tallies.counts(),
    issueId: async (key) => find(key)?.id ?? null,
    sealed: async (owner) => sealed(owner),
    async close() {
      close();
    },
  };
}

const MOST_LINES = 1_000;

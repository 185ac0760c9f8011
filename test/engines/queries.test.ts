import type Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { deliveryRows } from "../../src/engines/embedded/rows/delivery.ts";
import { knownRows } from "../../src/engines/embedded/loops/discovery.ts";
import { issueRows } from "../../src/engines/embedded/rows/issue.ts";
import { createSequence, journalRows } from "../../src/engines/embedded/rows/journal.ts";
import { createLookup } from "../../src/engines/embedded/rows/lookup.ts";
import { migrate, packagedMigrations } from "../../src/engines/embedded/database/migrate.ts";
import { observationRows } from "../../src/engines/embedded/rows/observation.ts";
import { outboxRows } from "../../src/engines/embedded/rows/outbox.ts";
import { keepings } from "../../src/engines/embedded/loops/retention.ts";
import { runRows } from "../../src/engines/embedded/rows/run.ts";
import { createStore } from "../../src/engines/embedded/database/store.ts";
import { plannedTimes } from "../../src/engines/embedded/loops/clock-rollback.ts";
import { sweepRows } from "../../src/engines/embedded/loops/sweep.ts";
import { timerRows } from "../../src/engines/embedded/rows/timer.ts";
import { createViews } from "../../src/engines/embedded/views/views.ts";
import { engineParts } from "./parts.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";

// Every statement that the engine prepares is looked at: a query that walks a whole table, or sorts what an
// index could give in order, is a fault that only shows with a hundred thousand rows.
let db: Database.Database;
const prepared = new Set<string>();

beforeAll(async () => {
  db = new Sqlite(":memory:");
  migrate(db, ":memory:", packagedMigrations(), 0);
  const prepare = db.prepare.bind(db) as (sql: string) => Database.Statement;
  db.prepare = ((sql: string) => {
    prepared.add(sql);
    return prepare(sql);
  }) as typeof db.prepare;
  const store = createStore(db);
  const next = createSequence(store);
  deliveryRows(store);
  issueRows(store);
  journalRows(store, next);
  createLookup(store);
  observationRows(store);
  outboxRows(store);
  runRows(store, next);
  sweepRows(store);
  knownRows(store);
  plannedTimes(store);
  timerRows(store, () => undefined);
  keepings(store, engineParts(createVirtualClock()).settings.storage);
  const views = createViews(
    store,
    () => 0,
    null,
    () => undefined,
  );
  const page = { limit: 50, cursor: null };
  const next2 = { limit: 50, cursor: Buffer.from("k5").toString("base64url") };
  for (const request of [page, next2]) {
    await views.issues({ state: null, repo: null, q: null }, request);
    await views.issues({ state: "done", repo: null, q: null }, request);
    await views.issues({ state: null, repo: "example/app", q: null }, request);
    await views.runs({ issue: null }, request);
    await views.runs({ issue: "a" }, request);
    await views.deliveries({ state: null, source: null }, request);
    await views.deliveries({ state: "pending", source: null }, request);
    await views.outbox({ state: null, issue: null }, request);
    await views.outbox({ state: "failed", issue: null }, request);
    await views.outbox({ state: null, issue: "a" }, request);
  }
});
afterAll(() => db.close());

const planOf = (sql: string): string[] => {
  const explain = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${sql}`);
  const named = Object.fromEntries([...sql.matchAll(/@(\w+)/g)].map(([, name]) => [name, 0]));
  const values = Object.keys(named).length > 0 ? [named] : (sql.match(/\?/g) ?? []).map(() => 0);
  return explain.all(...values).map(({ detail }) => detail);
};

/** Scans in the order of a key that end at a LIMIT, or of a table that stays small, are what is wanted. */
const MAY_SCAN = [/ORDER BY (seq|id|first) (DESC )?LIMIT/, /FROM timers ORDER BY at/, /json_each/];

test("every statement of the engine finds its rows by an index", () => {
  const statements = [...prepared].filter((sql) => /^\s*(SELECT|UPDATE|DELETE)/.test(sql));
  expect(statements.length).toBeGreaterThan(60);
  const bad = statements.flatMap((sql) =>
    planOf(sql)
      .filter(
        (step) =>
          /^SCAN (?!.*USING (COVERING )?INDEX)/.test(step) && !/^SCAN (\(|CONSTANT|j\b|o\b)/.test(step),
      )
      .filter(() => !MAY_SCAN.some((allowed) => allowed.test(sql)))
      .map((step) => `${step}  <-  ${sql}`),
  );
  expect(bad).toEqual([]);
});

test("no statement of the engine sorts its rows", () => {
  const bad = [...prepared]
    .filter((sql) => /^\s*(SELECT|UPDATE|DELETE)/.test(sql))
    .filter((sql) => planOf(sql).some((step) => step.includes("TEMP B-TREE")));
  expect(bad).toEqual([]);
});

test.each([
  [
    "deliveries that are due",
    "SELECT * FROM deliveries INDEXED BY deliveries_by_state WHERE state = 'pending' AND next_at <= ? ORDER BY seq LIMIT ?",
    "deliveries_by_state",
  ],
  [
    "effects that are due",
    "SELECT * FROM outbox WHERE state = 'pending' AND head = 1 AND class = ? AND next_at <= ?\n     ORDER BY next_at, id LIMIT ?",
    "outbox_due",
  ],
  [
    "issues to be swept",
    "SELECT id, state, sweeps, facts FROM issues WHERE sweep_at IS NOT NULL AND sweep_at <= ?\n     ORDER BY sweep_at LIMIT ?",
    "issues_sweep",
  ],
  ["timers that are due", "SELECT * FROM timers WHERE at <= ? ORDER BY at LIMIT ?", "timers_due"],
])("%s come from their own index", (_, sql, index) => {
  expect([...prepared]).toContain(sql);
  expect(planOf(sql).join("; ")).toContain(index);
});

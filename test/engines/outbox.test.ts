import type Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Effect } from "../../src/factory/effects/effect.ts";
import { migrate, packagedMigrations } from "../../src/engines/embedded/database/migrate.ts";
import { outboxRows } from "../../src/engines/embedded/rows/outbox.ts";
import type { Outbox, OutboxRow } from "../../src/engines/embedded/rows/outbox.ts";
import { issueOf } from "./parts.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";

const ANYWHERE = { priority: 0, project: null };
let db: Database.Database;
let outbox: Outbox;

beforeEach(() => {
  db = new Sqlite(":memory:");
  migrate(db, ":memory:", packagedMigrations(), 0);
  outbox = outboxRows({ db });
});
afterEach(() => db.close());

const tell = (key: string, issue = "a"): Effect => ({
  kind: "tell",
  key,
  issue: issueOf(issue),
  session: "s",
  activity: { type: "thought", body: key },
  acknowledges: false,
});
const add = (...effects: Effect[]): void => {
  for (const effect of effects) outbox.add(effect, ANYWHERE, 1);
};
const due = (): OutboxRow[] => outbox.due("tracker", 100, 50);
const keys = (): string[] => due().map(({ key }) => key);
const first = (): OutboxRow => due()[0] ?? expect.fail("nothing is due");

test("while one effect of a lane is under way none of that lane is due", () => {
  add(tell("a1"), tell("a2"), tell("b1", "b"));
  const row = first();
  expect(keys()).toEqual(["a1", "b1"]);
  outbox.claim(row);
  expect(keys()).toEqual(["b1"]);
  add(tell("a3"));
  expect(keys()).toEqual(["b1"]);
  outbox.settle(row, "done", null, 2);
  expect(keys()).toEqual(["a2", "b1"]);
});

test("an effect that was put back by hand goes before the rest of its lane and never beside it", () => {
  add(tell("a1"), tell("a2"), tell("a3"));
  const failed = first();
  outbox.settle(failed, "failed", "no", 2);
  const second = first();
  outbox.claim(second);
  outbox.again(failed);
  expect(keys()).toEqual([]);
  outbox.settle(second, "done", null, 3);
  expect(keys()).toEqual(["a1"]);
  outbox.settle(first(), "done", null, 4);
  expect(keys()).toEqual(["a3"]);
});

test("the same key of two issues is two effects", () => {
  add(tell("same"), tell("same", "b"));
  expect(keys()).toEqual(["same", "same"]);
});

test("stops and messages to a run wait for nothing", () => {
  const stop = (run: number): Effect => ({
    kind: "stop_run",
    key: `s${run}`,
    issue: issueOf("a"),
    run,
    reason: "stopped",
  });
  add(stop(1), stop(2));
  const rows = outbox.due("control", 100, 50);
  expect(rows.map(({ key }) => key)).toEqual(["s1", "s2"]);
  for (const row of rows) outbox.claim(row);
  add(stop(3));
  expect(outbox.due("control", 100, 50).map(({ key }) => key)).toEqual(["s3"]);
});

const reading = (key: string, background: boolean, issue = "a"): Effect => ({
  kind: "read_pull_request",
  key,
  issue: issueOf(issue),
  number: 7,
  branch: "b",
  hint: null,
  background,
});
const readings = (at: number): readonly (readonly [string, number])[] =>
  outbox.due("reading", at, 50).map((row) => [row.key, row.next_at]);

test("a reading that is waited for goes before sweeps, and takes over no wait of theirs", () => {
  outbox.add(reading("sweep a", true), ANYWHERE, 5);
  outbox.add(reading("sweep b", true, "b"), ANYWHERE, 5);
  outbox.add(reading("news c", false, "c"), ANYWHERE, 6);
  expect(readings(10)).toEqual([
    ["news c", 0],
    ["sweep a", 5],
    ["sweep b", 5],
  ]);
  const held = outbox.due("reading", 10, 50)[1] ?? expect.fail("a sweep is due");
  outbox.postpone(held, 0, 9_000, "the allowance runs low");
  outbox.add(reading("news a", false), ANYWHERE, 11);
  expect(readings(20)).toEqual([
    ["news c", 0],
    ["news a", 0],
    ["sweep b", 5],
  ]);
});

test("a sweep takes the place of no reading that is waited for, and waits as long as the sweep it replaces", () => {
  outbox.add(reading("news a", false), ANYWHERE, 5);
  expect(outbox.add(reading("sweep a", true), ANYWHERE, 6)).toBe(false);
  expect(readings(10)).toEqual([["news a", 0]]);
  outbox.add(reading("sweep b 1", true, "b"), ANYWHERE, 5);
  const held = outbox.due("reading", 10, 50)[1] ?? expect.fail("a sweep is due");
  outbox.postpone(held, 0, 9_000, "the allowance runs low");
  outbox.add(reading("sweep b 2", true, "b"), ANYWHERE, 7);
  expect(readings(9_001)).toEqual([
    ["news a", 0],
    ["sweep b 2", 9_000],
  ]);
});

import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Facts, emptyFacts } from "../../src/factory/facts/facts.ts";
import { issueRows } from "../../src/engines/embedded/rows/issue.ts";
import { migrate, packagedMigrations } from "../../src/engines/embedded/database/migrate.ts";
import { outboxRows } from "../../src/engines/embedded/rows/outbox.ts";
import { keepings, pruneAll } from "../../src/engines/embedded/loops/retention.ts";
import type { Keeping } from "../../src/engines/embedded/loops/retention.ts";
import { runRows } from "../../src/engines/embedded/rows/run.ts";
import { createStore } from "../../src/engines/embedded/database/store.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import { engineParts, issueOf } from "./parts.ts";
import { script, scriptedAdvance } from "./scripted-factory.ts";

const DAY = 86_400_000;
const NOW = 1_000 * DAY;

let db: Database.Database;
let kept: readonly Keeping[];

beforeEach(() => {
  db = new Database(":memory:");
  migrate(db, ":memory:", packagedMigrations(), 0);
  kept = keepings(createStore(db), engineParts(createVirtualClock()).settings.storage);
});
afterEach(() => db.close());

const pruned = (): Readonly<Record<string, number>> => pruneAll(kept, () => NOW);
const count = (table: string): unknown => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();

function lines(issue: string, many: number, at: number): void {
  const add = db.prepare(
    `INSERT INTO journal (at, issue, kind, source, observed_at, rule, why, to_state, effects, evidence, observations)
     VALUES (?, ?, 'k', 's', 0, 'r', 'w', 'done', '[]', '[]', '[]')`,
  );
  for (let line = 0; line < many; line += 1) add.run(at, issue);
}

function effects(issue: string, kind: string, many: number, settledAt: number, state = "done"): void {
  const add = db.prepare(
    `INSERT INTO outbox (issue, key, kind, lane, class, head, state, created_at, settled_at, payload)
     VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, '{}')`,
  );
  const place = kind === "read_ticket" ? "reading" : "work";
  for (let row = 0; row < many; row += 1)
    add.run(issue, `${kind}:${state}:${settledAt}:${row}`, kind, place, place, state, settledAt, settledAt);
}

function issue(name: string, state: string, facts: Partial<Facts> = {}, now = 1): void {
  const decision = { state, step: { kind: "wait" }, rule: "r", why: "w", waitsFor: null, until: null };
  const issues = issueRows({ db });
  const id = issueOf(name);
  issues.save(
    issues.load(id),
    { ...emptyFacts(id, 1), ...facts },
    decision as Parameters<typeof issues.save>[2],
    [],
    { now, sweepAt: null },
  );
}

test("lines that must stay, however many, keep nothing behind them alive", () => {
  for (let ended = 0; ended < 300; ended += 1) lines(`ended-${ended}`, 1, 1);
  lines("busy", 500, 2);
  lines("busy", 1, NOW);
  expect(pruned()).toMatchObject({ journal: 500 });
  expect(count("journal")).toBe(301);
});

test("effects of issues that go on, however many, keep nothing behind them alive", () => {
  issue("open", "paused");
  issue("over", "done");
  effects(issueOf("open"), "tell", 1_500, 1);
  effects(issueOf("over"), "tell", 500, 2);
  expect(pruned()).toMatchObject({ effects: 500 });
  expect(count("outbox")).toBe(1_500);
});

test("a reading goes with the webhooks of its days, also of an issue that goes on and when it was refused", () => {
  issue("open", "awaiting_review");
  effects(issueOf("open"), "read_ticket", 300, NOW - 15 * DAY);
  effects(issueOf("open"), "read_ticket", 1, NOW - 15 * DAY, "failed");
  effects(issueOf("open"), "read_ticket", 2, NOW - 13 * DAY);
  expect(pruned()).toMatchObject({ readings: 301, effects: 0 });
  expect(count("outbox")).toBe(2);
});

test("a pass that is broken off goes on where it was; the next one starts over", () => {
  lines("first", 1, 1);
  lines("second", 150, 1);
  lines("second", 1, NOW);
  const journal = kept.find(({ name }) => name === "journal");
  expect(journal?.prune(NOW)).toEqual({ gone: 99, more: true });
  expect(journal?.prune(NOW)).toEqual({ gone: 51, more: false });
  lines("first", 1, NOW);
  expect(journal?.prune(NOW)).toEqual({ gone: 1, more: false });
});

test("commits lead to their issue as long as it goes on, and go a while after its end", () => {
  const shas = (...names: string[]): Partial<Facts> => ({
    project: { id: "app", repository: "example/app", branch: "b", problem: null },
    runs: names.map((headAfter) => ({ headAfter })) as unknown as Facts["runs"],
  });
  issue("open", "awaiting_review", shas("o1"));
  issue("over", "done", shas("d1"));
  issue("late", "done", shas("l1"), NOW - DAY);
  expect(pruned()).toMatchObject({ commits: 1 });
  expect(db.prepare("SELECT sha FROM commits ORDER BY sha").pluck().all()).toEqual(["l1", "o1"]);
});

test("what was said to a run goes when the run ends", () => {
  const id = issueOf("a");
  const handle = scriptedAdvance({
    facts: emptyFacts(id, 1),
    before: null,
    observations: [script({ run: "implementation" })],
    ...engineParts(createVirtualClock()),
    conditions: { agents: {}, disk: null, usdToday: 0 },
    now: 1,
  }).facts;
  const runs = runRows({ db }, () => 1);
  runs.mirror(null, handle, 1);
  runs.addSteer("linear-a.1", "p1", "please");
  expect(count("steers")).toBe(1);
  const [run] = handle.runs;
  runs.mirror(handle, { ...handle, runs: [{ ...run, state: "ended" }] as unknown as Facts["runs"] }, 2);
  expect(count("steers")).toBe(0);
});

test("an effect that is put back by hand is not aged", () => {
  const outbox = outboxRows({ db });
  effects(issueOf("gone"), "read_ticket", 1, 1, "failed");
  const row = outbox.one(1) ?? expect.fail("no effect");
  outbox.again(row);
  expect(pruned()).toMatchObject({ readings: 0, effects: 0 });
});

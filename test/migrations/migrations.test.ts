import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { DatabaseForeign, DatabaseNewer } from "../../src/engines/embedded/database/errors.ts";
import { checkInvariants } from "../../src/engines/embedded/database/maintenance.ts";
import {
  migrate,
  packagedMigrations,
  readMigrations,
  schemaOf,
} from "../../src/engines/embedded/database/migrate.ts";
import type { Migration } from "../../src/engines/embedded/database/migrate.ts";
import { createViews } from "../../src/engines/embedded/views/views.ts";
import { FACTS_VERSION, type Facts, emptyFacts } from "../../src/factory/facts/facts.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import { arm, disarmAll } from "../../src/lib/failpoints.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";

const PAGE = { limit: 50, cursor: null };
const NOW = Date.UTC(2026, 0, 5, 12);
const samples = fileURLToPath(new URL("samples", import.meta.url));
const migrations = packagedMigrations();

let db: Database.Database;
beforeEach(() => {
  db = new Sqlite(":memory:");
  db.pragma("foreign_keys = ON");
});
afterEach(() => {
  disarmAll();
  db.close();
});

const sampleOf = ({ name }: Migration): string => readFileSync(join(samples, `${name}.sql`), "utf8");
const apply = (upTo: number): readonly string[] => migrate(db, ":memory:", migrations.slice(0, upTo), NOW);
const tables = (): unknown[] =>
  db
    .prepare("SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name")
    .all();

describe("migrations", () => {
  test("each has its sample rows", () => {
    for (const migration of migrations) {
      expect(
        existsSync(join(samples, `${migration.name}.sql`)),
        `samples/${migration.name}.sql is missing`,
      ).toBe(true);
    }
  });

  test("a database filled at each step comes through all later steps with its rows", async () => {
    for (const [index, migration] of migrations.entries()) {
      expect(apply(index + 1)).toEqual([migration.name]);
      db.exec(sampleOf(migration));
    }
    expect(db.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
    expect(checkInvariants(db, NOW)).toEqual([]);
    const views = createViews(
      { db },
      () => NOW,
      null,
      () => undefined,
    );
    expect(await views.counts()).toEqual({
      byState: { awaiting_review: 1 },
      deliveries: { applied: 1, pending: 1, quarantined: 1 },
      outbox: { done: 1, pending: 1 },
    });
    expect(await views.issue("app-1")).toMatchObject({
      id: "linear:a",
      state: "awaiting_review",
      version: 3,
    });
    expect((await views.journal("APP-1", PAGE))?.items[0]).toMatchObject({
      from: "pr_open",
      effects: [{ kind: "tell", key: "t1", state: "done" }],
    });
    expect((await views.delivery("d-applied"))[0]?.issues).toEqual(["linear:a"]);
    expect(await views.sealed("linear")).toEqual([
      { name: "installation:w", sealed: Buffer.from([1, 2, 3, 4]) },
    ]);
    expect(await views.run("linear-b.1")).toMatchObject({ outcome: "published", usd: 0.25 });
    expect(await views.budget()).toMatchObject({ usdToday: 0.25, runsToday: 1 });
    expect((await views.stream(0, 10)).map(({ seq, kind }) => `${seq} ${kind}`)).toEqual([
      "1 journal",
      "2 run",
    ]);
  });

  test("the sample's facts have the shape and the version of today", () => {
    apply(2);
    for (const migration of migrations.slice(0, 2)) db.exec(sampleOf(migration));
    apply(migrations.length);
    const facts = JSON.parse(db.prepare("SELECT facts FROM issues").pluck().get() as string) as object;
    const today = emptyFacts(issueId("linear", "a"), 1_767_600_000_000);
    expect(facts).toEqual(JSON.parse(JSON.stringify(today)));
  });

  test("a delegation and a resume that were known before are grants, and what took work away is none", () => {
    const by = { kind: "person", id: "ann" };
    const word = (granted: boolean, read: boolean) => ({ value: { granted, by }, at: 7, read });
    const migrated = (known: object): unknown => {
      db.close();
      db = new Sqlite(":memory:");
      apply(2);
      for (const migration of migrations.slice(0, 2)) db.exec(sampleOf(migration));
      db.prepare("UPDATE issues SET facts = json_patch(facts, ?)").run(JSON.stringify(known));
      apply(migrations.length);
      const facts = JSON.parse(db.prepare("SELECT facts FROM issues").pluck().get() as string) as Facts;
      return facts.grants;
    };
    expect(migrated({ delegation: word(true, true), commanded: word(false, false) })).toEqual({
      delegation: { value: { by }, at: 7, read: true },
      command: null,
    });
    expect(migrated({ delegation: word(false, true), commanded: word(true, false) })).toEqual({
      delegation: null,
      command: { value: { by }, at: 7, read: false },
    });
  });

  test("all steps at once give the same schema as one by one", () => {
    for (let step = 1; step <= migrations.length; step += 1) apply(step);
    const stepwise = tables();
    db.close();
    db = new Sqlite(":memory:");
    apply(migrations.length);
    expect(tables()).toEqual(stepwise);
  });

  test("the ledger names each step once, and a second run takes none", () => {
    expect(apply(migrations.length)).toHaveLength(migrations.length);
    expect(apply(migrations.length)).toEqual([]);
    expect(db.prepare("SELECT name FROM migrations ORDER BY number").pluck().all()).toEqual(
      migrations.map(({ name }) => name),
    );
  });

  test.each(migrations.map(({ name }, index) => [name, index]))(
    "broken off in %s it is at the step before, and goes on from there",
    (name, index) => {
      arm(`migrate.${name}`, { kind: "throw" });
      expect(() => apply(migrations.length)).toThrow(`failpoint migrate.${name}`);
      expect(schemaOf(db)).toBe(index);
      expect(apply(migrations.length)).toEqual(migrations.slice(index).map((migration) => migration.name));
    },
  );

  test("a newer database is refused and left alone", () => {
    apply(migrations.length);
    db.pragma("user_version = 99");
    expect(() => apply(migrations.length)).toThrow(DatabaseNewer);
    expect(schemaOf(db)).toBe(99);
  });

  test("facts of an older version are the next migration's to bring forward", () => {
    apply(migrations.length - 1);
    db.exec("UPDATE migrations SET facts = 1");
    expect(apply(migrations.length)).toHaveLength(1);
    expect(db.prepare("SELECT facts FROM migrations ORDER BY number DESC").pluck().get()).toBe(FACTS_VERSION);
  });

  test("a migration that was rewritten is not taken for the one that was applied", () => {
    apply(migrations.length);
    const rewritten = migrations.map((step) => ({ ...step, sql: `${step.sql}\n-- more` }));
    expect(() => migrate(db, ":memory:", rewritten, NOW)).toThrow(DatabaseForeign);
  });

  test("every table is STRICT", () => {
    apply(migrations.length);
    const lax = db
      .prepare(
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'",
      )
      .pluck()
      .all();
    expect(lax).toEqual([]);
  });

  test("a gap in the numbers is an error that names it", () => {
    const folder = mkdtempSync(join(tmpdir(), "patchrelay-migrations-"));
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "0001-a.sql"), "");
      writeFileSync(join(folder, "0003-c.sql"), "");
      expect(() => readMigrations(folder)).toThrow("0003-c is where number 2 is expected");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

import { createHash } from "node:crypto";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type Database from "better-sqlite3";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { assertDurable, openWriter } from "../../src/engines/embedded/database/connection.ts";
import { createStore } from "../../src/engines/embedded/database/store.ts";
import { openEmbeddedEngine } from "../../src/engines/embedded/engine.ts";
import {
  AlreadyRunning,
  DatabaseDamaged,
  DatabaseForeign,
  DatabaseNewer,
  NoDatabase,
} from "../../src/engines/embedded/database/errors.ts";
import { backup, check, prune } from "../../src/engines/embedded/database/maintenance.ts";
import { openViews } from "../../src/engines/embedded/views/open-views.ts";
import { NotDurable } from "../../src/engines/engine.ts";
import type { Engine } from "../../src/engines/engine.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import { delivery, engineParts, issueOf } from "./parts.ts";
import type { PartsChanges } from "./parts.ts";
import { script, scriptedAdvance } from "./scripted-factory.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";

const ORIGIN = { source: "test", delivery: null };
const PAGE = { limit: 50, cursor: null };

let folder: string;
let file: string;
let clock: VirtualClock;
let engine: Engine | null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patchrelay-storage-"));
  file = join(folder, "patchrelay.db");
  clock = createVirtualClock();
  engine = null;
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await stop();
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true, force: true });
});

async function open(changes: PartsChanges = {}, maxPages: number | null = null): Promise<Engine> {
  const parts = engineParts(clock, changes);
  const lockFile = join(folder, "patchrelay.lock");
  engine = openEmbeddedEngine({
    file,
    lockFile,
    pid: process.pid,
    parts,
    advance: scriptedAdvance,
    maxPages,
  });
  await engine.start();
  return engine;
}

async function stop(): Promise<void> {
  const stopped = engine?.stop(1_000);
  await clock.advance(1_000);
  await stopped;
}

/** Digest of every file of the folder but the lock's. */
function contents(): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder)
      .filter((name) => !name.startsWith("patchrelay.lock") && statSync(join(folder, name)).isFile())
      .map((name) => [
        name,
        createHash("sha256")
          .update(readFileSync(join(folder, name)))
          .digest("hex"),
      ]),
  );
}

/** Moves it away. Returns what puts it back. */
function moved(path: string): () => void {
  renameSync(path, `${path}.away`);
  return () => renameSync(`${path}.away`, path);
}

/** Puts a copy in its place. Returns what puts the first one back. */
function replaced(path: string): () => void {
  renameSync(path, `${path}.away`);
  copyFileSync(`${path}.away`, path);
  return () => renameSync(`${path}.away`, path);
}

/** The folder as a killed process leaves it: database and log copied while the engine runs. */
async function crashed(): Promise<string> {
  await open();
  await engine?.record(issueOf("a"), [script({})], ORIGIN);
  const copy = join(folder, "crashed");
  mkdirSync(copy);
  for (const name of ["patchrelay.db", "patchrelay.db-wal"])
    copyFileSync(join(folder, name), join(copy, name));
  return join(copy, "patchrelay.db");
}

describe("durability", () => {
  test("commits are flushed to the disk: synchronous is FULL after a write, where SQLite's build would drop to NORMAL", () => {
    const careless = new Sqlite(join(folder, "careless.db"));
    careless.pragma("journal_mode = WAL");
    careless.exec("CREATE TABLE t (x)");
    expect(() => assertDurable(careless)).toThrow("synchronous is 1 after a write");
    careless.close();

    const writer = openWriter(file, null);
    writer.exec("CREATE TABLE t (x)");
    writer.exec("INSERT INTO t VALUES (1)");
    assertDurable(writer);
    expect(writer.pragma("synchronous", { simple: true })).toBe(2);
    expect(writer.pragma("page_size", { simple: true })).toBe(8192);
    expect(writer.pragma("foreign_keys", { simple: true })).toBe(1);
    expect(writer.pragma("trusted_schema", { simple: true })).toBe(0);
    writer.close();
  });

  test("after a failed fsync nothing is written any more, and it is told that a new process must go on", async () => {
    const db = openWriter(file, null);
    db.exec("CREATE TABLE t (x)");
    let disk = "sound";
    const failing = {
      prepare: (sql: string) => {
        const statement = db.prepare(sql);
        return {
          run() {
            if (sql === "COMMIT" && disk === "failing")
              throw new Sqlite.SqliteError("disk I/O error", "SQLITE_IOERR_FSYNC");
            return statement.run();
          },
        };
      },
      get inTransaction() {
        return db.inTransaction;
      },
    } as unknown as Database.Database;
    const store = createStore(failing);
    store.write(() => db.exec("INSERT INTO t VALUES (1)"));
    expect(store.broken()).toBe(false);
    disk = "failing";
    expect(() => store.write(() => db.exec("INSERT INTO t VALUES (2)"))).toThrow("disk I/O error");
    disk = "sound";
    expect(() => store.write(() => db.exec("INSERT INTO t VALUES (3)"))).toThrow("write to disk failed");
    expect(await store.breaking).toContain("SQLITE_IOERR_FSYNC");
    expect(db.prepare("SELECT x FROM t").pluck().all()).toEqual([1]);
    db.close();
  });

  test("the database is readable by its owner only", async () => {
    await open();
    for (const name of readdirSync(folder))
      expect([name, statSync(join(folder, name)).mode & 0o777]).toEqual([name, 0o600]);
  });

  test("a full database refuses deliveries, says so, forgets them, and recovers by itself", async () => {
    await open({}, 90);
    // Noise, so that it does not get smaller when it is compressed.
    const noise = (index: number) => {
      const words = Array.from({ length: 2_000 }, (_, at) =>
        createHash("sha256").update(`${index} ${at}`).digest(),
      );
      return delivery(`d${index}`, Buffer.concat(words));
    };
    let refused: unknown = null;
    let accepted = 0;
    for (let index = 0; index < 40 && refused === null; index += 1) {
      const answer = engine?.accept(noise(index)).then(
        () => null,
        (error: unknown) => error,
      );
      await clock.settle();
      refused = (await answer) ?? null;
      if (refused === null) accepted += 1;
    }
    expect(refused).toBeInstanceOf(NotDurable);
    expect(accepted).toBeGreaterThan(0);
    expect(engine?.health().database).toMatchObject({
      ok: false,
      detail: expect.stringContaining("SQLITE_FULL"),
    });
    expect(await engine?.views.delivery(`d${accepted}`)).toEqual([]);
    const long = "x".repeat(2_000_000);
    await expect(engine?.record(issueOf("a"), [script({ startFault: long })], ORIGIN)).rejects.toBeInstanceOf(
      NotDurable,
    );
    await clock.advance(6_000);
    expect(engine?.health().database.ok).toBe(true);
  });

  test.each([
    ["the data folder is moved away", () => moved(folder), "the data folder is gone"],
    ["the database is moved away", () => moved(file), "patchrelay.db is gone"],
    ["the database is replaced", () => replaced(file), "patchrelay.db in the data folder is not the file"],
    ["the log is deleted", () => moved(`${file}-wal`), "patchrelay.db-wal is gone"],
    [
      "the index of the log is replaced",
      () => replaced(`${file}-shm`),
      "patchrelay.db-shm in the data folder is",
    ],
    ["the lock is deleted", () => moved(join(folder, "patchrelay.lock")), "patchrelay.lock is gone"],
  ])("when %s nothing is taken in until it is back, and what to do is told", async (_, take, says) => {
    await open();
    await engine?.record(issueOf("a"), [script({})], ORIGIN);
    const putBack = take();
    try {
      expect(engine?.health().database).toMatchObject({ ok: false, detail: expect.stringContaining(says) });
      expect(engine?.health().database.detail).toMatch(/it would be lost\. (Put it back|Restart)/);
      const refused = expect(engine?.accept(delivery("d1", {}))).rejects.toThrow(says);
      await clock.settle();
      await refused;
      await expect(engine?.record(issueOf("b"), [script({})], ORIGIN, "k")).rejects.toBeInstanceOf(
        NotDurable,
      );
      expect(await engine?.facts(issueOf("b"))).toBeNull();
    } finally {
      putBack();
    }
    await clock.advance(60_000);
    expect(engine?.health().database.ok).toBe(true);
    const answer = engine?.accept(delivery("d1", {}));
    await clock.settle();
    expect(await answer).toBe("accepted");
    await engine?.record(issueOf("b"), [script({})], ORIGIN, "k");
    expect(await engine?.facts(issueOf("b"))).not.toBeNull();
  });

  test("what was acknowledged before the log was deleted is in the database once the relay has stopped", async () => {
    await open();
    await engine?.record(issueOf("a"), [script({})], ORIGIN);
    rmSync(`${file}-wal`);
    await expect(engine?.record(issueOf("b"), [script({})], ORIGIN)).rejects.toBeInstanceOf(NotDurable);
    await stop();
    await open();
    expect(await engine?.facts(issueOf("a"))).not.toBeNull();
    expect(await engine?.facts(issueOf("b"))).toBeNull();
  });

  test("a database that cannot be read is told as such, and what it would tell is left out", async () => {
    await open();
    await engine?.record(issueOf("a"), [script({})], ORIGIN);
    await stop();
    await open();
    truncateSync(file, 8192);
    expect(engine?.health()).toMatchObject({
      database: { ok: false, detail: expect.stringContaining("cannot be read") },
      inbox: { pending: null, oldestMs: null },
      outbox: { pending: null, failed: null },
      slots: { total: 4 },
    });
  });

  test("a body that the disk has changed is quarantined, not believed", async () => {
    await open();
    const answer = engine?.accept(delivery("d1", { ignored: "x".repeat(100) }));
    await clock.settle();
    await answer;
    await stop();
    const db = new Sqlite(file);
    db.prepare("UPDATE delivery_bodies SET content = ?").run(Buffer.from(`{"ignored":"${"y".repeat(100)}"}`));
    db.close();
    await open({ settings: { inboxAttempts: 1 } });
    await engine?.replay("test", "d1");
    await clock.settle();
    expect((await engine?.views.delivery("d1"))?.[0]).toMatchObject({
      state: "quarantined",
      why: expect.stringContaining("does not match its digest"),
    });
  });

  test("when another process writes, a delivery is refused at once instead of waiting", async () => {
    await open();
    const other = new Sqlite(file);
    other.exec("BEGIN IMMEDIATE");
    const refused = expect(engine?.accept(delivery("d1", {}))).rejects.toBeInstanceOf(NotDurable);
    await clock.settle();
    await refused;
    other.exec("ROLLBACK");
    other.close();
    const answer = engine?.accept(delivery("d1", {}));
    await clock.settle();
    expect(await answer).toBe("accepted");
  });
});

describe("a database that cannot be used", () => {
  test("one of a newer program is refused and not touched", async () => {
    await open();
    await stop();
    const db = new Sqlite(file);
    db.pragma("user_version = 999");
    db.close();
    const before = contents();
    await expect(open()).rejects.toBeInstanceOf(DatabaseNewer);
    expect(() => openViews(file, clock)).toThrow(DatabaseNewer);
    expect(contents()).toEqual(before);
  });

  test.each([
    [
      "another text of a migration",
      "UPDATE migrations SET digest = 'x' WHERE number = 2",
      "its migration 0002-issues is not",
    ],
    [
      "another order of migrations",
      "DELETE FROM migrations WHERE number = 2",
      "migration 0002-issues is not in its ledger",
    ],
    [
      "no digests, as early builds",
      "ALTER TABLE migrations DROP COLUMN digest",
      "it has no migration history",
    ],
    ["facts of another version", "UPDATE migrations SET facts = 1", "its facts are of version 1"],
    ["tables of another program", "PRAGMA user_version = 0", "it holds tables, but not the relay's"],
  ])("one with %s is refused in words, and not touched", async (_, change, finding) => {
    await open();
    await stop();
    const db = new Sqlite(file);
    db.exec(change);
    db.close();
    const before = contents();
    await expect(open()).rejects.toThrow(finding);
    for (const use of [() => openViews(file, clock), () => check(file, clock.now())])
      expect(use).toThrow(DatabaseForeign);
    expect(() => openViews(file, clock)).toThrow(
      "Nothing was changed. Start the build that made it, or move the data folder",
    );
    expect(contents()).toEqual(before);
  });

  test.each([
    ["cut short", () => truncateSync(file, 3 * 8192)],
    ["overwritten at its beginning", () => writeFileSync(file, Buffer.alloc(100_000, 7))],
  ])("one that is %s is refused, the newest backup is named, nothing is overwritten", async (_, damage) => {
    await open();
    await engine?.record(issueOf("a"), [script({})], ORIGIN);
    const copy = join(folder, "backups", "one.db");
    await backup(file, copy);
    await stop();
    damage();
    const before = contents();
    const refused = await open().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(DatabaseDamaged);
    expect((refused as DatabaseDamaged).backup).toBe(copy);
    expect(String(refused)).toContain(`copy ${copy} to ${file}`);
    expect(contents()).toEqual(before);
    rmSync(file);
    copyFileSync(copy, file);
    await open();
    expect(await engine?.facts(issueOf("a"))).not.toBeNull();
  });

  test("one that is missing while its log is there is refused", async () => {
    const copy = await crashed();
    rmSync(copy);
    const parts = engineParts(clock);
    expect(() =>
      openEmbeddedEngine({ file: copy, lockFile: `${copy}.lock`, pid: 1, parts, advance: scriptedAdvance }),
    ).toThrow(DatabaseDamaged);
  });

  test("after a refusal the folder is free for the next process", async () => {
    writeFileSync(file, Buffer.alloc(100_000, 7));
    await expect(open()).rejects.toBeInstanceOf(DatabaseDamaged);
    rmSync(file);
    await open();
  });
});

describe("inspection", () => {
  test("with the relay down it reads, and creates and writes nothing", async () => {
    await open();
    await engine?.record(issueOf("a"), [script({ state: "pr_open" })], ORIGIN);
    await stop();
    const before = contents();
    chmodSync(folder, 0o500);
    const views = openViews(file, clock);
    expect((await views.issue("a"))?.state).toBe("pr_open");
    expect((await views.queue()).slots).toEqual({ total: 4, used: 0 });
    await views.close();
    expect(contents()).toEqual(before);
  });

  test("while the relay runs it sees what was committed a moment ago", async () => {
    await open();
    const views = openViews(file, clock);
    await engine?.record(issueOf("a"), [script({ state: "pr_open" })], ORIGIN);
    expect((await views.issue("A"))?.state).toBe("pr_open");
    await views.close();
  });

  test("after a crash it reads what lies in the log, and leaves the log as it is", async () => {
    const copy = await crashed();
    // A temporary folder of its own: in the common one others read copies at the same time.
    const temporary = join(folder, "tmp");
    mkdirSync(temporary);
    vi.stubEnv("TMPDIR", temporary);
    const before = readdirSync(join(folder, "crashed")).map((name) => [
      name,
      statSync(join(folder, "crashed", name)).mtimeMs,
    ]);
    const views = openViews(copy, clock);
    expect(await views.issue(issueOf("a"))).not.toBeNull();
    await views.close();
    expect(
      readdirSync(join(folder, "crashed")).map((name) => [
        name,
        statSync(join(folder, "crashed", name)).mtimeMs,
      ]),
    ).toEqual(before);
    expect(readdirSync(temporary)).toEqual([]);
  });

  test("without a database it says so and makes none", () => {
    expect(() => openViews(file, clock)).toThrow(NoDatabase);
    expect(existsSync(file)).toBe(false);
  });
});

describe("maintenance", () => {
  test("a backup of a running relay is whole and its check is clean", async () => {
    await open();
    await engine?.record(issueOf("a"), [script({})], ORIGIN);
    const copy = join(folder, "copy.db");
    await backup(file, copy);
    expect(check(copy, clock.now())).toEqual([]);
    const views = openViews(copy, clock, `${copy}.lock`);
    expect(await views.issue("a")).not.toBeNull();
    await views.close();
    await expect(backup(file, copy)).rejects.toThrow("already exists");
  });

  test.each([
    ["I3", "UPDATE runs SET fence = 7"],
    ["I4", "UPDATE deliveries SET state = 'pending'; DELETE FROM delivery_bodies"],
    ["I16", "UPDATE issues SET state = 'done'"],
    ["I19", "UPDATE issues SET waits_for = NULL; UPDATE runs SET state = 'ended'; DELETE FROM outbox"],
    [
      "I1",
      "DROP INDEX runs_one_active; INSERT INTO runs (id, issue, number, type, state, fence, queued_at) SELECT 'x', issue, 9, type, 'running', 9, 0 FROM runs",
    ],
  ])("check finds a broken %s", async (invariant, damage) => {
    await open({
      performRun: async (handle) =>
        await new Promise((_, reject) =>
          handle.signal.addEventListener("abort", () => reject(new Error("stop"))),
        ),
    });
    await engine?.record(issueOf("a"), [script({ run: "implementation" })], ORIGIN);
    const answer = engine?.accept(delivery("d1", {}));
    await clock.settle();
    await answer;
    await stop();
    expect(check(file, clock.now())).toEqual([]);
    const db = new Sqlite(file);
    db.exec(damage);
    db.close();
    expect(check(file, clock.now()).map((finding) => finding.invariant)).toContain(invariant);
  });

  test("old bodies go first, then the deliveries; what is pending stays; the id is known until then", async () => {
    const day = 86_400_000;
    await open();
    const answer = engine?.accept(delivery("old", { ignored: "x" }));
    await clock.settle();
    await answer;
    clock.jump(13 * day);
    await clock.advance(650_000);
    expect(await engine?.views.deliveryBody("test", "old")).not.toBeNull();
    clock.jump(day);
    await clock.advance(650_000);
    expect(await engine?.views.deliveryBody("test", "old")).toBeNull();
    const again = engine?.accept(delivery("old", { ignored: "x" }));
    await clock.settle();
    expect(await again).toBe("duplicate");
  });

  test("prune removes what is older than its limit, and refuses while the relay runs", async () => {
    await open();
    const answer = engine?.accept(delivery("old", { ignored: "x" }));
    await clock.settle();
    await answer;
    const { storage } = engineParts(clock).settings;
    expect(() => prune(file, storage, clock, 1)).toThrow(AlreadyRunning);
    await stop();
    clock.jump(100 * 86_400_000);
    expect(prune(file, storage, clock, 1)).toMatchObject({ "delivery bodies": 1, deliveries: 1 });
    const views = openViews(file, clock);
    expect((await views.deliveries({ state: null, source: null }, PAGE)).items).toEqual([]);
    expect((await views.counts()).deliveries).toEqual({});
    await views.close();
  });
});

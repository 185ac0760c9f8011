import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type Database from "better-sqlite3";
import type { Facts } from "../../../factory/facts/facts.ts";
import { TERMINAL } from "../../../factory/facts/state.ts";
import type { Clock } from "../../../lib/clock.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import type { EngineSettings } from "../../engine.ts";
import { openWriter } from "./connection.ts";
import { absent, backupsOf, damaged, PARTIAL, tellingDamage, toldAsDamage } from "./damage.ts";
import { DatabaseDamaged } from "./errors.ts";
import { lockFileOf, readDatabase } from "./read-only.ts";
import { takeLock } from "./lock.ts";
import { packagedMigrations, refuseOthers } from "./migrate.ts";
import { keepings, pruneAll } from "../loops/retention.ts";
import { Sqlite } from "./sqlite.ts";
import { createStore } from "./store.ts";

const BACKUP_PAGES = 500;
const CHECK_BATCH = 500;
/** The states that end an issue, for SQL. */
const ENDED = [...TERMINAL].map((state) => `'${state}'`).join(", ");

/** Something that `check` found wrong, with the invariant it breaks (docs/reliability.md). */
export interface Finding {
  readonly invariant: string;
  readonly detail: string;
}

/**
 * Writes a whole, consistent copy of the database to `target` (mode 0600), also while the relay runs. It has that name
 * only once it is whole. Makes no folder but `backups/` beside the database: one that is missing may be a disk that is
 * not mounted. Throws when `target` exists already or its folder does not, and NoDatabase when there is nothing to copy.
 */
export async function backup(file: string, target: string): Promise<{ readonly bytes: number }> {
  const reading = readDatabase(file, "auto");
  try {
    const folder = dirname(target);
    if (folder === backupsOf(file) && !existsSync(folder)) mkdirSync(folder, { mode: 0o700 });
    if (!existsSync(folder) || !statSync(folder).isDirectory()) {
      throw new Error(
        `there is no folder ${folder}: nothing was written. Mount its disk, or make the folder, and try again`,
      );
    }
    refuseExisting(target);
    return await copyTo(reading.db, file, target);
  } finally {
    reading.close();
  }
}

async function copyTo(
  db: Database.Database,
  file: string,
  target: string,
): Promise<{ readonly bytes: number }> {
  const partial = `${target}${PARTIAL}`;
  const remove = (): void => {
    for (const part of [partial, `${partial}-wal`, `${partial}-shm`, `${partial}-journal`])
      rmSync(part, { force: true });
  };
  // What a killed one left.
  remove();
  try {
    const { totalPages } = await db.backup(partial, {
      progress: () => {
        failpoint("backup.mid");
        return BACKUP_PAGES;
      },
    });
    chmodSync(partial, 0o600);
    // A copy of damage would be found out on the day that it is needed.
    refuseDamaged(file, partial);
    refuseExisting(target);
    renameSync(partial, target);
    return { bytes: totalPages * Number(db.pragma("page_size", { simple: true })) };
  } catch (error) {
    throw toldAsDamage(file, error);
  } finally {
    remove();
  }
}

function refuseExisting(target: string): void {
  if (existsSync(target)) throw new Error(`${target} already exists; name a new file`);
}

function refuseDamaged(file: string, copy: string): void {
  const db = new Sqlite(copy);
  try {
    const findings = db.prepare<[], string>("PRAGMA quick_check(1)").pluck().all();
    if (findings.some((finding) => finding !== "ok")) throw damaged(file, findings.join("; "));
  } finally {
    db.close();
  }
}

/**
 * Reads the whole database: SQLite's own check, then our invariants. Empty = sound. Changes nothing. Throws NoDatabase
 * when there is none; one that cannot even be opened is a finding.
 */
export function check(file: string, now: number): readonly Finding[] {
  try {
    return tellingDamage(file, () => findings(file, now));
  } catch (error) {
    if (error instanceof DatabaseDamaged) return [{ invariant: "integrity", detail: error.message }];
    throw error;
  }
}

function findings(file: string, now: number): readonly Finding[] {
  const reading = readDatabase(file, "auto");
  try {
    refuseOthers(reading.db, file, packagedMigrations());
    const integrity = reading.db.prepare<[], string>("PRAGMA integrity_check(20)").pluck().all();
    return [
      ...integrity.filter((line) => line !== "ok").map((detail) => ({ invariant: "integrity", detail })),
      ...reading.db
        .prepare<[], { table: string; rowid: number; parent: string }>("PRAGMA foreign_key_check")
        .all()
        .map(({ table, rowid, parent }) => ({
          invariant: "integrity",
          detail: `${table} row ${rowid} refers to a missing row of ${parent}`,
        })),
      ...checkInvariants(reading.db, now),
    ];
  } finally {
    reading.close();
  }
}

/** I1, I3, I4, I16, I18 and I19 over all rows (docs/reliability.md). */
export function checkInvariants(db: Database.Database, now: number): readonly Finding[] {
  const rows = (sql: string): readonly { name: string }[] => db.prepare<[], { name: string }>(sql).all();
  const found: Finding[] = [
    ...rows("SELECT issue AS name FROM runs WHERE state <> 'ended' GROUP BY issue HAVING count(*) > 1").map(
      ({ name }) => ({ invariant: "I1", detail: `${name} has more than one active run` }),
    ),
    ...rows(
      `SELECT source || ':' || delivery_id AS name FROM deliveries d
       WHERE state = 'pending' AND d.seq >= coalesce(
         (SELECT p.first + p.count FROM delivery_bodies p WHERE p.first <= d.seq ORDER BY p.first DESC LIMIT 1), 0) LIMIT 100`,
    ).map(({ name }) => ({ invariant: "I4", detail: `delivery ${name} was accepted but its body is gone` })),
    ...rows(
      `SELECT r.id AS name FROM runs r JOIN issues i ON i.id = r.issue
       WHERE r.state = 'running' AND i.state IN (${ENDED}) LIMIT 100`,
    ).map(({ name }) => ({
      invariant: "I16",
      detail: `run ${name} is active although its issue has ended`,
    })),
    ...rows(
      `SELECT t.issue AS name FROM timers t JOIN issues i ON i.id = t.issue
       WHERE i.state IN (${ENDED}) LIMIT 100`,
    ).map(({ name }) => ({ invariant: "I16", detail: `${name} has ended but still has a timer` })),
    ...rows(
      `SELECT id AS name FROM issues i WHERE state NOT IN (${ENDED}) AND waits_for IS NULL AND until IS NULL
       AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.issue = i.id AND r.state <> 'ended')
       AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.issue = i.id AND o.state IN ('pending', 'doing')) LIMIT 100`,
    ).map(({ name }) => ({ invariant: "I19", detail: `${name} does not say what it is waiting for` })),
    ...db
      .prepare<[number], { name: string }>(`SELECT issue AS name FROM timers WHERE at < ? LIMIT 100`)
      .all(now - 24 * 3_600_000)
      .map(({ name }) => ({ invariant: "I18", detail: `the timer of ${name} should have fired a day ago` })),
  ];
  return [...found, ...checkRunsAgainstFacts(db)];
}

// I3: what is counted as spent must be what the facts tell, run by run.
function checkRunsAgainstFacts(db: Database.Database): readonly Finding[] {
  const issues = db.prepare<[number, number], { seq: number; id: string; facts: string }>(
    "SELECT seq, id, facts FROM issues WHERE seq > ? ORDER BY seq LIMIT ?",
  );
  const runs = db.prepare<[string], { number: number; state: string; fence: number; tokens: number }>(
    "SELECT number, state, fence, input + output AS tokens FROM runs WHERE issue = ? ORDER BY number",
  );
  const found: Finding[] = [];
  let after = 0;
  for (;;) {
    const batch = issues.all(after, CHECK_BATCH);
    for (const { id, facts } of batch) {
      const told = (JSON.parse(facts) as Facts).runs.map((run) => ({
        number: run.number,
        state: run.state,
        fence: run.fence,
        tokens: run.spent.input + run.spent.output,
      }));
      const kept = runs.all(id);
      if (JSON.stringify(told) !== JSON.stringify(kept)) {
        found.push({ invariant: "I3", detail: `the runs of ${id} do not match its facts` });
      }
    }
    after = batch.at(-1)?.seq ?? after;
    if (batch.length < CHECK_BATCH || found.length > CHECK_BATCH) return found;
  }
}

/**
 * Removes what is older than its limit, with the relay down (it prunes by itself while it runs). Returns how
 * many rows of each kind went. Throws AlreadyRunning when the relay runs.
 */
export function prune(
  file: string,
  storage: EngineSettings["storage"],
  clock: Clock,
  pid: number,
): Readonly<Record<string, number>> {
  if (!existsSync(file)) throw absent(file, null);
  const lock = takeLock(lockFileOf(file), { pid, at: clock.now() });
  try {
    const store = createStore(openWriter(file, null));
    try {
      refuseOthers(store.db, file, packagedMigrations());
      const gone = pruneAll(keepings(store, storage), () => clock.now());
      store.db.exec("VACUUM");
      return gone;
    } finally {
      store.close();
    }
  } finally {
    lock.release();
  }
}

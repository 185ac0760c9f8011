import { chmodSync, existsSync } from "node:fs";
import type Database from "better-sqlite3";
import { assert } from "../../../lib/assert.ts";
import { damaged, lossOf, sizeOf, toldAsDamage } from "./damage.ts";
import { readDatabase } from "./read-only.ts";
import { Sqlite } from "./sqlite.ts";

/** Up to this size the whole database is checked at start; above it a check would cost the 2 s of a start. */
const CHECK_UP_TO_BYTES = 64 * 1024 * 1024;
const JOURNAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** Waiting for a lock blocks the event loop, so a busy writer steps back soon and tries again later. */
const BUSY_MS = 250;
/** Pages of 8 KiB. Measured with packed bodies: the mean commit of 250 and of 1,000 differ by a fifth, the worst is 4 ms. */
const CHECKPOINT_PAGES = 1_000;

/**
 * Throws DatabaseDamaged when what lies at `file` is no sound database; looks only, changes nothing.
 * `also` sees the same reading connection (the schema's version is judged before anything is opened to write).
 */
export function examine(file: string, also: (db: Database.Database) => void): void {
  const size = sizeOf(file);
  if (size === 0) {
    const loss = lossOf(file, null);
    if (loss !== null) throw loss;
    return;
  }
  const small = size + sizeOf(`${file}-wal`) <= CHECK_UP_TO_BYTES;
  try {
    const reading = readDatabase(file, small ? "copy" : "live");
    try {
      const findings = reading.db
        .prepare<[], string>(small ? "PRAGMA quick_check(1)" : "SELECT 'ok' FROM sqlite_schema LIMIT 1")
        .pluck()
        .all();
      if (findings.some((finding) => finding !== "ok")) throw damaged(file, findings.join("; "));
      also(reading.db);
    } finally {
      reading.close();
    }
  } catch (error) {
    throw toldAsDamage(file, error);
  }
}

/** Opens the writing connection and sets what durability rests on. */
export function openWriter(file: string, maxPages: number | null): Database.Database {
  const db = new Sqlite(file, { timeout: BUSY_MS });
  try {
    // Page size counts only before the first page is written.
    db.pragma("page_size = 8192");
    db.pragma("journal_mode = WAL");
    db.pragma("synchronous = FULL");
    db.pragma("foreign_keys = ON");
    db.pragma("trusted_schema = OFF");
    db.pragma(`journal_size_limit = ${JOURNAL_LIMIT_BYTES}`);
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    if (maxPages !== null) db.pragma(`max_page_count = ${maxPages}`);
    for (const part of [file, `${file}-wal`, `${file}-shm`]) if (existsSync(part)) chmodSync(part, 0o600);
    return db;
  } catch (error) {
    db.close();
    throw toldAsDamage(file, error);
  }
}

/**
 * Throws unless commits reach the disk. To be called after a write: better-sqlite3 is built so that WAL drops
 * to synchronous=NORMAL at the first write when FULL was only the default.
 */
export function assertDurable(db: Database.Database): void {
  const synchronous = db.pragma("synchronous", { simple: true });
  const journal = db.pragma("journal_mode", { simple: true });
  assert(synchronous === 2, `synchronous is ${String(synchronous)} after a write, not 2 (FULL)`);
  assert(journal === "wal", `journal_mode is ${String(journal)}, not wal`);
}

import { copyFileSync, constants, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type Database from "better-sqlite3";
import { absent, sizeOf, tellingDamage } from "./damage.ts";
import { lockHolder } from "./lock.ts";
import { Sqlite } from "./sqlite.ts";

/** A connection that reads, and what must be cleaned up after it. */
export interface ReadOnlyDatabase {
  readonly db: Database.Database;
  close(): void;
}

/** A database without a log that is at most this large is read in memory; a larger one from a copy. */
const IN_MEMORY_BYTES = 32 * 1024 * 1024;
const COPY_TRIES = 5;
const BUSY_MS = 2_000;

/** Where the relay's lock of a database lies: beside it. */
export function lockFileOf(file: string): string {
  return join(dirname(file), "patchrelay.lock");
}

/**
 * Opens `file` for reading without writing or creating anything beside it. While the relay runs its own
 * log is shared ("live"); otherwise a copy is read, because SQLite makes or folds in log files even for a
 * reader. Throws NoDatabase when there is none, DatabaseDamaged when there should be one or it cannot be read.
 */
export function readDatabase(
  file: string,
  how: "auto" | "copy" | "live",
  lockFile = lockFileOf(file),
): ReadOnlyDatabase {
  const holder = how === "auto" ? lockHolder(lockFile) : null;
  // A relay that starts for the first time has it empty for a moment.
  if (!existsSync(file) || (sizeOf(file) === 0 && holder === null)) throw absent(file, holder);
  return tellingDamage(
    file,
    () => (how === "live" || holder !== null ? openLive(file) : null) ?? openCopy(file),
  );
}

// Null where the log cannot be shared: a read-only folder, or another user's files.
function openLive(file: string): ReadOnlyDatabase | null {
  const db = new Sqlite(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
  try {
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return { db, close: () => db.close() };
  } catch (error) {
    db.close();
    if (error instanceof Sqlite.SqliteError && /^SQLITE_(CANTOPEN|READONLY|PERM)/.test(error.code))
      return null;
    throw error;
  }
}

function openCopy(file: string): ReadOnlyDatabase {
  const wal = `${file}-wal`;
  if (sizeOf(wal) === 0 && sizeOf(file) <= IN_MEMORY_BYTES) {
    const image = readFileSync(file);
    // Bytes 18 and 19 of the header say "has a write-ahead log" (2); an image in memory has none (1).
    if (image.length >= 20 && image[18] === 2) image.fill(1, 18, 20);
    const db = image.length === 0 ? new Sqlite(":memory:") : new Sqlite(image, { readonly: true });
    return { db, close: () => db.close() };
  }
  const folder = mkdtempSync(join(tmpdir(), "patchrelay-read-"));
  try {
    const copy = join(folder, "copy.db");
    let settled = false;
    for (let attempt = 0; attempt < COPY_TRIES && !settled; attempt += 1) {
      const before = fingerprint(file);
      copyFileSync(file, copy, constants.COPYFILE_FICLONE);
      rmSync(`${copy}-wal`, { force: true });
      if (sizeOf(wal) > 0) copyFileSync(wal, `${copy}-wal`, constants.COPYFILE_FICLONE);
      settled = fingerprint(file) === before;
    }
    if (!settled) throw new Error(`${file} kept changing while it was copied for reading; try again`);
    // Not read-only: the copy's log is folded in here, in the temporary folder.
    const db = new Sqlite(copy, { fileMustExist: true });
    return {
      db,
      close() {
        db.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function fingerprint(file: string): string {
  return [file, `${file}-wal`]
    .map((part) => (existsSync(part) ? `${statSync(part).size}:${statSync(part).mtimeMs}` : "none"))
    .join(" ");
}

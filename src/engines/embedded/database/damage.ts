import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { messageOf } from "../../../lib/assert.ts";
import { DatabaseDamaged, NoDatabase } from "./errors.ts";
import { isStorageFault } from "./store.ts";

/** That the database cannot be trusted, with what there is to restore. */
export function damaged(file: string, finding: string): DatabaseDamaged {
  return new DatabaseDamaged(file, `is damaged: ${finding}`, newestBackup(file));
}

/** What is said in place of SQLite's own words when it finds the file damaged; other faults stay as they are. */
export function toldAsDamage(file: string, error: unknown): unknown {
  return isCorruption(error) ? damaged(file, messageOf(error)) : error;
}

/** Runs `read`; what SQLite finds damaged is told as DatabaseDamaged. */
export function tellingDamage<T>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw toldAsDamage(file, error);
  }
}

/**
 * What speaks for a database that is not there, or has nothing in it, having been lost; null = nothing does. `holder`: a
 * process that runs on its folder.
 */
export function lossOf(file: string, holder: { readonly pid: number | null } | null): DatabaseDamaged | null {
  const backup = newestBackup(file);
  const lost = (although: string): DatabaseDamaged =>
    new DatabaseDamaged(file, `is missing or empty, although ${although}`, backup);
  if (holder !== null) return lost(`${holder.pid === null ? "a relay" : `process ${holder.pid}`} runs on it`);
  if (sizeOf(`${file}-wal`) > 0) return lost("its write-ahead log is there");
  return backup === null ? null : lost("it has backups");
}

/** That there is no database: lost, or never made. */
export function absent(
  file: string,
  holder: { readonly pid: number | null } | null,
): DatabaseDamaged | NoDatabase {
  return lossOf(file, holder) ?? new NoDatabase(file);
}

/** Half-written copies are named otherwise (maintenance.ts). */
export const PARTIAL = ".partial";

/** The newest copy in `backups/` beside the database, or null. */
function newestBackup(file: string): string | null {
  const folder = backupsOf(file);
  if (!existsSync(folder)) return null;
  const copies = readdirSync(folder)
    .filter((name) => !name.includes(PARTIAL) && !/-(wal|shm|journal)$/.test(name))
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  return copies[0] ?? null;
}

/** Where copies go that are given no other place. */
export function backupsOf(file: string): string {
  return join(dirname(file), "backups");
}

/** In bytes; 0 = it is not there. */
export function sizeOf(file: string): number {
  return existsSync(file) ? statSync(file).size : 0;
}

function isCorruption(error: unknown): boolean {
  return isStorageFault(error) && /^SQLITE_(CORRUPT|NOTADB)/.test(error.code);
}

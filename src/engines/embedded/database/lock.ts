import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { iso } from "../../../lib/clock.ts";
import { AlreadyRunning } from "./errors.ts";
import { isStorageFault } from "./store.ts";
import { Sqlite } from "./sqlite.ts";

export interface Lock {
  release(): void;
}

/** Long enough for somebody who only looks (`isHeld`), short enough for a person who waits. */
const PATIENCE_MS = 1_000;

/**
 * Takes the data folder for this process, or throws AlreadyRunning. The lock is a transaction held open on a
 * database of its own: the kernel drops it with the process (kill -9, reboot), keeps it while the process is
 * stopped, and it belongs to the inode, so a symlinked folder is the same folder.
 */
export function takeLock(lockFile: string, owner: { readonly pid: number; readonly at: number }): Lock {
  const db = new Sqlite(lockFile, { timeout: PATIENCE_MS });
  try {
    // No journal file: nothing is ever written here, and a left-over one would have to be looked at.
    db.pragma("journal_mode = MEMORY");
    db.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    db.close();
    if (!isStorageFault(error) || !error.code.startsWith("SQLITE_BUSY")) throw error;
    const holder = readOwner(lockFile);
    throw new AlreadyRunning(lockFile, holder?.pid ?? null, holder === null ? null : iso(holder.at));
  }
  chmodSync(lockFile, 0o600);
  // Only for the message of a second process: the lock itself is never judged by it.
  writeFileSync(ownerFile(lockFile), JSON.stringify(owner), { mode: 0o600 });
  return {
    release() {
      if (db.open) db.close();
    },
  };
}

/** The process that holds the lock now, as it named itself; null = nobody holds it. Writes nothing. */
export function lockHolder(lockFile: string): { readonly pid: number | null } | null {
  if (!existsSync(lockFile)) return null;
  const db = new Sqlite(lockFile, { readonly: true, fileMustExist: true, timeout: 0 });
  try {
    db.prepare("SELECT count(*) FROM sqlite_schema").get();
    return null;
  } catch (error) {
    if (isStorageFault(error) && error.code.startsWith("SQLITE_BUSY")) {
      return { pid: readOwner(lockFile)?.pid ?? null };
    }
    throw error;
  } finally {
    db.close();
  }
}

// Beside the lock and not in it: reading the locked file itself by other means and closing it would drop
// POSIX locks of this process.
function ownerFile(lockFile: string): string {
  return `${lockFile}.owner`;
}

function readOwner(lockFile: string): { pid: number; at: number } | null {
  const file = ownerFile(lockFile);
  if (!existsSync(file)) return null;
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as { pid?: unknown; at?: unknown };
    return typeof owner.pid === "number" && typeof owner.at === "number"
      ? { pid: owner.pid, at: owner.at }
      : null;
  } catch (error) {
    // Half-written by an owner that starts this very moment: it has no readable name yet.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

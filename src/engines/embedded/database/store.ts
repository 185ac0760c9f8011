import type Database from "better-sqlite3";
import { assert, messageOf } from "../../../lib/assert.ts";
import { NotDurable } from "../../engine.ts";
import { StorageFault } from "./errors.ts";
import type { FilesWatch } from "./files.ts";

/** The one writing connection: every change of the database goes through `write`. */
export interface Store {
  readonly db: Database.Database;
  /** Runs `work` in BEGIN IMMEDIATE … COMMIT. What was registered with `afterCommit` runs once it is durable. */
  write<T>(work: () => T): T;
  /** Inside `write`: runs `work` in a savepoint; a fault of the work is returned, a fault of the storage thrown. */
  attempt<T>(work: () => T): Attempt<T>;
  /** Inside `write`: does `act` after the commit, and never when it is rolled back. */
  afterCommit(act: () => void): void;
  /** Why commits fail at present, or would be lost; null = the last one held. */
  fault(): string | null;
  /** Set once an fsync failed: what the disk holds is then unknown, and only a new process may go on. */
  broken(): boolean;
  /** Resolves with why as soon as it is broken. */
  readonly breaking: Promise<string>;
  close(): void;
}

/** What is said of every write once the disk has failed to keep one. */
export const BROKEN = "a write to disk failed: restart the relay once the disk works again";

type Attempt<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

const STORAGE_CODES =
  /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM|CORRUPT|NOTADB|PROTOCOL|PERM|AUTH)/;

/** Whether the storage failed (disk full, busy, I/O, gone), and not what was asked of it. */
export function isStorageFault(error: unknown): error is Error & { readonly code: string } {
  if (error instanceof StorageFault) return true;
  // By its name: in the bundled command the driver is there twice, and each has a class of its own.
  if (!(error instanceof Error) || error.name !== "SqliteError") return false;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && STORAGE_CODES.test(code);
}

/** Does what somebody outside waits for: a fault of the storage is told them as `NotDurable`. */
export function durably<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw isStorageFault(error) ? new NotDurable(messageOf(error), { cause: error }) : error;
  }
}

/** Wraps a prepared connection (connection.ts). `files`: null = it is a database that nobody else knows. */
export function createStore(db: Database.Database, files: FilesWatch | null = null): Store {
  let hooks: (() => void)[] = [];
  let fault: string | null = null;
  let broken = false;
  let tell: (why: string) => void = () => undefined;
  const breaking = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const begin = db.prepare("BEGIN IMMEDIATE");
  const commit = db.prepare("COMMIT");
  const rollback = db.prepare("ROLLBACK");
  const savepoint = db.prepare("SAVEPOINT attempt");
  const release = db.prepare("RELEASE attempt");
  const undo = db.prepare("ROLLBACK TO attempt");

  return {
    db,
    write(work) {
      assert(!db.inTransaction, "a write was begun inside another write");
      if (broken) throw new StorageFault("DISK_BROKEN", BROKEN);
      hooks = [];
      let value;
      try {
        begin.run();
        value = work();
        const lost = files?.lost() ?? null;
        if (lost !== null) throw new StorageFault("FILES_LOST", lost);
        commit.run();
      } catch (error) {
        hooks = [];
        // SQLite has already rolled back by itself after some faults (disk full, I/O).
        if (db.inTransaction) rollback.run();
        if (isStorageFault(error)) {
          fault = error instanceof StorageFault ? error.message : `${error.code}: ${messageOf(error)}`;
          if (error.code === "SQLITE_IOERR_FSYNC" || error.code === "SQLITE_IOERR_DIR_FSYNC") {
            broken = true;
            tell(`${fault}: ${BROKEN}`);
          }
        }
        throw error;
      }
      fault = null;
      const acts = hooks;
      hooks = [];
      for (const act of acts) act();
      return value;
    },
    attempt(work) {
      const kept = hooks.length;
      savepoint.run();
      try {
        const value = work();
        release.run();
        return { ok: true, value };
      } catch (error) {
        if (isStorageFault(error) || !db.inTransaction) throw error;
        undo.run();
        release.run();
        hooks.length = kept;
        return { ok: false, error };
      }
    },
    afterCommit(act) {
      assert(db.inTransaction, "afterCommit outside a write");
      hooks.push(act);
    },
    fault: () => files?.lost() ?? fault,
    broken: () => broken,
    breaking,
    close: () => {
      db.close();
    },
  };
}

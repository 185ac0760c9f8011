import { statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { messageOf } from "../../../lib/assert.ts";

/** Whether the files that were opened are still the ones that a next process would open. */
export interface FilesWatch {
  /** What is wrong and what to do about it, in one line; null = they are all in place. */
  lost(): string | null;
}

/**
 * Remembers which files lie now at the names of the database, its log and the lock. An open file goes on taking writes
 * after it was deleted, moved or replaced, but nobody will find them after a restart, and without the lock's own file
 * a second relay could start.
 */
export function watchFiles(file: string, lockFile: string): FilesWatch {
  const watched = [file, `${file}-wal`, `${file}-shm`, lockFile].map((path) => ({ path, was: look(path) }));
  return {
    lost() {
      for (const { path, was } of watched) {
        const is = look(path);
        if (is.code !== null || is.ino !== was.ino || is.dev !== was.dev)
          return describe(path, is.code, path === file);
      }
      return null;
    },
  };
}

/** The file at a path by device and number, or why it could not be looked at. */
interface Look {
  readonly dev: number;
  readonly ino: number;
  readonly code: string | null;
}

function look(path: string): Look {
  try {
    const { dev, ino } = statSync(path);
    return { dev, ino, code: null };
  } catch (error) {
    return { dev: 0, ino: 0, code: (error as NodeJS.ErrnoException).code ?? messageOf(error) };
  }
}

function describe(path: string, code: string | null, isDatabase: boolean): string {
  const name = basename(path);
  if (code === null) return `${name} in the data folder is not the file that this relay opened: ${RESTART}`;
  if (code !== "ENOENT") return `cannot access ${name} in the data folder (${code}): ${PUT_BACK}`;
  if (look(dirname(path)).code === "ENOENT") return `the data folder is gone: ${PUT_BACK}`;
  return `${name} is gone from the data folder: ${isDatabase ? PUT_BACK : RESTART}`;
}

const NOTHING_MORE = "refusing new work, because it would be lost";
const PUT_BACK = `${NOTHING_MORE}. Put it back as it was (mount the disk, move it back), or stop the relay, restore a backup and start it`;
// What is only in the log goes into the database when the relay stops, as long as it is not killed.
const RESTART = `${NOTHING_MORE}. Restart the relay, with SIGTERM and not with kill -9`;

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { messageOf } from "../../../lib/assert.ts";
import { Sqlite } from "./sqlite.ts";

/**
 * Whether a database with a write-ahead log can be kept in `folder`; null = it can, else why not. Network file
 * systems are where it cannot. Leaves nothing behind.
 */
export function probeFolder(folder: string): string | null {
  let place: string | null = null;
  try {
    place = mkdtempSync(join(folder, ".probe-"));
    const db = new Sqlite(join(place, "probe.db"));
    try {
      const mode = db.pragma("journal_mode = WAL", { simple: true });
      if (mode !== "wal") return `SQLite cannot use a write-ahead log there (journal mode ${String(mode)})`;
      db.exec("CREATE TABLE probe (value TEXT); INSERT INTO probe VALUES ('written')");
      return null;
    } finally {
      db.close();
    }
  } catch (error) {
    return messageOf(error);
  } finally {
    if (place !== null) rmSync(place, { recursive: true, force: true });
  }
}

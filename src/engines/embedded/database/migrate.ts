import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type Database from "better-sqlite3";
import { assert } from "../../../lib/assert.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import { DatabaseNewer } from "./errors.ts";

/** One step of the schema: `migrations/0001-inbox.sql` has number 1 and name `0001-inbox`. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

/** The migrations that belong to this program, from the package's own folder, in order. */
export function packagedMigrations(): readonly Migration[] {
  return readMigrations(join(packageRoot(dirname(fileURLToPath(import.meta.url))), "migrations"));
}

/** The migrations in `folder`, in order; throws when a number is missing or doubled. */
export function readMigrations(folder: string): readonly Migration[] {
  const found = readdirSync(folder)
    .filter((file) => file.endsWith(".sql"))
    .toSorted()
    .map((file) => ({
      number: Number(file.slice(0, 4)),
      name: file.slice(0, -".sql".length),
      sql: readFileSync(join(folder, file), "utf8"),
    }));
  for (const [index, migration] of found.entries()) {
    assert(
      migration.number === index + 1,
      `migration ${migration.name} is where number ${index + 1} is expected; numbers must have no gaps`,
    );
  }
  return found;
}

/** The schema a database is at; 0 = new. */
export function schemaOf(db: Database.Database): number {
  return db.pragma("user_version", { simple: true }) as number;
}

/** Throws DatabaseNewer when the database is ahead of `migrations`. */
export function refuseNewer(db: Database.Database, file: string, migrations: readonly Migration[]): void {
  const found = schemaOf(db);
  if (found > migrations.length) throw new DatabaseNewer(file, found, migrations.length);
}

/**
 * Brings the database forward, each step in a transaction of its own with its ledger row first, so that a
 * kill leaves a whole step or none. Forward only. Returns the names of the steps taken.
 */
export function migrate(
  db: Database.Database,
  file: string,
  migrations: readonly Migration[],
  now: number,
): readonly string[] {
  refuseNewer(db, file, migrations);
  const taken: string[] = [];
  for (const migration of migrations) {
    const step = db.transaction(() => {
      // Asked again inside the transaction: the answer before it may be old.
      if (schemaOf(db) >= migration.number) return false;
      db.exec(
        "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT",
      );
      db.prepare("INSERT INTO migrations (number, name, applied_at) VALUES (?, ?, ?)").run(
        migration.number,
        migration.name,
        now,
      );
      db.exec(migration.sql);
      db.pragma(`user_version = ${migration.number}`);
      failpoint(`migrate.${migration.name}`);
      return true;
    });
    if (step.immediate()) taken.push(migration.name);
  }
  return taken;
}

// Works from src/engines/embedded and from the bundle's dist/chunks alike.
function packageRoot(from: string): string {
  let folder = from;
  while (!(existsSync(join(folder, "package.json")) && existsSync(join(folder, "migrations")))) {
    const parent = dirname(folder);
    assert(parent !== folder, `no folder above ${from} contains package.json and migrations/`);
    folder = parent;
  }
  return folder;
}

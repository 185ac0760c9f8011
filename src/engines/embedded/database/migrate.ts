import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type Database from "better-sqlite3";
import { FACTS_VERSION } from "../../../factory/facts/facts.ts";
import { assert } from "../../../lib/assert.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import { sha256 } from "../../../lib/ids.ts";
import { DatabaseForeign, DatabaseNewer } from "./errors.ts";

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

/** By what a database was made: each step with a digest of its text, and the version of the facts kept since. */
const LEDGER = `CREATE TABLE IF NOT EXISTS migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  digest TEXT NOT NULL,
  facts INTEGER NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT`;

/** The schema a database is at; 0 = new. */
export function schemaOf(db: Database.Database): number {
  return db.pragma("user_version", { simple: true }) as number;
}

/**
 * Throws DatabaseNewer when the database is ahead of `migrations`, and DatabaseForeign when it did not come to where it is
 * by them: their texts and the version of the facts are in its ledger.
 */
export function refuseOthers(db: Database.Database, file: string, migrations: readonly Migration[]): void {
  const found = schemaOf(db);
  if (found > migrations.length) throw new DatabaseNewer(file, found, migrations.length);
  const finding = foreignness(db, found, migrations);
  if (finding !== null) throw new DatabaseForeign(file, finding);
}

interface LedgerRow {
  readonly number: number;
  readonly name: string;
  readonly digest: string;
  readonly facts: number;
}

/** What of a database at schema `found` is not of this program; null = nothing. */
function foreignness(db: Database.Database, found: number, migrations: readonly Migration[]): string | null {
  const tables = db.prepare("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").pluck().get();
  if (found === 0) return tables === 0 ? null : "it holds tables, but not the relay's";
  const columns = db.prepare("SELECT name FROM pragma_table_info('migrations')").pluck().all();
  if (!columns.includes("digest")) return "it has no migration history";
  const ledger = db
    .prepare<[number], LedgerRow>(
      "SELECT number, name, digest, facts FROM migrations WHERE number <= ? ORDER BY number",
    )
    .all(found);
  for (const [index, migration] of migrations.slice(0, found).entries()) {
    const row = ledger[index];
    if (row?.name !== migration.name) return `migration ${migration.name} is not in its ledger`;
    if (row.digest !== digestOf(migration))
      return `its migration ${migration.name} is not the one of this program`;
  }
  const facts = ledger.at(-1)?.facts ?? FACTS_VERSION;
  // What is at an older schema is brought forward, and what it keeps of facts with it.
  if (found < migrations.length || facts === FACTS_VERSION) return null;
  return `its facts are of version ${facts}, and this program's of version ${FACTS_VERSION}`;
}

function digestOf({ sql }: Migration): string {
  return sha256(sql);
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
  refuseOthers(db, file, migrations);
  const taken: string[] = [];
  for (const migration of migrations) {
    const step = db.transaction(() => {
      // Asked again inside the transaction: the answer before it may be old.
      if (schemaOf(db) >= migration.number) return false;
      db.exec(LEDGER);
      db.prepare(
        "INSERT INTO migrations (number, name, digest, facts, applied_at) VALUES (?, ?, ?, ?, ?)",
      ).run(migration.number, migration.name, digestOf(migration), FACTS_VERSION, now);
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

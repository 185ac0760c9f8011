import type { Clock } from "../../../lib/clock.ts";
import type { Views } from "../../engine.ts";
import { packagedMigrations, refuseNewer, schemaOf } from "../database/migrate.ts";
import { lockFileOf, readDatabase } from "../database/read-only.ts";
import { createViews } from "./views.ts";

/**
 * Reads a database for people, with the relay up or down, also after a crash and in a read-only folder;
 * creates and writes nothing beside it. `close` removes what was copied. Throws NoDatabase when there is
 * none, DatabaseNewer when this program is too old for it.
 */
export function openViews(file: string, clock: Pick<Clock, "now">, lockFile = lockFileOf(file)): Views {
  const reading = readDatabase(file, "auto", lockFile);
  try {
    const migrations = packagedMigrations();
    refuseNewer(reading.db, file, migrations);
    if (schemaOf(reading.db) < migrations.length) {
      throw new Error(
        `${file} was written by an older patchrelay; start the relay once with this version to migrate it`,
      );
    }
    return createViews(
      reading,
      () => clock.now(),
      null,
      () => reading.close(),
    );
  } catch (error) {
    reading.close();
    throw error;
  }
}

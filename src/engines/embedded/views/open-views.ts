import type { Clock } from "../../../lib/clock.ts";
import type { Views } from "../../engine.ts";
import { tellingDamage, toldAsDamage } from "../database/damage.ts";
import { packagedMigrations, refuseOthers, schemaOf } from "../database/migrate.ts";
import { lockFileOf, readDatabase } from "../database/read-only.ts";
import { createViews } from "./views.ts";

/**
 * Reads a database for people, with the relay up or down, also after a crash and in a read-only folder;
 * creates and writes nothing beside it. `close` removes what was copied. Throws NoDatabase when there is
 * none, DatabaseNewer when this program is too old for it, DatabaseForeign when another build made it, DatabaseDamaged, also later, when it cannot be read.
 */
export function openViews(file: string, clock: Pick<Clock, "now">, lockFile = lockFileOf(file)): Views {
  const reading = readDatabase(file, "auto", lockFile);
  try {
    const migrations = packagedMigrations();
    tellingDamage(file, () => refuseOthers(reading.db, file, migrations));
    if (schemaOf(reading.db) < migrations.length) {
      throw new Error(
        `${file} was written by an older patchrelay; start the relay once with this version to migrate it`,
      );
    }
    const views = tellingDamage(file, () =>
      createViews(
        reading,
        () => clock.now(),
        null,
        () => reading.close(),
      ),
    );
    return tellingLater(file, views);
  } catch (error) {
    reading.close();
    throw error;
  }
}

/** A part of the file that nobody has read before may be the damaged one. */
function tellingLater(file: string, views: Views): Views {
  const methods = Object.entries(views) as [string, (...given: unknown[]) => Promise<unknown>][];
  const told = methods.map(([name, read]) => {
    const tellingRead = async (...given: unknown[]): Promise<unknown> => {
      try {
        return await read(...given);
      } catch (error) {
        throw toldAsDamage(file, error);
      }
    };
    return [name, tellingRead] as const;
  });
  return Object.fromEntries(told) as unknown as Views;
}

import type { Clock } from "../../../lib/clock.ts";
import type { Vault } from "../../../lib/secrets/vault.ts";
import { durably } from "../database/store.ts";
import type { Store } from "../database/store.ts";

/** What an owner keeps, by name. */
export function sealedRecords(db: Store["db"]): (owner: string) => readonly SealedRecord[] {
  const list = db.prepare<[string], SealedRecord>(
    "SELECT name, sealed FROM vault WHERE owner = ? ORDER BY name",
  );
  return (owner) => list.all(owner);
}

interface SealedRecord {
  readonly name: string;
  readonly sealed: Buffer;
}

/** Sealed records in the database. */
export function vaultRows(store: Pick<Store, "db" | "write">, clock: Clock): Vault {
  const { db } = store;
  const list = sealedRecords(db);
  const put = db.prepare<[string, string, Uint8Array, number]>(
    `INSERT INTO vault (owner, name, sealed, written_at) VALUES (?, ?, ?, ?)
     ON CONFLICT (owner, name) DO UPDATE SET sealed = excluded.sealed, written_at = excluded.written_at`,
  );
  const take = db
    .prepare<[string, string], Buffer>("DELETE FROM vault WHERE owner = ? AND name = ? RETURNING sealed")
    .pluck();
  return {
    list: async (owner) => list(owner),
    async put(owner, name, sealed) {
      durably(() => store.write(() => put.run(owner, name, sealed, clock.now())));
    },
    take: async (owner, name) => durably(() => store.write(() => take.get(owner, name) ?? null)),
  };
}

import type { Store } from "./store.ts";

/** Single values about the relay as a whole. */
export interface Meta {
  get(name: string): string | null;
  /** Inside a write. */
  set(name: string, value: string): void;
  /** Inside a write. */
  remove(name: string): void;
}

export function createMeta({ db }: Pick<Store, "db">): Meta {
  const get = db.prepare<[string], string>("SELECT value FROM meta WHERE name = ?").pluck();
  const set = db.prepare<[string, string]>(
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  const remove = db.prepare<[string]>("DELETE FROM meta WHERE name = ?");
  return {
    get: (name) => get.get(name) ?? null,
    set(name, value) {
      set.run(name, value);
    },
    remove(name) {
      remove.run(name);
    },
  };
}

import type { Store } from "./store.ts";

/** Single values about the relay as a whole. */
export interface Meta {
  get(name: string): string | null;
  /** Inside a write. */
  set(name: string, value: string): void;
}

export function createMeta({ db }: Pick<Store, "db">): Meta {
  const get = db.prepare<[string], string>("SELECT value FROM meta WHERE name = ?").pluck();
  const set = db.prepare<[string, string]>(
    "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
  );
  return {
    get: (name) => get.get(name) ?? null,
    set(name, value) {
      set.run(name, value);
    },
  };
}

import type { Vault } from "../src/lib/secrets/vault.ts";

/** A vault in memory. */
export interface MemoryVault extends Vault {
  /** All that is sealed in it. */
  rows(): readonly Uint8Array[];
  /** Puts a record where none of its owners did. */
  place(owner: string, name: string, sealed: Uint8Array): void;
  /** Whether it takes nothing for now. */
  full: boolean;
}

export function memoryVault(): MemoryVault {
  const kept = new Map<string, Map<string, Uint8Array>>();
  const of = (owner: string): Map<string, Uint8Array> => {
    const there = kept.get(owner) ?? new Map<string, Uint8Array>();
    kept.set(owner, there);
    return there;
  };
  const vault: MemoryVault = {
    full: false,
    rows: () => [...kept.values()].flatMap((records) => [...records.values()]),
    place(owner, name, sealed) {
      of(owner).set(name, sealed);
    },
    list: async (owner) => [...of(owner)].map(([name, sealed]) => ({ name, sealed })),
    async put(owner, name, sealed) {
      if (vault.full) throw new Error("no space left on the disk");
      of(owner).set(name, sealed);
    },
    async take(owner, name) {
      const sealed = of(owner).get(name) ?? null;
      of(owner).delete(name);
      return sealed;
    },
  };
  return vault;
}

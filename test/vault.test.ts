import { describe, expect, test } from "vitest";
import { systemRandomness } from "../src/lib/ids.ts";
import { Secret } from "../src/lib/secrets/secret.ts";
import { sealedVault } from "../src/lib/secrets/vault.ts";
import type { Vault } from "../src/lib/secrets/vault.ts";

interface Shelf extends Vault {
  readonly rows: Map<string, Uint8Array>;
}

function shelf(): Shelf {
  const rows = new Map<string, Uint8Array>();
  const at = (owner: string, name: string): string => `${owner} ${name}`;
  return {
    rows,
    list: async (owner) =>
      [...rows].flatMap(([place, sealed]) =>
        place.startsWith(`${owner} `) ? [{ name: place.slice(owner.length + 1), sealed }] : [],
      ),
    async put(owner, name, sealed) {
      rows.set(at(owner, name), sealed);
    },
    async take(owner, name) {
      const sealed = rows.get(at(owner, name)) ?? null;
      rows.delete(at(owner, name));
      return sealed;
    },
  };
}

const key = (digit: string): Secret => new Secret(digit.repeat(64));
const open = (vault: Vault, current: Secret, previous: Secret | null = null) =>
  sealedVault(vault, { current, previous }, systemRandomness);

describe("a sealed vault", () => {
  test("gives back what was put, and keeps nothing in the clear", async () => {
    const vault = shelf();
    const sealed = open(vault, key("a"));
    await sealed.put("linear", "one", "lin_refresh_canary ✓");
    await sealed.put("linear", "one", "lin_refresh_canary ✓ again");
    await sealed.put("other", "one", "not listed");
    expect(await sealed.list("linear")).toEqual([{ name: "one", text: "lin_refresh_canary ✓ again" }]);
    for (const bytes of vault.rows.values())
      expect(Buffer.from(bytes).toString("latin1")).not.toContain("canary");
    expect(await sealed.take("linear", "one")).toBe("lin_refresh_canary ✓ again");
    expect(await sealed.take("linear", "one")).toBeNull();
  });

  test("the same text is never sealed the same way twice", async () => {
    const vault = shelf();
    const sealed = open(vault, key("a"));
    await sealed.put("linear", "one", "same");
    await sealed.put("linear", "two", "same");
    const [one, two] = [...vault.rows.values()];
    expect(Buffer.from(one ?? []).equals(Buffer.from(two ?? []))).toBe(false);
  });

  test("a record opens only where it was put, unchanged, and with its key", async () => {
    const vault = shelf();
    await open(vault, key("a")).put("linear", "one", "text");
    const [sealed = new Uint8Array()] = vault.rows.values();
    const elsewhere = open(vault, key("a"));
    vault.rows.set("linear two", sealed);
    expect(await elsewhere.take("linear", "two")).toBeNull();
    for (const place of [0, 1, 13, 29, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed);
      changed[place] = (changed[place] ?? 0) ^ 1;
      vault.rows.set("linear one", changed);
      expect(await elsewhere.list("linear"), `byte ${place}`).toEqual([{ name: "one", text: null }]);
    }
    vault.rows.set("linear one", sealed.subarray(0, 20));
    expect(await elsewhere.list("linear")).toEqual([{ name: "one", text: null }]);
    vault.rows.set("linear one", sealed);
    expect(await open(vault, key("b")).list("linear")).toEqual([{ name: "one", text: null }]);
    expect(await elsewhere.list("linear")).toEqual([{ name: "one", text: "text" }]);
  });

  test("after a rotation the previous key still opens, and the next list seals with the current one", async () => {
    const vault = shelf();
    await open(vault, key("a")).put("linear", "one", "text");
    expect(await open(vault, key("b"), key("a")).list("linear")).toEqual([{ name: "one", text: "text" }]);
    expect(await open(vault, key("b")).list("linear")).toEqual([{ name: "one", text: "text" }]);
    expect(await open(vault, key("a")).list("linear")).toEqual([{ name: "one", text: null }]);
  });
});

import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Randomness } from "../ids.ts";
import type { Secret } from "./secret.ts";

/** Where sealed records are kept beyond the process. It sees bytes, never what is in them. */
export interface Vault {
  /** All that an owner keeps, by name. */
  list(owner: string): Promise<readonly { readonly name: string; readonly sealed: Uint8Array }[]>;
  /** Durable once it resolves; replaces what was there. */
  put(owner: string, name: string, sealed: Uint8Array): Promise<void>;
  /** Removes it. Of all who take the same record one gets it; null = it is not there, or no longer. */
  take(owner: string, name: string): Promise<Uint8Array | null>;
}

/** The same records in the clear, for their owner only. */
export interface SealedVault {
  /** Whether it may change anything; if not, `put` and `take` reject. */
  readonly writable: boolean;
  /** `text` null = it cannot be opened: another key sealed it, or it was changed. */
  list(owner: string): Promise<readonly { readonly name: string; readonly text: string | null }[]>;
  put(owner: string, name: string, text: string): Promise<void>;
  take(owner: string, name: string): Promise<string | null>;
}

/** Keys of 32 bytes as 64 hex digits. */
export interface VaultKeys {
  readonly current: Secret;
  /** Still opens what it has sealed; the next list seals such a record with the current key. */
  readonly previous: Secret | null;
}

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Seals records with AES-256-GCM. Owner and name are authenticated with them, so that a record moved to another place
 * does not open there. Of a vault that can only be listed nothing is changed, also not to seal it with the current key.
 * `keys` null: none is set, so that nothing can be opened or changed; what is there shows all the same.
 */
export function sealedVault(
  vault: Vault | Pick<Vault, "list">,
  keys: VaultKeys | null,
  randomness: Randomness,
): SealedVault {
  const current = keys === null ? null : keyOf(keys.current);
  const all = [current, keys === null || keys.previous === null ? null : keyOf(keys.previous)].filter(
    (key) => key !== null,
  );
  const kept = "put" in vault && current !== null ? vault : null;
  const put = async (owner: string, name: string, text: string): Promise<void> => {
    const key = current ?? unkeyed();
    await writing(kept).put(owner, name, seal(text, placeOf(owner, name), key, randomness));
  };
  return {
    writable: kept !== null,
    put,
    async list(owner) {
      const opened: { name: string; text: string | null }[] = [];
      for (const { name, sealed } of await vault.list(owner)) {
        const found = openWith(all, sealed, placeOf(owner, name));
        if (kept !== null && found !== null && found.key !== current) await put(owner, name, found.text);
        opened.push({ name, text: found?.text ?? null });
      }
      return opened;
    },
    async take(owner, name) {
      const sealed = await writing(kept).take(owner, name);
      return sealed === null ? null : (openWith(all, sealed, placeOf(owner, name))?.text ?? null);
    },
  };
}

function unkeyed(): never {
  throw new Error("nothing is sealed without a key");
}

function writing(vault: Vault | null): Vault {
  if (vault === null) throw new Error("only the running relay changes what it keeps sealed");
  return vault;
}

function keyOf(secret: Secret): Buffer {
  const key = Buffer.from(secret.reveal(), "hex");
  if (key.length !== 32) throw new Error("an encryption key must be 32 bytes as 64 hex digits");
  return key;
}

function placeOf(owner: string, name: string): Buffer {
  return Buffer.from(JSON.stringify([owner, name]), "utf8");
}

function seal(text: string, place: Buffer, key: Buffer, randomness: Randomness): Uint8Array {
  const nonce = randomness.bytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(place);
  const content = Buffer.concat([cipher.update(text, "utf8"), cipher.final()]);
  return Buffer.concat([Buffer.from([VERSION]), nonce, cipher.getAuthTag(), content]);
}

function openWith(
  keys: readonly Buffer[],
  sealed: Uint8Array,
  place: Buffer,
): { readonly text: string; readonly key: Buffer } | null {
  const bytes = Buffer.from(sealed);
  if (bytes.length < 1 + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) return null;
  const nonce = bytes.subarray(1, 1 + NONCE_BYTES);
  const tag = bytes.subarray(1 + NONCE_BYTES, 1 + NONCE_BYTES + TAG_BYTES);
  const content = bytes.subarray(1 + NONCE_BYTES + TAG_BYTES);
  for (const key of keys) {
    const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(place);
    decipher.setAuthTag(tag);
    try {
      return { text: decipher.update(content, undefined, "utf8") + decipher.final("utf8"), key };
    } catch {
      // Not sealed with this key, not for this place, or changed since: which of them nobody can tell.
    }
  }
  return null;
}

import { createHash, randomBytes, randomUUID } from "node:crypto";

/** Randomness, as an argument, for the same reason as Clock. */
export interface Randomness {
  /** A number in [0, 1). */
  fraction(): number;
  /** A UUID version 4. */
  uuid(): string;
  bytes(count: number): Buffer;
}

export const systemRandomness: Randomness = {
  fraction: () => Math.random(),
  uuid: () => randomUUID(),
  bytes: (count) => randomBytes(count),
};

/**
 * The same UUID (shaped like version 4, as Linear's `id` inputs want) for the same key: a retried effect
 * reuses the identity of its first try.
 */
export function uuidFromKey(key: string): string {
  const bytes = createHash("sha256").update(key).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** Lower-case hex SHA-256. */
export function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../../lib/secrets/secret.ts";

/**
 * Which comments are ours. The person of the key writes comments too, so that the author tells nothing: the id does, which
 * is made with the key, and the mark that each begins with, for comments from before the key was replaced.
 */
export interface OwnComments {
  /** The id for what `key` names: the same for the same key. A UUID version 4, as Linear wants it. */
  idFor(key: string): string;
  /** Whether we wrote it, whatever a person has made of its text since. */
  isOurs(comment: { readonly id: string; readonly body: string }): boolean;
}

/** What each of our comments begins with, for people as well. */
export const MARK = "**patchrelay** ·";

// Linear rewrites Markdown, so that the mark is known by its letters. A quotation begins with ">" and is a person's.
const MARKED = /^[\s*_\\]*patchrelay[\s*_\\]*·/i;

const UUID_V4 = /^([0-9a-f]{8})-([0-9a-f]{4})-4([0-9a-f]{3})-([0-9a-f]{4})-([0-9a-f]{12})$/;

/** Comments made with this secret. */
export function ownComments(secret: Secret): OwnComments {
  const digest = (purpose: string, text: string | Buffer): Buffer =>
    createHmac(
      "sha256",
      createHmac("sha256", secret.reveal()).update(`patchrelay comment ${purpose}`).digest(),
    )
      .update(text)
      .digest();
  // The second half proves the first: 62 bits that nobody without the key can guess.
  const tagOf = (first: Buffer): Buffer => {
    const tag = digest("proof", first).subarray(0, 8);
    tag[0] = ((tag[0] ?? 0) & 0x3f) | 0x80;
    return tag;
  };
  return {
    idFor(key) {
      const first = digest("id", key).subarray(0, 8);
      first[6] = ((first[6] ?? 0) & 0x0f) | 0x40;
      const hex = Buffer.concat([first, tagOf(first)]).toString("hex");
      return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join(
        "-",
      );
    },
    isOurs({ id, body }) {
      if (MARKED.test(body)) return true;
      if (!UUID_V4.test(id)) return false;
      const bytes = Buffer.from(id.replaceAll("-", ""), "hex");
      return timingSafeEqual(tagOf(bytes.subarray(0, 8)), bytes.subarray(8));
    },
  };
}

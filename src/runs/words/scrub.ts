import { clip, wellFormed } from "../../lib/text.ts";

/** What a secret of some kind looks like. Global, so that all of a text are found; `search` looks for any. */
export interface SecretForm {
  readonly what: string;
  readonly pattern: RegExp;
}

/** Secrets that neither a change nor anything said to people may hold. */
export const SECRET_FORMS: readonly SecretForm[] = [
  {
    what: "a private key",
    pattern:
      /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|(?![\s\S]))/g,
  },
  {
    what: "a GitHub token",
    pattern: /\b(?:ghp|gho|ghu|ghs|ghr)_[A-Za-z0-9._-]{30,}|\bgithub_pat_[A-Za-z0-9_]{40,}/g,
  },
  { what: "a Linear key", pattern: /\blin_(?:api|oauth|refresh|wh)_[A-Za-z0-9]{20,}/g },
  { what: "an AWS key", pattern: /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/g },
  // Two digits at least: a slug of words is no key.
  { what: "an API key", pattern: /\bsk-(?=(?:[A-Za-z_-]*[0-9]){2})[A-Za-z0-9_-]{32,}/g },
  { what: "a Slack token", pattern: /\bxox[abeprs]-[A-Za-z0-9-]{20,}/g },
];

// Only in words: tests of a repository rightly hold signed tokens that open nothing. Bounded, so that a text made
// of beginnings costs no more than one of ends.
const SIGNED_TOKEN: SecretForm = {
  what: "a signed token",
  pattern: /\beyJ[\w-]{8,4000}\.[\w-]{8,4000}\.[\w-]{8,4000}/g,
};

/** What is shorter stands in ordinary words as well. */
const SHORTEST_OWN = 8;

// A reader's browser fetches these by itself, whatever the address tells its owner. Without an address, in brackets
// behind it or by a reference elsewhere in the text, and without an attribute, they are code more likely than images.
const MARKDOWN_IMAGE = /!(?=\[)/g;
const MARKDOWN_ADDRESS = /\](?:\(|\[|:)/;
const FETCHED_TAG =
  /<(?=(?:audio|base|embed|frame|iframe|image|img|input|link|meta|object|picture|script|source|style|svg|track|video)[\s/][^>]*=)/gi;

/** More than is shown anywhere, and little enough that a hostile text costs milliseconds. */
const LONGEST = 32_000;

/**
 * Makes what an agent says, or a program it could have written prints, fit to leave to people: without what looks like
 * a secret, without our `own`, and with images left as text, so that nobody's browser carries a secret to an address of
 * the agent's choice. A secret in disguise (encoded, cut up) is not recognised. Pure; doing it twice changes nothing.
 */
export function scrubber(own: readonly string[]): (text: string) => string {
  // One may hold another.
  const known = [...new Set(own)]
    .filter((value) => value.length >= SHORTEST_OWN)
    .toSorted((a, b) => b.length - a.length);
  return (text) => {
    const without = known.reduce(
      (rest, value) => rest.replaceAll(value, "[removed: a credential of the relay]"),
      wellFormed(clip(text, LONGEST)),
    );
    const told = [...SECRET_FORMS, SIGNED_TOKEN]
      .reduce((rest, { what, pattern }) => rest.replace(pattern, `[removed: ${what}]`), without)
      .replace(FETCHED_TAG, "< ");
    return MARKDOWN_ADDRESS.test(told) ? told.replace(MARKDOWN_IMAGE, "! ") : told;
  };
}

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { SECRET_FORMS, scrubber } from "../../src/runs/words/scrub.ts";

const OWN = "of-our-own-webhook";
const scrub = scrubber([OWN, `${OWN}-longer`, "", "short"]);
const LETTERS = "a1B2c3D4e5".repeat(5);

test.each([
  [`ghp_${LETTERS}`, "a GitHub token"],
  [`ghs_${LETTERS}.${LETTERS}-${LETTERS}_x`, "a GitHub token"],
  [`github_pat_${LETTERS}`, "a GitHub token"],
  [`lin_api_${LETTERS}`, "a Linear key"],
  [`lin_oauth_${LETTERS}`, "a Linear key"],
  [`lin_wh_${LETTERS}`, "a Linear key"],
  ["AKIAABCDEFGHIJKLMNOP", "an AWS key"],
  [`sk-proj-${LETTERS}`, "an API key"],
  [`xoxb-${LETTERS}`, "a Slack token"],
  [`eyJ${LETTERS}.eyJ${LETTERS}.${LETTERS}`, "a signed token"],
  [OWN, "a credential of the relay"],
  [`${OWN}-longer`, "a credential of the relay"],
  [`-----BEGIN RSA PRIVATE KEY-----\nMIIE\n${LETTERS}\n-----END RSA PRIVATE KEY-----`, "a private key"],
])("%s is removed from what is said, wherever it stands and however often", (secret, what) => {
  const said = scrub(`It is ${secret}, and in an address https://evil.example/?d=${secret} again.`);
  expect(said).toBe(
    `It is [removed: ${what}], and in an address https://evil.example/?d=[removed: ${what}] again.`,
  );
});

test("a private key that is cut off is removed to the end", () => {
  expect(scrub(`Look:\n-----BEGIN PRIVATE KEY-----\n${LETTERS}\nMIIE`)).toBe(
    "Look:\n[removed: a private key]",
  );
});

test.each([
  ["![x](https://evil.example/?d=1)", "! [x](https://evil.example/?d=1)"],
  ["!![x][ref]\n\n[ref]: //evil.example/a.png", "!! [x][ref]\n\n[ref]: //evil.example/a.png"],
  ["![x]\n\n[x]: https://evil.example/a.png", "! [x]\n\n[x]: https://evil.example/a.png"],
  ['<img src="https://evil.example/a.png">', '< img src="https://evil.example/a.png">'],
  ["<PICTURE><Source srcset=//evil.example></PICTURE>", "<PICTURE>< Source srcset=//evil.example></PICTURE>"],
  [`<img ${"a ".repeat(3_000)}src=//evil.example>`, `< img ${"a ".repeat(3_000)}src=//evil.example>`],
])("the image %j is told as text, so that no browser fetches it", (image, text) => {
  expect(scrub(image)).toBe(text);
});

test.each([
  "Rounds the price, see `src/price.ts` and [the issue](https://linear.app/acme/issue/APP-1).",
  "`Map<string, number>` and `Array<Image>` stay, as do <b>bold</b> words and a short lin_api_key.",
  '`vec![1, 2]`, `#![deny(x)]`, `Promise<Object | null>` and `if (!["a"].includes(b))`.',
  "The branch sk-learn-pipeline-for-the-very-long-names-of-things is merged.",
  "A commit 0123456789abcdef0123456789abcdef01234567 and a short word.",
  "",
])("ordinary words stay as they are: %j", (text) => {
  expect(scrub(text)).toBe(text);
});

test("doing it twice changes nothing, and what it leaves holds no secret and no image", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "!",
      "[",
      "<",
      "](",
      "=",
      "img/",
      "<img ",
      OWN,
      `ghp_${LETTERS}`,
      `lin_wh_${LETTERS}`,
      "-----BEGIN PRIVATE KEY-----",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const once = scrub(pieces.join(""));
      expect(scrub(once)).toBe(once);
      expect(once).not.toMatch(/<img[\s/][^>]*=|of-our-own-webhook/i);
      if (/\]\(/.test(once)) expect(once).not.toContain("![");
      for (const { pattern } of SECRET_FORMS) expect(once.search(pattern)).toBe(-1);
    }),
  );
});

test("a text of any length is cut first", () => {
  expect(scrub("<img ".repeat(1_000_000)).length).toBeLessThan(40_000);
});

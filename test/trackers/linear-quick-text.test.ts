import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { MARK, ownComments } from "../../src/trackers/linear/quick/own.ts";
import {
  linkLabel,
  planLines,
  readWorkComment,
  statusLine,
  workCommentText,
} from "../../src/trackers/linear/quick/work-comment.ts";
import { asStored } from "../../world/linear/model/markdown.ts";

const UUID_V4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const text = fc.oneof(
  fc.string({ maxLength: 80 }),
  fc.string({
    unit: fc.constantFrom("@patchrelay", "stop", "-", "*", "_", "[", "]", "(", "\n", "`", "·", " "),
    maxLength: 20,
  }),
);
const words = fc.stringMatching(/^[a-z][a-z ]{0,18}[a-z]$/);

test("whatever we say, in whatever form Linear keeps it, it is known as ours, by another key as well", () => {
  const other = ownComments(new Secret("lin_api_next"));
  fc.assert(
    fc.property(fc.uuid({ version: 4 }), text, (id, said) => {
      const stored = asStored(`${MARK} ${said}`);
      expect(other.isOurs({ id, body: stored })).toBe(true);
      expect(other.isOurs({ id, body: asStored(stored) })).toBe(true);
    }),
  );
});

test("the id alone proves a comment of ours, and no other id does", () => {
  const own = ownComments(new Secret("lin_api_ours"));
  fc.assert(
    fc.property(
      fc.string(),
      fc.uuid({ version: 4 }),
      fc.nat({ max: 31 }),
      text,
      (key, stranger, at, body) => {
        const id = own.idFor(key);
        expect(id).toMatch(UUID_V4);
        expect(own.idFor(key)).toBe(id);
        expect(own.isOurs({ id, body })).toBe(true);
        fc.pre(!body.toLowerCase().includes("patchrelay"));
        expect(own.isOurs({ id: stranger, body })).toBe(false);
        const digits = id.replaceAll("-", "").split("");
        digits[at] = digits[at] === "0" ? "1" : "0";
        const hex = digits.join("");
        const forged = [
          hex.slice(0, 8),
          hex.slice(8, 12),
          hex.slice(12, 16),
          hex.slice(16, 20),
          hex.slice(20),
        ];
        expect(own.isOurs({ id: forged.join("-"), body })).toBe(false);
      },
    ),
  );
});

test("a work comment is read as it was written, however often Linear rewrites it", () => {
  const item = fc.record({
    content: words,
    status: fc.constantFrom("pending", "inProgress", "completed", "canceled"),
  });
  const link = fc.record({ label: words.map(linkLabel), url: fc.webUrl({ withFragments: true }) });
  fc.assert(
    fc.property(
      words,
      fc.array(item, { maxLength: 5 }),
      fc.array(link, { maxLength: 3 }),
      (said, items, links) => {
        const shown = {
          status: statusLine(said),
          plan: planLines(items),
          links: links.filter(({ url }) => !/[()<>_*]/.test(url)),
        };
        const stored = asStored(workCommentText(shown));
        expect(readWorkComment(stored)).toEqual(shown);
        expect(readWorkComment(asStored(workCommentText(readWorkComment(stored))))).toEqual(shown);
      },
    ),
  );
});

test("whatever is said in the status line, plan and links stay as they are", () => {
  const links = [{ label: "Pull request #1", url: "https://github.example/acme/app/pull/1" }];
  fc.assert(
    fc.property(text, (said) => {
      const shown = { status: statusLine(said), plan: ["[x] find it"], links };
      expect(readWorkComment(asStored(workCommentText(shown)))).toMatchObject({ plan: shown.plan, links });
    }),
  );
});

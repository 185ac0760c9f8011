import { assert, constantFrom, jsonValue, nat, pre, property } from "fast-check";
import { expect, test } from "vitest";
import { parseStrictJson } from "../../src/settings/load/json.ts";

function fault(text: string): string {
  const json = parseStrictJson(text);
  if (json.ok) return "accepted";
  return json.faults
    .map(({ at, message, hint }) => `${at.line}:${at.column} ${message} | ${hint ?? ""}`)
    .join("\n");
}

test("what JSON.stringify writes is read back", () => {
  assert(
    property(jsonValue({ maxDepth: 6 }), constantFrom(0, 2, "\t"), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      // The one key that strict JSON allows and this reader does not.
      pre(!text.includes('"__proto__"'));
      expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
    }),
    { seed: 7, numRuns: 300 },
  );
});

test("a damaged text is accepted or refused exactly as JSON.parse does", () => {
  const valid = JSON.stringify({ a: [1, -2.5e3, "x\\n\u00e9", true, null, {}], b: { c: [] } }, null, 1);
  assert(
    property(
      nat(valid.length),
      nat(3),
      constantFrom(
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        '"',
        "'",
        "/",
        "\\",
        " ",
        "\n",
        "0",
        "-",
        ".",
        "e",
        "+",
        "1",
        "x",
      ),
      (at, cut, put) => {
        const text = valid.slice(0, at) + put + valid.slice(at + cut);
        const accepted = ((): boolean => {
          try {
            JSON.parse(text);
            return true;
          } catch (error) {
            if (error instanceof SyntaxError) return false;
            throw error;
          }
        })();
        const ours = parseStrictJson(text);
        const doubled = !ours.ok && ours.faults.every(({ message }) => message.includes("appears twice"));
        expect(ours.ok || doubled).toBe(accepted);
      },
    ),
    { seed: 7, numRuns: 2000 },
  );
});

test("an error has its line and column and a way out", () => {
  expect(fault('{\n  "a": 1,\n}')).toBe(
    "3:1 not strict JSON: expected a key in double quotes | remove the comma before it",
  );
  expect(fault('{\n  // note\n  "a": 1 }')).toContain(
    "2:3 not strict JSON: expected a key in double quotes | strict",
  );
  expect(fault("{'a': 1}")).toContain(
    "1:2 not strict JSON: expected a key in double quotes | JSON needs double quotes",
  );
  expect(fault('{"a": 01}')).toContain("1:8 not strict JSON: expected a comma or a closing brace");
  expect(fault('{"a": 1')).toContain(
    "1:8 not strict JSON: the file ends here: expected a comma or a closing brace",
  );
  expect(fault('{"a": "\u0001"}')).toContain(
    "1:8 not strict JSON: a control character must be written as an escape",
  );
  expect(fault("")).toContain("1:1 not strict JSON: the file ends here: expected a value");
});

test("a key that is there twice is told with its path, all of them at once", () => {
  expect(fault('{"a":{"b":1,\n"b":2},"a":3}').split("\n")).toEqual([
    "2:1 the key a.b appears twice | only the last one would count: remove the other",
    "2:8 the key a appears twice | only the last one would count: remove the other",
  ]);
});

test("the key __proto__ and bottomless nesting are refused, a byte order mark is not", () => {
  expect(fault('{"__proto__": {}}')).toContain("is not allowed");
  expect(fault("[".repeat(100_000))).toContain("nested deeper than 64 levels");
  expect(fault("\uFEFF{}")).toBe("accepted");
});

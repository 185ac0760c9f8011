import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// What people read, per audience, as it stands in the source: a change of words is seen here, and read before it is
// taken over. Help and errors of the command line are in test/cli, the dashboard's pages in test/http, what Linear is told in
// test/factory.

const SOURCE = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .toSorted();

const LITERAL = /"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;

function codeOf(path: string): string {
  return readFileSync(join(SOURCE, path), "utf8")
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "");
}

/** Texts of more than one word. */
function sentences(code: string): readonly string[] {
  return [...code.matchAll(LITERAL)]
    .map(([text]) => text.slice(1, -1))
    .filter((text) => /[a-z.,;:!?}] [a-z"$(\\[]/i.test(text));
}

const SQL =
  /\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA|BEGIN|CREATE|RELEASE|ROLLBACK|SAVEPOINT|WHERE|LIKE|LIMIT|SET|VALUES)\b|\bIN \(|^\W+join\(/;

function withoutSql(code: string): readonly string[] {
  return sentences(code).filter((text) => !SQL.test(text));
}

/** The first argument of each line that is logged: up to the comma or bracket that ends it. */
function logged(code: string): readonly string[] {
  return [...code.matchAll(/\blog\.(debug|info|warn|error)\(/g)].flatMap((call) => {
    const level = call[1] ?? "";
    const from = call.index + call[0].length;
    const rest = code.slice(from).replaceAll(LITERAL, (text) => "x".repeat(text.length));
    let depth = 0;
    let end = 0;
    for (; end < rest.length; end += 1) {
      const at = rest.charAt(end);
      if (depth === 0 && (at === "," || at === ")")) break;
      if ("([{".includes(at)) depth += 1;
      if (")]}".includes(at)) depth -= 1;
    }
    return [...code.slice(from, from + end).matchAll(LITERAL)].map(
      ([text]) => `${level}: ${text.slice(1, -1)}`,
    );
  });
}

const AUDIENCES: readonly (readonly [string, RegExp, (code: string) => readonly string[], number])[] = [
  ["the log", /./, logged, 50],
  ["doctor", /^cli\/doctor/, sentences, 40],
  ["settings: problems and descriptions", /^settings\//, sentences, 200],
  ["the API: problems and descriptions", /^http\/(?!dashboard\/)/, sentences, 100],
  ["runs: what ends one says, and what goes back to the agent", /^runs\//, sentences, 40],
  ["effects: what a performer cannot do", /^effects\//, sentences, 1],
  ["engines: why something waits, failed or is quarantined", /^engines\//, withoutSql, 40],
];

test.each(AUDIENCES)("%s", (_, place, textsOf, least) => {
  const told = files.filter((path) => place.test(path)).flatMap((path) => textsOf(codeOf(path)));
  expect(told.length).toBeGreaterThan(least);
  // Sorted: a file that moves or is split changes no words.
  expect([...new Set(told)].toSorted().join("\n")).toMatchSnapshot();
});

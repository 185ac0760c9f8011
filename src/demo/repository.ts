import type { FileChanges } from "../../world/github/git/git.ts";

// The repository of the demo: small, but with real tests, a real hook, and rules that its CI really looks at.

export const REPOSITORY = "acme/calc";

const CALC = `// Arithmetic for the shop's price engine.

export function add(a, b) {
  return a + b;
}

// Keep the functions sorted by how often the shop uses them.
`;

const TEST = `import assert from "node:assert/strict";
import { test } from "node:test";
import { add } from "../src/calc.js";

test("adds", () => assert.equal(add(2, 3), 5));
`;

const VERIFY = `#!/bin/sh
# patchrelay runs this before it publishes: the repository's own tests.
exec node --test
`;

export const FILES: FileChanges = {
  "README.md": "# calc\n\nArithmetic for the shop's price engine.\n",
  "CHANGELOG.md": "# Changelog\n\n## Unreleased\n",
  "package.json":
    '{ "name": "calc", "version": "1.0.0", "type": "module", "private": true, "scripts": { "test": "node --test" } }\n',
  "src/calc.js": CALC,
  "test/calc.test.js": TEST,
  ".patchrelay/hooks/verify": VERIFY,
};

export const SUBTRACT = `
export function subtract(a, b) {
  return a - b;
}
`;

export const SUBTRACT_TEST = `import assert from "node:assert/strict";
import { test } from "node:test";
import { subtract } from "../src/calc.js";

test("subtracts", () => assert.equal(subtract(5, 3), 2));
`;

/** What a colleague merges while the pull request is under review: from then on every function checks its numbers. */
export const GUARD: FileChanges = {
  "src/guard.js": `export function number(value) {
  if (typeof value !== "number" || Number.isNaN(value)) throw new TypeError("not a number: " + value);
  return value;
}
`,
  "src/calc.js": CALC.replace(
    "export function add",
    'import { number } from "./guard.js";\n\nexport function add',
  ).replace("a + b", "number(a) + number(b)"),
};

/** The files that the story's runs write. */
const WORK = ["src/calc.js", "test/subtract.test.js", "CHANGELOG.md"];

/**
 * What of the story's work is missing on main, as the operator would look for it with git in `folder`, the repository itself;
 * null = nothing. `env`: the whole environment of git.
 */
export async function missingOnMain(
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<string | null> {
  const { simpleGit } = await import("simple-git");
  const git = simpleGit({ baseDir: folder }).env(env);
  const files = (await git.raw(["ls-tree", "-r", "--name-only", "main"])).split("\n");
  const missing = WORK.filter((path) => !files.includes(path));
  for (const path of WORK.filter((file) => files.includes(file)))
    if (!(await git.show([`main:${path}`])).includes("subtract")) missing.push(path);
  return missing.length === 0 ? null : `main knows nothing of subtract in ${missing.join(", ")}`;
}

type Read = (path: string) => Promise<string | null>;
interface Job {
  readonly name: string;
  readonly conclusion: "success" | "failure";
  readonly log: string;
}

/**
 * The CI of the demo: looks at the files of the commit it is given, as a real workflow would. In the merge queue
 * the tests run against what main has become.
 */
export async function runCi(job: { readonly kind: string; read: Read }): Promise<Job[]> {
  const calc = (await job.read("src/calc.js")) ?? "";
  const guarded = (await job.read("src/guard.js")) !== null;
  return [await changelog(job.read, calc), tests(calc, guarded)];
}

async function changelog(read: Read, calc: string): Promise<Job> {
  const text = (await read("CHANGELOG.md")) ?? "";
  const missing = calc.includes("subtract") && !text.includes("subtract");
  return {
    name: "changelog",
    conclusion: missing ? "failure" : "success",
    log: missing
      ? "Run scripts/check-changelog\nError: src/calc.js exports subtract, but CHANGELOG.md has no line about it under ## Unreleased\nProcess completed with exit code 1."
      : "Run scripts/check-changelog\nok",
  };
}

function tests(calc: string, guarded: boolean): Job {
  const bare = /return (minuend|a) - (subtrahend|b);/.test(calc);
  const failed = guarded && bare;
  return {
    name: "test",
    conclusion: failed ? "failure" : "success",
    log: failed
      ? 'Run node --test\nAssertionError: subtract("5", 3) must throw a TypeError: since src/guard.js every function checks its numbers with number()\n    at integration/prices.js:41:10\n# pass 2\n# fail 1\nProcess completed with exit code 1.'
      : "Run node --test\n# pass 2\n# fail 0",
  };
}

import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { objections } from "../../src/runs/inspect.ts";
import { addedLines } from "../../src/worktrees/git/changes.ts";
import type { Prepared } from "../../src/worktrees/worktrees.ts";
import { git, put, stage } from "../worktrees/stage.ts";
import type { Stage } from "../worktrees/stage.ts";

// What an agent that obeys somebody else may try to publish, on real git.

const TOKEN = `ghp_${"a1".repeat(18)}`;
const LIMITS = { maxChangedFiles: 100, maxChangedBytes: 500_000 } as Parameters<typeof objections>[2];

let on: Stage;
let tree: Prepared;
beforeEach(async () => {
  on = await stage();
  tree = await on.prepare();
});
afterEach(() => on.end());

const found = async (type: "implementation" | "ci_repair" = "implementation"): Promise<readonly string[]> =>
  objections(
    await on.worktrees.changes(tree, tree.base.sha, { signal: on.signal, maxPatchBytes: 500_001 }),
    type,
    LIMITS,
  );
const write = (path: string, content: string | Buffer): void => {
  const file = join(tree.path, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
};
const utf16 = (text: string): Buffer => Buffer.from(`\ufeff${text}`, "utf16le");

describe("a secret is found however it is dressed", () => {
  test.each<[string, () => void]>([
    ["in a line", () => write("a.txt", `token ${TOKEN}\n`)],
    ["in a line that begins with ++", () => write("a.txt", `++ ${TOKEN}\n`)],
    ["in a line that begins with ++ like the head of a diff", () => write("a.txt", `++ b/${TOKEN}\n`)],
    ["in a line that begins with --", () => write("a.txt", `-- ${TOKEN}\n`)],
    ["in a line that begins with @@", () => write("a.txt", `@@ -1,9 +1,9 @@ ${TOKEN}\n`)],
    [
      "after a line that looks like the head of a hunk",
      () => write("a.txt", `@@ -0,0 +1 @@\n+++ ${TOKEN}\n`),
    ],
    [
      "after a line that looks like the head of a file",
      () => write("a.txt", `diff --git a/x b/x\n++${TOKEN}\n`),
    ],
    ["in a line that begins with a backslash", () => write("a.txt", `\\ No newline ${TOKEN}\n`)],
    ["at the end of a file without a newline", () => write("a.txt", TOKEN)],
    ["behind carriage returns", () => write("a.txt", `x\r\r${TOKEN}\r\n`)],
    ["beside a NUL", () => write("a.bin", Buffer.from(`\0\0${TOKEN}\0`))],
    [
      "in the middle of a binary file",
      () =>
        write(
          "a.png",
          Buffer.concat([Buffer.alloc(900, 255), Buffer.from(`\n${TOKEN}\n`), Buffer.alloc(900)]),
        ),
    ],
    ["in UTF-16", () => write("a.txt", utf16(`token = ${TOKEN}\n`))],
    [
      "in a file that attributes call binary",
      () => {
        write("sub/.gitattributes", "*.txt -diff\n");
        write("sub/a.txt", `${TOKEN}\n`);
      },
    ],
    ["in a file name", () => write(`notes/${TOKEN}.txt`, "x\n")],
    ["in the name of a folder", () => write(`${TOKEN}/a.txt`, "x\n")],
    ["in a file whose name git would quote", () => write('"ü\ttab".txt', `${TOKEN}\n`)],
    [
      "in a new executable",
      () => {
        write("run.sh", `#!/bin/sh\n# ${TOKEN}\n`);
        git(tree.path, "update-index", "--add", "--chmod=+x", "run.sh");
      },
    ],
    ["in the target of a link", () => symlinkSync(TOKEN, join(tree.path, "link"))],
    [
      "in a commit that a later one takes back",
      () => {
        put(tree.path, { "a.txt": `${TOKEN}\n` });
        git(tree.path, "add", "-A");
        git(tree.path, "commit", "-qm", "one");
        put(tree.path, { "a.txt": "nothing\n" });
        git(tree.path, "commit", "-qam", "two");
      },
    ],
    [
      "in the message of a commit",
      () => {
        put(tree.path, { "a.txt": "x\n" });
        git(tree.path, "add", "-A");
        git(tree.path, "commit", "-qm", `use ${TOKEN}`);
      },
    ],
    ["on the line after the last of a changed file", () => write("readme.md", `hello\n++ ${TOKEN}\n`)],
  ])("%s", async (_, disguise) => {
    disguise();
    expect((await found()).join("\n")).toContain("a GitHub token");
  });

  test("more than can be looked through is not published", async () => {
    write("big.bin", Buffer.alloc(17 * 1024 * 1024, 1));
    expect((await found()).join("\n")).toContain("more than can be looked through");
  }, 60_000);

  test("a picture and ordinary text are no secrets, and what was there before is not the agent's", async () => {
    write("a.png", Buffer.from([137, 80, 78, 71, 13, 10, 26, 10, 0, 1, 2, 3]));
    write("a.txt", "++ plus plus\n-- minus minus\n@@ -1 +1 @@\n");
    expect(await found()).toEqual([]);
  });
});

describe("what decides what code is trusted is a person's, wherever it lies", () => {
  test.each([
    ".github/workflows/ci.yml",
    ".github/actions/a/action.yml",
    ".patchrelay/hooks/verify",
    ".github/CODEOWNERS",
    "docs/CODEOWNERS",
    "CODEOWNERS",
    ".gitattributes",
    "deep/in/.gitattributes",
    ".gitmodules",
  ])("%s", async (path) => {
    write(path, "x\n");
    expect(await found()).toEqual([`it changes ${path}, which only a person may change`]);
  });
});

test("a repair that skips a test behind a line that looks like a diff is held", async () => {
  // The skip is the agent's: no test of ours is left out.
  write("a.test.js", "++it.skip('x')\n");
  expect(await found("ci_repair")).toEqual(["it skips a test"]);
});

test("what earlier commits held is not the agent's doing, although a rebase made them again", async () => {
  write("src/a.test.js", `it.skip('x') // ${TOKEN}\n`);
  await on.worktrees.commitAll(tree, {
    message: "Work",
    trailers: { "Patchrelay-Run": "linear-1.1" },
    signal: on.signal,
  });
  const onto = on.push("main", { "other.txt": "other\n" });
  await on.prepare({ keep: true });
  const integrated = await on.worktrees.integrate(tree, { onto, leaveConflict: false, signal: on.signal });
  write("b.txt", "the repair\n");
  const changes = await on.worktrees.changes(tree, integrated.tree, {
    signal: on.signal,
    maxPatchBytes: 500_001,
  });
  expect(changes.files.map(({ path }) => path)).toEqual(["b.txt"]);
  expect(objections(changes, "queue_repair", LIMITS)).toEqual([]);
});

test("words about a skipped test in the message of a commit skip none", async () => {
  put(tree.path, { "a.txt": "x\n" });
  git(tree.path, "add", "-A");
  // Only words: no test of ours is left out.
  git(tree.path, "commit", "-qm", "Take it.skip('x') out");
  expect(await found("ci_repair")).toEqual([]);
});

describe("the lines that a diff adds", () => {
  test("are told by the counts of its hunks, not by what they begin with", () => {
    const diff = [
      "diff --git a/a b/a",
      "--- a/a",
      "+++ b/a",
      "@@ -1,2 +1,3 @@ f()",
      " same",
      "--- gone",
      "+++ added",
      "+@@ -9 +9 @@",
      "diff --git a/b b/b",
      "--- /dev/null",
      "+++ b/b",
      "@@ -0,0 +1 @@",
      "+last",
      "\\ No newline at end of file",
      "",
    ].join("\n");
    expect(addedLines(diff)).toEqual(["++ added", "@@ -9 +9 @@", "last"]);
  });
});

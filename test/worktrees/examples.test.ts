import { chmodSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { HOOK_MOMENTS } from "../../src/worktrees/hooks.ts";
import type { HookMoment, HookOutcome } from "../../src/worktrees/hooks.ts";
import { put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

const EXAMPLES = join(import.meta.dirname, "../../hooks");

let on: Stage;
beforeEach(async () => {
  on = await stage();
});
afterEach(() => on.end());

/** Runs an example in a repository with these files; `npm` is a stand-in that says how it was called. */
async function run(
  moment: HookMoment,
  base: Readonly<Record<string, string>>,
  dirty: Readonly<Record<string, string>> = {},
): Promise<HookOutcome> {
  put(on.folder, { "bin/npm": '#!/bin/sh\necho "npm $*"\n' });
  chmodSync(join(on.folder, "bin/npm"), 0o755);
  const PATH = `${join(on.folder, "bin")}:${process.env["PATH"] ?? ""}`;
  const relay = await on.restart({ environment: { PATH } });
  const text = readFileSync(join(EXAMPLES, moment), "utf8");
  on.push("main", { ...base, [`.patchrelay/hooks/${moment}`]: text });
  const tree = await on.prepare({}, relay);
  put(tree.path, dirty);
  const facts = {
    PATCHRELAY_ISSUE: "APP-1",
    PATCHRELAY_BRANCH: tree.branch,
    PATCHRELAY_BASE: tree.base.branch,
    PATCHRELAY_BASE_SHA: tree.base.sha,
  };
  return await relay.runHook(moment, tree, {
    facts,
    baseSha: tree.base.sha,
    timeoutMs: 60_000,
    signal: on.signal,
  });
}

describe("the example hooks", () => {
  test("are there for every moment, executable, and described in the README", () => {
    const readme = readFileSync(join(EXAMPLES, "README.md"), "utf8");
    expect(readdirSync(EXAMPLES).toSorted()).toEqual([...HOOK_MOMENTS, "README.md"].toSorted());
    for (const moment of HOOK_MOMENTS) {
      expect(statSync(join(EXAMPLES, moment)).mode & 0o111).toBe(0o111);
      expect(readme).toContain(`| \`${moment}\` `);
    }
  });

  test.each(HOOK_MOMENTS)("%s passes in a repository that it knows nothing about", async (moment) => {
    expect(await run(moment, {})).toMatchObject({ ran: true, ok: true, output: "" });
  });

  test("prepare-worktree installs what the lock file says", async () => {
    const { output } = await run("prepare-worktree", { "package-lock.json": "{}" });
    expect(output).toBe("npm ci --no-audit --no-fund\n");
  });

  test("verify runs build and tests", async () => {
    const { output } = await run("verify", { "package.json": "{}" });
    expect(output).toBe("npm run --if-present build\nnpm run --if-present test\n");
  });

  test("before-publish stops a change with a large file, and names it", async () => {
    const outcome = await run(
      "before-publish",
      {},
      { "small.txt": "x", "large file.bin": "x".repeat(6_000_000) },
    );
    expect(outcome).toMatchObject({
      ok: false,
      exitCode: 1,
      output: "too large for the repository:\nlarge file.bin\n",
    });
  });
});

import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { UnresolvedConflict } from "../../src/worktrees/errors.ts";
import type { Changes, Prepared } from "../../src/worktrees/worktrees.ts";
import { git, put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

let on: Stage;
let tree: Prepared;
beforeEach(async () => {
  on = await stage();
  tree = await on.prepare();
});
afterEach(() => on.end());

const commit = async (message = "Work\n\nWhy.", run = "linear-1.1"): Promise<string | null> =>
  await on.worktrees.commitAll(tree, { message, trailers: { "Patchrelay-Run": run }, signal: on.signal });
const changes = async (from = tree.base.sha, maxPatchBytes = 100_000): Promise<Changes> =>
  await on.worktrees.changes(tree, from, { signal: on.signal, maxPatchBytes });
const message = (): string => git(tree.path, "log", "-1", "--format=%B");

describe("status", () => {
  test("names what differs from HEAD and how far the branch is ahead", async () => {
    put(tree.path, { "readme.md": "changed\n", "new/ü b.txt": "new\n" });
    const status = await on.worktrees.status(tree, on.signal);
    expect(status).toEqual({
      dirty: ["new/ü b.txt", "readme.md"],
      head: tree.head,
      aheadOfBase: 0,
      conflicts: [],
    });
    await commit();
    expect(await on.worktrees.status(tree, on.signal)).toMatchObject({ dirty: [], aheadOfBase: 1 });
  });
});

describe("changes", () => {
  test("see committed, uncommitted, untracked, deleted, binary and linked files, and touch neither tree nor index", async () => {
    put(tree.path, { "committed.txt": "1\n" });
    await commit();
    put(tree.path, { "src/a.txt": "one\n2\nthree\nfour\n", "untracked\ttab.txt": "x\ny\n" });
    writeFileSync(join(tree.path, "picture.bin"), Buffer.from([0, 1, 2, 255]));
    symlinkSync("/etc/passwd", join(tree.path, "link"));
    rmSync(join(tree.path, "readme.md"));
    const before = git(tree.path, "status", "--porcelain");
    const { files, patch, patchTruncated } = await changes();
    expect(files).toEqual([
      { path: "committed.txt", status: "added", added: 1, removed: 0, mode: "100644" },
      { path: "link", status: "added", added: 1, removed: 0, mode: "120000" },
      { path: "picture.bin", status: "added", added: null, removed: null, mode: "100644" },
      { path: "readme.md", status: "deleted", added: 0, removed: 1, mode: "000000" },
      { path: "src/a.txt", status: "changed", added: 2, removed: 1, mode: "100644" },
      { path: "untracked\ttab.txt", status: "added", added: 2, removed: 0, mode: "100644" },
    ]);
    expect(patch).toContain("+four");
    expect(patch).not.toContain("root:");
    expect(patchTruncated).toBe(false);
    expect(git(tree.path, "status", "--porcelain")).toBe(before);
  });

  test("the patch is bounded, and its id counts what was cut off", async () => {
    put(tree.path, { "big.txt": "line\n".repeat(10_000) });
    const first = await changes(tree.base.sha, 1_000);
    expect(first).toMatchObject({ patchTruncated: true });
    expect(first.patch).toHaveLength(1_000);
    put(tree.path, { "big.txt": `${"line\n".repeat(10_000)}end\n` });
    expect((await changes(tree.base.sha, 1_000)).patchId).not.toBe(first.patchId);
  });

  test("the patch id is the same on another base, and differs for different binary contents", async () => {
    expect((await changes()).patchId).toBeNull();
    put(tree.path, { "src/new.txt": "x\n" });
    writeFileSync(join(tree.path, "picture.bin"), Buffer.from([0, 1]));
    const { patchId } = await changes();
    await commit();
    const onto = on.push("main", { "other.txt": "other\n" });
    await on.prepare({ keep: true });
    await on.worktrees.integrate(tree, { onto, leaveConflict: false, signal: on.signal });
    expect((await changes(onto)).patchId).toBe(patchId);
    writeFileSync(join(tree.path, "picture.bin"), Buffer.from([0, 2]));
    expect((await changes(onto)).patchId).not.toBe(patchId);
  });
});

describe("reading a file at a commit", () => {
  const read = async (path: string, sha = tree.base.sha): Promise<string | null> =>
    await on.worktrees.readFileAt(tree, { sha, path }, on.signal);

  test("gives the base's version, whatever the worktree says", async () => {
    put(tree.path, { "readme.md": "edited by the agent\n" });
    expect(await read("readme.md")).toBe("hello\n");
    expect(await read("missing.md")).toBeNull();
  });

  test("follows no link, leaves no repository and reads nothing too large", async () => {
    symlinkSync("/etc/passwd", join(tree.path, "WORKFLOW.md"));
    put(tree.path, { "big.md": "x".repeat(300 * 1024) });
    const sha = (await commit()) ?? "";
    await expect(read("WORKFLOW.md", sha)).rejects.toThrow(/not a plain file/);
    await expect(read("src", sha)).rejects.toThrow(/not a plain file/);
    await expect(read("big.md", sha)).rejects.toThrow(/307200 bytes/);
    await expect(read("../etc/passwd", sha)).rejects.toThrow(/not a path inside/);
    await expect(read("readme.md", "--output=x")).rejects.toThrow(/not a full commit id/);
  });
});

describe("committing", () => {
  test("takes everything that is left, with the trailer, by the relay; nothing left is null", async () => {
    put(tree.path, { "a.txt": "a\n" });
    rmSync(join(tree.path, "readme.md"));
    const sha = await commit();
    expect(git(tree.path, "rev-parse", "HEAD")).toBe(sha);
    expect(git(tree.path, "status", "--porcelain")).toBe("");
    expect(message()).toBe("Work\n\nWhy.\n\nPatchrelay-Run: linear-1.1");
    expect(git(tree.path, "log", "-1", "--format=%an %ae %cn")).toBe(
      "patchrelay relay@example.com patchrelay",
    );
    expect(await commit()).toBeNull();
  });

  test("an untouched worktree has nothing to commit, and the base is never amended", async () => {
    expect(await commit()).toBeNull();
    expect(git(tree.path, "rev-parse", "HEAD")).toBe(tree.base.sha);
  });

  test("the agent's own commit keeps its author and message, and gets the trailer", async () => {
    put(tree.path, { "a.txt": "a\n" });
    git(tree.path, "add", "-A");
    git(tree.path, "commit", "--quiet", "-m", "Agent's words\n\nSigned-off-by: Pat <pat@example.com>");
    const theirs = git(tree.path, "rev-parse", "HEAD");
    const sha = await commit();
    expect(sha).not.toBe(theirs);
    expect(message()).toBe(
      "Agent's words\n\nSigned-off-by: Pat <pat@example.com>\nPatchrelay-Run: linear-1.1",
    );
    expect(git(tree.path, "log", "-1", "--format=%an")).toBe("Pat");
    expect(git(tree.path, "rev-parse", "HEAD^{tree}")).toBe(git(tree.path, "rev-parse", `${theirs}^{tree}`));
    expect(await commit()).toBeNull();
  });

  test("a tip that is on the remote already is not amended", async () => {
    const pushed = on.push("patchrelay/app-1", { "p.txt": "p\n" });
    await on.prepare();
    expect(await commit()).toBeNull();
    expect(git(tree.path, "rev-parse", "HEAD")).toBe(pushed);
  });

  test("a message that claims another run's trailer loses it", async () => {
    put(tree.path, { "a.txt": "a\n" });
    await commit("Work\n\npatchrelay-run: linear-9.9\nMore.");
    expect(message()).toBe("Work\n\nMore.\n\nPatchrelay-Run: linear-1.1");
  });

  test("a nested repository is neither recorded nor entered", async () => {
    put(tree.path, { "nested/file.txt": "x\n", "a.txt": "a\n" });
    git(join(tree.path, "nested"), "init", "--quiet");
    await commit();
    expect(git(tree.path, "ls-tree", "-r", "--name-only", "HEAD").split("\n")).toEqual([
      "a.txt",
      "readme.md",
      "src/a.txt",
    ]);
  });

  test("a file that became a folder and a folder that became a file are recorded", async () => {
    rmSync(join(tree.path, "readme.md"));
    put(tree.path, { "readme.md/inside.txt": "x\n" });
    rmSync(join(tree.path, "src"), { recursive: true });
    put(tree.path, { src: "now a file\n" });
    await commit();
    expect(git(tree.path, "ls-tree", "-r", "--name-only", "HEAD").split("\n")).toEqual([
      "readme.md/inside.txt",
      "src",
    ]);
    expect(git(tree.path, "status", "--porcelain")).toBe("");
  });
});

describe("integrating", () => {
  const ours = async (files: Readonly<Record<string, string>>): Promise<string> => {
    put(tree.path, files);
    return (await commit()) ?? "";
  };
  const integrate = async (onto: string, leaveConflict = false) =>
    await on.worktrees.integrate(tree, { onto, leaveConflict, signal: on.signal });

  test("merges: both sides stay as they are", async () => {
    const before = await ours({ "a.txt": "a\n" });
    const onto = on.push("main", { "b.txt": "b\n" });
    await on.prepare({ keep: true });
    const { outcome, head } = await integrate(onto);
    expect(outcome).toBe("clean");
    expect(git(tree.path, "log", "-1", "--format=%P", head)).toBe(`${before} ${onto}`);
    expect(git(tree.path, "symbolic-ref", "HEAD")).toBe("refs/heads/patchrelay/app-1");
    expect(git(tree.path, "status", "--porcelain")).toBe("");
    expect(message()).toBe(`Merge ${onto}`);
    expect(await integrate(onto)).toMatchObject({ outcome: "clean", head, conflicts: [] });
  });

  test("a conflict leaves the worktree as it was", async () => {
    const before = await ours({ "src/a.txt": "ours\n" });
    const onto = on.push("main", { "src/a.txt": "theirs\n" });
    await on.prepare({ keep: true });
    expect(await integrate(onto)).toMatchObject({
      outcome: "conflict",
      head: before,
      conflicts: ["src/a.txt"],
    });
    expect(git(tree.path, "status", "--porcelain")).toBe("");
    expect(git(tree.path, "symbolic-ref", "HEAD")).toBe("refs/heads/patchrelay/app-1");
  });

  test("left to an agent, it is a merge that cannot be committed before it is resolved, and is concluded then", async () => {
    const before = await ours({ "src/a.txt": "ours\n" });
    const onto = on.push("main", { "src/a.txt": "theirs\n" });
    await on.prepare({ keep: true });
    expect(await integrate(onto, true)).toMatchObject({ outcome: "conflict", conflicts: ["src/a.txt"] });
    expect((await on.worktrees.status(tree, on.signal)).conflicts).toEqual(["src/a.txt"]);
    await expect(commit()).rejects.toThrow(UnresolvedConflict);
    put(tree.path, { "src/a.txt": "both\n" });
    const merged = await commit("Merge");
    expect(git(tree.path, "log", "-1", "--format=%P")).toBe(`${before} ${onto}`);
    expect(git(tree.path, "rev-parse", "HEAD")).toBe(merged);
    expect(existsSync(join(tree.gitDir, "MERGE_HEAD"))).toBe(false);
    expect(git(tree.path, "status", "--porcelain")).toBe("");
  });

  test("uncommitted files are never put at risk", async () => {
    await ours({ "a.txt": "a\n" });
    const onto = on.push("main", { "b.txt": "b\n" });
    await on.prepare({ keep: true });
    put(tree.path, { "b.txt": "mine, uncommitted\n" });
    await expect(integrate(onto)).rejects.toThrow(/uncommitted files/);
    expect(readFileSync(join(tree.path, "b.txt"), "utf8")).toBe("mine, uncommitted\n");
  });

  test("a commit that only has our ancestors fast-forwards", async () => {
    const onto = on.push("main", { "b.txt": "b\n" });
    await on.prepare({ keep: true });
    mkdirSync(join(tree.path, "empty"));
    expect(await integrate(onto)).toMatchObject({ outcome: "clean", head: onto, conflicts: [] });
  });
});

import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import type { Stats } from "node:fs";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { MissingBaseBranch } from "../../src/worktrees/errors.ts";
import { git, put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

let on: Stage;
beforeEach(async () => {
  on = await stage();
});
afterEach(() => on.end());

const text = (tree: string, name: string): string => readFileSync(join(tree, name), "utf8");

/** Writes a file's times into its entry of an index (gitformat-index(5)): seconds and nanoseconds of ctime and mtime. */
function knowTimes(indexFile: string, name: string, { ctimeMs, mtimeMs }: Stats): void {
  const index = readFileSync(indexFile);
  const entry = index.indexOf(`${name}\0`) - 62;
  expect(entry).toBeGreaterThanOrEqual(12);
  for (const [offset, ms] of [
    [0, ctimeMs],
    [8, mtimeMs],
  ] as const) {
    index.writeUInt32BE(Math.floor(ms / 1_000), entry + offset);
    index.writeUInt32BE(Math.round((ms % 1_000) * 1e6), entry + offset + 4);
  }
  const content = index.subarray(0, -20);
  writeFileSync(indexFile, Buffer.concat([content, createHash("sha1").update(content).digest()]));
}

describe("preparing a worktree", () => {
  test("stands on a branch of its own at the base's newest commit", async () => {
    const tree = await on.prepare();
    expect(tree).toMatchObject({
      base: { branch: "main", sha: on.at("main") },
      head: on.at("main"),
      salvaged: [],
    });
    expect(tree).toMatchObject({ remoteHead: null, kept: false });
    expect(git(tree.path, "symbolic-ref", "HEAD")).toBe("refs/heads/patchrelay/app-1");
    expect(git(tree.path, "rev-parse", "origin/main")).toBe(on.at("main"));
    expect(git(tree.path, "status", "--porcelain")).toBe("");
    expect(text(tree.path, "readme.md")).toBe("hello\n");
  });

  test("fetches first: a base that moved since the last issue is the one that counts", async () => {
    await on.prepare();
    const moved = on.push("main", { "new.txt": "new\n" });
    const tree = await on.prepare({ worktreeName: "app-2", branch: "patchrelay/app-2" });
    expect(tree.head).toBe(moved);
    expect(text(tree.path, "new.txt")).toBe("new\n");
  });

  test("a missing base branch is an error that names it", async () => {
    const failed = on.prepare({ baseBranch: "develop" });
    await expect(failed).rejects.toThrow(MissingBaseBranch);
    await expect(failed).rejects.toThrow(/example\/app has no branch "develop"/);
  });

  test("an empty remote has no default branch, and the error says so", async () => {
    const empty = join(on.folder, "empty.git");
    git(on.folder, "init", "--quiet", "--bare", empty);
    await expect(on.prepare({ cloneUrl: empty, baseBranch: null })).rejects.toThrow(/has no default branch/);
  });

  test("the base branch itself is refused as an issue's branch", async () => {
    await expect(on.prepare({ branch: "main" })).rejects.toThrow(/main is the base branch/);
  });

  test("several issues of one repository prepare at the same time", async () => {
    const names = ["a", "b", "c", "d"];
    const trees = await Promise.all(
      names.map(async (name) => await on.prepare({ worktreeName: name, branch: `patchrelay/${name}` })),
    );
    expect(trees.map((tree) => git(tree.path, "branch", "--show-current"))).toEqual(
      names.map((name) => `patchrelay/${name}`),
    );
  });

  test("startAt puts the tree on exactly that commit", async () => {
    const first = on.push("patchrelay/app-1", { "w.txt": "1\n" });
    on.push("patchrelay/app-1", { "w.txt": "2\n" });
    const tree = await on.prepare({ startAt: first });
    expect(tree.head).toBe(first);
    expect(text(tree.path, "w.txt")).toBe("1\n");
    await expect(on.prepare({ startAt: "0".repeat(39) + "1" })).rejects.toThrow(
      /neither on patchrelay\/app-1 nor/,
    );
  });
});

describe("a repository whose default branch is not main", () => {
  test("null as base branch means the remote's default", async () => {
    const other = await stage({ base: "trunk" });
    try {
      const tree = await other.prepare({ baseBranch: null });
      expect(tree.base).toEqual({ branch: "trunk", sha: other.at("trunk") });
      expect(tree.head).toBe(other.at("trunk"));
    } finally {
      other.end();
    }
  });
});

describe("preparing again", () => {
  test("a clean worktree is reused and nothing is salvaged; ignored files stay", async () => {
    const tree = await on.prepare();
    put(tree.path, { ".gitignore": "cache/\n" });
    await on.worktrees.commitAll(tree, { message: "ignore", trailers: {}, signal: on.signal });
    const head = git(tree.path, "rev-parse", "HEAD");
    git(tree.path, "push", "--quiet", on.remote, "HEAD:refs/heads/patchrelay/app-1");
    put(tree.path, { "cache/big": "expensive" });
    const again = await on.prepare();
    expect(again).toMatchObject({ head, salvaged: [] });
    expect(text(tree.path, "cache/big")).toBe("expensive");
  });

  test("unpushed commits on top of the remote branch stay on top; the dirty tree is salvaged", async () => {
    const remoteHead = on.push("patchrelay/app-1", { "theirs.txt": "1\n" });
    const tree = await on.prepare();
    expect(tree.head).toBe(remoteHead);
    put(tree.path, { "ours.txt": "ours\n" });
    const ours = await on.worktrees.commitAll(tree, { message: "ours", trailers: {}, signal: on.signal });
    put(tree.path, { "readme.md": "dirty\n", "untracked/file.txt": "new\n" });
    const again = await on.prepare();
    expect(again).toMatchObject({ head: ours, remoteHead, salvaged: ["refs/patchrelay/salvage/app-1/1"] });
    expect(text(tree.path, "readme.md")).toBe("hello\n");
    expect(existsSync(join(tree.path, "untracked"))).toBe(false);
    const salvage = "refs/patchrelay/salvage/app-1/1";
    expect(git(tree.path, "show", `${salvage}:readme.md`)).toBe("dirty");
    expect(git(tree.path, "show", `${salvage}:untracked/file.txt`)).toBe("new");
    expect(git(tree.path, "rev-parse", `${salvage}^`)).toBe(ours);
  });

  test("a change within the second of the checkout, of the same length, is salvaged too", async () => {
    const tree = await on.prepare();
    put(tree.path, { "readme.md": "dirty\n" });
    const hourAgo = Math.floor(statSync(join(tree.path, "readme.md")).mtimeMs / 1_000) - 3_600;
    utimesSync(join(tree.path, "readme.md"), hourAgo, hourAgo);
    // As if file, index and change were all of one second an hour ago: the index knows the changed file's times.
    knowTimes(join(tree.gitDir, "index"), "readme.md", statSync(join(tree.path, "readme.md")));
    utimesSync(join(tree.gitDir, "index"), hourAgo, hourAgo);
    const again = await on.prepare();
    expect(again.salvaged).toEqual(["refs/patchrelay/salvage/app-1/1"]);
    expect(git(tree.path, "show", `${again.salvaged[0]}:readme.md`)).toBe("dirty");
  });

  test("unpushed commits that do not descend from the remote branch are salvaged, and the remote's tip is taken", async () => {
    const tree = await on.prepare();
    put(tree.path, { "ours.txt": "ours\n" });
    const ours = await on.worktrees.commitAll(tree, { message: "ours", trailers: {}, signal: on.signal });
    const theirs = on.push("patchrelay/app-1", { "theirs.txt": "1\n" });
    const again = await on.prepare();
    expect(again.head).toBe(theirs);
    const [kept] = await on.worktrees.salvageList(tree, on.signal);
    expect(kept?.sha).toBe(ours);
    expect(again.salvaged).toEqual([kept?.ref]);
  });

  test("the same work is salvaged once, however often it is tried", async () => {
    const tree = await on.prepare();
    for (let time = 0; time < 3; time += 1) {
      put(tree.path, { "dirty.txt": "same\n" });
      await on.prepare();
    }
    put(tree.path, { "dirty.txt": "other\n" });
    await on.prepare();
    expect(await on.worktrees.salvageList(tree, on.signal)).toHaveLength(2);
  });

  test("keep leaves files, commits and a merge in progress of an interrupted run alone", async () => {
    const tree = await on.prepare();
    put(tree.path, { "src/a.txt": "ours\n" });
    await on.worktrees.commitAll(tree, { message: "ours", trailers: {}, signal: on.signal });
    const theirs = on.push("main", { "src/a.txt": "theirs\n" });
    await on.prepare({ keep: true });
    const left = await on.worktrees.integrate(tree, { onto: theirs, leaveConflict: true, signal: on.signal });
    put(tree.path, { "dirty.txt": "in progress\n" });
    const next = await on.prepare({ keep: true }, await on.restart());
    expect(next).toMatchObject({ kept: true, head: left.head, salvaged: [] });
    expect(next).toMatchObject({ integrated: left.tree, merging: true });
    expect(next.base.sha).toBe(theirs);
    expect(text(tree.path, "dirty.txt")).toBe("in progress\n");
    expect(text(tree.path, "src/a.txt")).toContain("<<<<<<<");
    expect(git(tree.path, "rev-parse", "MERGE_HEAD")).toBe(theirs);
    expect(git(tree.path, "show", `${left.tree}:src/a.txt`)).toContain("<<<<<<<");
    expect(await on.prepare()).toMatchObject({ kept: false, integrated: null, merging: false });
  });

  test("the branch that the change goes to may be another than the base", async () => {
    const release = on.push("release", { "r.txt": "r\n" });
    const tree = await on.prepare({ targetBranch: "release" });
    expect(tree).toMatchObject({ base: { sha: on.at("main") }, target: { branch: "release", sha: release } });
    expect(tree.head).toBe(release);
    expect(git(tree.path, "rev-parse", "origin/release")).toBe(release);
    await expect(on.prepare({ targetBranch: "patchrelay/app-1" })).rejects.toThrow(/is the base branch/);
    await expect(on.prepare({ targetBranch: "gone" })).rejects.toThrow(
      /the target branch gone no longer exists/,
    );
  });

  test("a rebase that an interruption left behind is ended, and every commit in it is salvaged", async () => {
    const tree = await on.prepare();
    put(tree.path, { "src/a.txt": "ours\n" });
    const ours = await on.worktrees.commitAll(tree, { message: "ours", trailers: {}, signal: on.signal });
    const theirs = on.push("main", { "src/a.txt": "theirs\n" });
    await on.prepare({ keep: true });
    expect(() => git(tree.path, "rebase", theirs)).toThrow();
    expect(existsSync(join(tree.gitDir, "rebase-merge"))).toBe(true);
    const again = await on.prepare();
    expect(existsSync(join(tree.gitDir, "rebase-merge"))).toBe(false);
    expect(again.head).toBe(theirs);
    expect(git(tree.path, "status", "--porcelain")).toBe("");
    const kept = await on.worktrees.salvageList(tree, on.signal);
    expect(kept.map((each) => each.sha)).toContain(ours);
  });
});

describe("a damaged worktree", () => {
  test("one whose making was interrupted is made again without salvage", async () => {
    const tree = await on.prepare();
    rmSync(join(tree.gitDir, "patchrelay-made"));
    rmSync(join(on.folder, "relay/private/notes"), { recursive: true });
    rmSync(join(tree.path, "readme.md"));
    writeFileSync(join(tree.gitDir, "index.lock"), "");
    writeFileSync(join(tree.gitDir, "locked"), "initializing");
    const again = await on.prepare();
    expect(again.salvaged).toEqual([]);
    expect(git(again.path, "status", "--porcelain")).toBe("");
  });

  test("files that the mirror knows nothing of are renamed, not deleted", async () => {
    const tree = await on.prepare();
    put(tree.path, { "precious.txt": "only here\n" });
    rmSync(tree.commonDir, { recursive: true });
    const again = await on.prepare();
    expect(again.salvaged).toHaveLength(1);
    expect(text(again.salvaged[0] ?? "", "precious.txt")).toBe("only here\n");
    expect(git(again.path, "status", "--porcelain")).toBe("");
  });

  test("a deleted folder comes back, and commits that were only there are salvaged", async () => {
    const tree = await on.prepare();
    put(tree.path, { "ours.txt": "ours\n" });
    const ours = await on.worktrees.commitAll(tree, { message: "ours", trailers: {}, signal: on.signal });
    rmSync(tree.path, { recursive: true });
    const again = await on.prepare();
    expect(again.head).toBe(on.at("main"));
    expect((await on.worktrees.salvageList(tree, on.signal)).map((each) => each.sha)).toEqual([ours]);
  });

  test("locks that a killed git of an earlier life left behind do not stop the next", async () => {
    const tree = await on.prepare();
    const locks = ["refs/patchrelay/remote/main.lock", "packed-refs.lock", "worktrees/app-1/HEAD.lock"];
    for (const lock of locks) {
      mkdirSync(join(tree.commonDir, lock, ".."), { recursive: true });
      writeFileSync(join(tree.commonDir, lock), "");
    }
    const moved = on.push("main", { "n.txt": "n\n" });
    const tomorrow = await on.restart();
    expect((await on.prepare({}, tomorrow)).head).toBe(moved);
  });

  test("a lock older than any git of this life may become is left behind, a younger one is somebody's", async () => {
    const tree = await on.prepare();
    const lock = join(tree.commonDir, "refs/patchrelay/remote/main.lock");
    mkdirSync(join(lock, ".."), { recursive: true });
    const moved = on.push("main", { "n.txt": "n\n" });
    // The relay started an hour ago, by the file system's time.
    const hour = statSync(join(on.folder, "relay/private/started")).mtimeMs / 1_000 - 3_600;
    utimesSync(join(on.folder, "relay/private/started"), hour, hour);
    writeFileSync(lock, "");
    await expect(on.prepare()).rejects.toThrow(/main\.lock|unable to|cannot lock/i);
    utimesSync(lock, hour + 60, hour + 60);
    expect((await on.prepare()).head).toBe(moved);
  });

  test("a HEAD that is gone is put back, and what lies in the tree is salvaged", async () => {
    const tree = await on.prepare();
    put(tree.path, { "dirty.txt": "dirty\n" });
    rmSync(join(tree.gitDir, "HEAD"));
    rmSync(join(tree.gitDir, "index"));
    const again = await on.prepare();
    expect(again.head).toBe(on.at("main"));
    expect(git(tree.path, "show", `${again.salvaged[0]}:dirty.txt`)).toBe("dirty");
  });

  test("a link in place of the worktree is not followed", async () => {
    const tree = await on.prepare();
    const outside = join(on.folder, "outside");
    put(outside, { "theirs.txt": "not ours\n" });
    renameSync(tree.path, join(on.folder, "moved"));
    symlinkSync(outside, tree.path);
    const again = await on.prepare();
    expect(git(again.path, "status", "--porcelain")).toBe("");
    expect(text(outside, "theirs.txt")).toBe("not ours\n");
    expect(existsSync(join(outside, "readme.md"))).toBe(false);
  });
});

describe("removing a worktree", () => {
  test("salvages first, deletes files, branch and git directory, and can be repeated", async () => {
    const tree = await on.prepare();
    put(tree.path, { "ours.txt": "ours\n" });
    const ours = await on.worktrees.commitAll(tree, { message: "ours", trailers: {}, signal: on.signal });
    put(tree.path, { "dirty.txt": "dirty\n" });
    const [made, ...more] = await on.worktrees.remove(tree, { signal: on.signal });
    expect(more).toEqual([]);
    expect(existsSync(tree.path) || existsSync(tree.gitDir)).toBe(false);
    expect(git(tree.commonDir, "rev-parse", `${made?.ref}^`)).toBe(ours);
    expect(git(tree.commonDir, "for-each-ref", "refs/heads")).toBe("");
    expect(await on.worktrees.remove(tree, { signal: on.signal })).toEqual([]);
    expect(await on.worktrees.salvageList(tree, on.signal)).toEqual([made]);
  });

  test("needs no more than its names: the branch is the one it was prepared for", async () => {
    const tree = await on.prepare();
    put(tree.path, { "ours.txt": "ours\n" });
    const ours = await on.worktrees.commitAll(tree, { message: "ours", trailers: {}, signal: on.signal });
    git(tree.path, "checkout", "--quiet", "--detach", "origin/main");
    const [made, ...more] = await on.worktrees.removeNamed("example/app", "app-1", { signal: on.signal });
    expect([made?.sha, more]).toEqual([ours, []]);
    expect(existsSync(tree.path) || existsSync(tree.gitDir)).toBe(false);
    expect(git(tree.commonDir, "for-each-ref", "refs/heads")).toBe("");
    expect(await on.worktrees.removeNamed("example/app", "app-1", { signal: on.signal })).toEqual([]);
    expect(await on.worktrees.removeNamed("example/never-seen", "app-9", { signal: on.signal })).toEqual([]);
    expect(existsSync(join(on.folder, "relay/mirrors/example+never-seen.git"))).toBe(false);
  });

  test("a worktree that was published leaves no salvage", async () => {
    const tree = await on.prepare();
    put(tree.path, { "ours.txt": "ours\n" });
    await on.worktrees.commitAll(tree, {
      message: "ours",
      trailers: { "Patchrelay-Run": "r.1" },
      signal: on.signal,
    });
    await on.worktrees.publish(tree, {
      cloneUrl: on.remote,
      branch: tree.branch,
      expected: null,
      runTrailer: "r.1",
      signal: on.signal,
    });
    expect(await on.worktrees.remove(tree, { signal: on.signal })).toEqual([]);
  });
});

describe("what piles up", () => {
  test("in the mirror is packed, and nothing of it is lost, not even what no ref holds", async () => {
    const tree = await on.prepare();
    const files = Array.from({ length: 6_701 }, (_, number) => [`loose/${number}`, `${number}\n`] as const);
    put(on.folder, Object.fromEntries(files));
    const paths = files.map(([name]) => join(on.folder, name)).join("\n");
    const write = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
    const ids = execFileSync("git", write, { cwd: tree.commonDir, input: paths, encoding: "utf8" })
      .trim()
      .split("\n");
    const loose = (): number => Number(git(tree.commonDir, "count-objects").split(" ")[0]);
    expect(loose()).toBeGreaterThan(6_700);
    await on.prepare();
    // What is in a pack is taken away the next time only: somebody may be reading it.
    await on.prepare();
    expect(loose()).toBeLessThan(100);
    const list = ["cat-file", "--batch-all-objects", "--batch-check=%(objectname)"];
    const all = new Set(git(tree.commonDir, ...list).split("\n"));
    expect(ids.filter((id) => !all.has(id))).toEqual([]);
  });

  test("of a killed relay's copies is removed at the next start; homes stay", async () => {
    const tree = await on.prepare();
    const folder = join(on.folder, "relay/private");
    put(folder, { "hook-a1/own/hook": "x", "index-b2/index": "x", "homes/app-1/cache": "x" });
    await on.restart();
    expect(existsSync(join(folder, "hook-a1")) || existsSync(join(folder, "index-b2"))).toBe(false);
    expect(text(folder, "homes/app-1/cache")).toBe("x");
    expect(existsSync(tree.path)).toBe(true);
  });
});

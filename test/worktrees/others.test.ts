import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BranchTaken, RewrittenHistory } from "../../src/worktrees/errors.ts";
import type { Integrated, Prepared } from "../../src/worktrees/worktrees.ts";
import { git, put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

// Commits that are not the relay's keep their ids, and with them their authors and signatures, whatever it does.

const BRANCH = "patchrelay/app-1";

let on: Stage;
let tree: Prepared;
beforeEach(async () => {
  on = await stage();
  tree = await on.prepare();
});
afterEach(() => on.end());

async function commit(files: Readonly<Record<string, string>>, published: string | null = null) {
  put(tree.path, files);
  const trailers = { "Patchrelay-Run": "linear-1.1" };
  return await on.worktrees.commitAll(tree, { message: "Work", trailers, published, signal: on.signal });
}

async function publishes(expected: string | null = null): Promise<void> {
  const request = { branch: BRANCH, expected, runTrailer: "linear-1.1", cloneUrl: on.remote };
  await on.worktrees.publish(tree, { ...request, signal: on.signal });
}

/** The relay's first commit, pushed. */
async function first(files: Readonly<Record<string, string>> = { "a.txt": "a\n" }): Promise<string> {
  const sha = await commit(files);
  await publishes();
  return sha ?? "";
}

async function integrate(
  onto: string,
  options: { since?: string; leaveConflict?: boolean } = {},
): Promise<Integrated> {
  return await on.worktrees.integrate(tree, { onto, leaveConflict: false, signal: on.signal, ...options });
}

/** The person checks the branch out. */
function takes(): (...args: string[]) => string {
  const at = (...args: string[]): string => git(on.person, ...args);
  at("fetch", "--quiet", on.remote, "+refs/heads/*:refs/remotes/r/*");
  at("checkout", "--quiet", "--detach", `r/${BRANCH}`);
  return at;
}

/** A merge of main in which the person adapts a file that neither side has changed. */
function evilMerge(files: Readonly<Record<string, string>> = { "src/a.txt": "adapted\n" }): string {
  const at = takes();
  at("merge", "--quiet", "--no-commit", "--no-ff", "r/main");
  put(on.person, files);
  at("add", "-A");
  at("commit", "--quiet", "-m", "Merge main, adapted");
  at("push", "--quiet", on.remote, `HEAD:refs/heads/${BRANCH}`);
  return at("rev-parse", "HEAD");
}

const BOT = { name: "relay[bot]", email: "7+relay[bot]@users.noreply.github.com" };

/** Author, committer and run of each commit that is new to the branch's base, newest first. */
function makers(): readonly string[] {
  const format = "--format=%ae %ce %(trailers:key=Patchrelay-Run,valueonly,separator=%x2C)";
  return git(tree.path, "log", format, "--first-parent", `${tree.base.sha}..HEAD`).split("\n");
}

test("every commit that is made for a run names its author and the run, merges and an agent's own too", async () => {
  const trailers = { "Patchrelay-Run": "linear-1.1" };
  const request = { trailers, by: BOT, signal: on.signal };
  put(tree.path, { "a.txt": "a\n" });
  git(tree.path, "add", "-A");
  const env = { PATH: process.env["PATH"] ?? "", HOME: on.folder };
  execFileSync("git", ["commit", "--quiet", "-m", "The agent's own"], { cwd: tree.path, env });
  await on.worktrees.commitAll(tree, { message: "Work", ...request });
  await publishes();
  const onto = on.push("main", { "b.txt": "b\n" });
  tree = await on.prepare();
  await on.worktrees.integrate(tree, { onto, message: "Merge main", leaveConflict: false, ...request });
  put(tree.path, { "c.txt": "c\n" });
  await on.worktrees.commitAll(tree, { message: "More", ...request });
  const ours = `${BOT.email} ${BOT.email} linear-1.1`;
  expect(makers()).toEqual([ours, ours, ours]);
});

/** Commits of a history that another lacks. */
function lacking(history: string, ...of: string[]): string {
  return git(tree.path, "rev-list", ...of, `^${history}`);
}

const SIGNATURE = "-----BEGIN PGP SIGNATURE-----\n \n iQEzBAABCAAdFiEE\n -----END PGP SIGNATURE-----";

/** A signed commit of the remote's branch, written as git stores it. */
function signed(author = "Pat <pat@example.com>"): string {
  const parent = on.at(BRANCH);
  const text = `tree ${on.at(`${parent}^{tree}`)}\nparent ${parent}\nauthor ${author} 1700000000 +0100\ncommitter ${author} 1700000000 +0100\ngpgsig ${SIGNATURE}\n\nSigned\n\nCo-authored-by: Robin <robin@example.com>\n`;
  const args = ["hash-object", "-t", "commit", "-w", "--stdin"];
  const sha = execFileSync("git", args, { cwd: on.remote, input: text, encoding: "utf8" }).trim();
  git(on.remote, "update-ref", `refs/heads/${BRANCH}`, sha);
  return sha;
}

describe("the base moves, and the branch holds commits of others", () => {
  test("what a person changed inside of a merge commit stays, and so does the commit", async () => {
    await first();
    on.push("main", { "m1.txt": "1\n" });
    const theirs = evilMerge();
    const onto = on.push("main", { "m2.txt": "2\n" });
    tree = await on.prepare();
    const { outcome, head } = await integrate(onto, { leaveConflict: true });
    expect(outcome).toBe("clean");
    expect(lacking(head, theirs, onto)).toBe("");
    expect(git(tree.path, "show", `${head}:src/a.txt`)).toBe("adapted");
    await commit({ "b.txt": "b\n" }, theirs);
    await publishes(theirs);
    expect(lacking(on.at(BRANCH), theirs, onto)).toBe("");
  });

  test("in a conflict, too, which is left as a merge", async () => {
    await first();
    on.push("main", { "m1.txt": "1\n" });
    const theirs = evilMerge();
    const onto = on.push("main", { "src/a.txt": "main\n" });
    tree = await on.prepare();
    expect(await integrate(onto, { leaveConflict: true })).toMatchObject({
      outcome: "conflict",
      conflicts: ["src/a.txt"],
    });
    const head = await commit({ "src/a.txt": "adapted main\n" }, theirs);
    await publishes(theirs);
    expect(on.at(BRANCH)).toBe(head);
    expect(git(tree.path, "log", "-1", "--format=%P")).toBe(`${theirs} ${onto}`);
  });

  test("how an earlier merge of the relay's own was resolved stays as well", async () => {
    const before = await first({ "src/a.txt": "ours\n" });
    tree = await on.prepare();
    const onto = on.push("main", { "src/a.txt": "main\n" });
    await on.prepare({ keep: true });
    await integrate(onto, { leaveConflict: true });
    const merge = await commit({ "src/a.txt": "both\n", "adapted.txt": "needs both\n" }, before);
    await publishes(before);
    const again = on.push("main", { "m.txt": "m\n" });
    tree = await on.prepare();
    const { outcome, head } = await integrate(again, { leaveConflict: true });
    expect([outcome, lacking(head, merge ?? "", again)]).toEqual(["clean", ""]);
    expect(git(tree.path, "show", `${head}:adapted.txt`)).toBe("needs both");
  });

  test.each([
    ["a person", "Pat <pat@example.com>"],
    ["a bot", "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>"],
    ["somebody by the relay's own name", "patchrelay <relay@example.com>"],
  ])("a signed commit of %s keeps id, author and signature", async (_, author) => {
    await first();
    const theirs = signed(author);
    const onto = on.push("main", { "m.txt": "m\n" });
    tree = await on.prepare();
    await integrate(onto, { leaveConflict: true });
    expect(await commit({}, theirs)).not.toBeNull();
    await publishes(theirs);
    expect(lacking(on.at(BRANCH), theirs, onto)).toBe("");
    expect(git(on.remote, "cat-file", "commit", theirs)).toContain("BEGIN PGP SIGNATURE");
  });

  test("a submodule that a person added in a merge stays", async () => {
    await first();
    on.push("main", { "m1.txt": "1\n" });
    const at = takes();
    at("merge", "--quiet", "--no-commit", "--no-ff", "r/main");
    at("update-index", "--add", "--cacheinfo", `160000,${on.at("main")},lib`);
    at("commit", "--quiet", "-m", "Merge main, with the library");
    at("push", "--quiet", on.remote, `HEAD:refs/heads/${BRANCH}`);
    const theirs = at("rev-parse", "HEAD");
    const onto = on.push("main", { "m2.txt": "2\n" });
    tree = await on.prepare();
    const { head } = await integrate(onto, { leaveConflict: true });
    await commit({ "b.txt": "b\n" }, theirs);
    expect(lacking(head, theirs, onto)).toBe("");
    expect(git(tree.path, "ls-tree", "HEAD", "lib")).toMatch(/^160000 commit/);
    expect(
      (await on.worktrees.changes(tree, head, { signal: on.signal })).files.map(({ path }) => path),
    ).toEqual(["b.txt"]);
  });

  test("a merge that an interruption cut off leaves the worktree as it was", async () => {
    const before = await first();
    const onto = on.push("main", { "m.txt": "m\n" });
    await on.prepare({ keep: true });
    const stop = new AbortController();
    stop.abort(new Error("stopped"));
    const cut = on.worktrees.integrate(tree, { onto, leaveConflict: false, signal: stop.signal });
    await expect(cut).rejects.toThrow("stopped");
    expect(git(tree.path, "rev-parse", "HEAD")).toBe(before);
    expect(git(tree.path, "status", "--porcelain")).toBe("");
  });
});

describe("somebody pushes while the agent works", () => {
  test("what we have not pushed yet is put on top of theirs", async () => {
    const before = await first();
    await commit({ "b.txt": "b\n" }, before);
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    await on.prepare({ keep: true });
    const { outcome, head } = await integrate(theirs, { since: before });
    expect(outcome).toBe("clean");
    expect(git(tree.path, "log", "-1", "--format=%P %s", head)).toBe(`${theirs} Work`);
    expect(git(tree.path, "status", "--porcelain")).toBe("");
  });

  test("a merge that we made meanwhile is merged with theirs, and no commit of the base is made again", async () => {
    const before = await first();
    const onto = on.push("main", { "m.txt": "m\n" });
    tree = await on.prepare();
    await integrate(onto, { leaveConflict: true });
    await commit({ "b.txt": "b\n" }, before);
    on.push("main", { "m2.txt": "2\n" });
    const theirs = evilMerge();
    await on.prepare({ keep: true });
    const { outcome, head } = await integrate(theirs, { since: before });
    expect([outcome, lacking(head, theirs, onto)]).toEqual(["clean", ""]);
    const subjects = git(tree.path, "log", "--format=%s", head).split("\n");
    expect(subjects.filter((subject) => subject === "person: m.txt")).toHaveLength(1);
  });

  test("what a person took off the branch by force does not come back by us", async () => {
    const before = await first();
    const dropped = on.push(BRANCH, { "secret.txt": "secret\n" });
    tree = await on.prepare();
    await commit({ "b.txt": "b\n" }, dropped);
    git(on.remote, "update-ref", `refs/heads/${BRANCH}`, before);
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    await on.prepare({ keep: true });
    const head = git(tree.path, "rev-parse", "HEAD");
    expect(await integrate(theirs, { since: dropped })).toMatchObject({ outcome: "rewritten", head });
    expect(git(tree.path, "status", "--porcelain")).toBe("");
  });

  test("a person's commit at the tip is never made again with our trailer, though it left the branch", async () => {
    const before = await first();
    const dropped = signed();
    tree = await on.prepare();
    git(on.remote, "update-ref", `refs/heads/${BRANCH}`, before);
    await on.prepare({ keep: true });
    expect(await commit({}, dropped)).toBeNull();
    expect(git(tree.path, "rev-parse", "HEAD")).toBe(dropped);
  });

  test("an agent that drops or amends a commit of the branch is found out", async () => {
    const before = await first();
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    tree = await on.prepare();
    git(tree.path, "commit", "--quiet", "--amend", "-m", "Reworded");
    await expect(commit({ "b.txt": "b\n" }, theirs)).rejects.toThrow(RewrittenHistory);
    git(tree.path, "reset", "--quiet", "--hard", before);
    await expect(commit({ "b.txt": "b\n" }, theirs)).rejects.toThrow(/is on the branch already/);
  });
});

describe("a branch of the issue's name", () => {
  const MINE = "0".repeat(39) + "1";

  test.each([
    ["nothing", []],
    ["another commit", [MINE]],
  ])("is taken when of %s of ours it holds", async (_, pushed) => {
    await on.worktrees.remove(tree, { signal: on.signal });
    const theirs = on.push(BRANCH, { "old.txt": "old\n" });
    await expect(on.prepare({ pushed })).rejects.toThrow(BranchTaken);
    expect(on.at(BRANCH)).toBe(theirs);
    expect((await on.prepare({ pushed, branch: `${BRANCH}-2`, worktreeName: "app-1-2" })).head).toBe(
      on.at("main"),
    );
  });

  test("is the issue's when it holds what the issue pushed, also below a person's commit", async () => {
    const ours = await first();
    expect((await on.prepare({ pushed: [ours] })).head).toBe(ours);
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    expect((await on.prepare({ pushed: [MINE, ours] })).head).toBe(theirs);
  });

  test("is free when it is nowhere, and taken while another worktree has it", async () => {
    expect((await on.prepare({ pushed: [] })).head).toBe(on.at("main"));
    await expect(on.prepare({ pushed: [], worktreeName: "other-1" })).rejects.toThrow(BranchTaken);
    await on.worktrees.remove(tree, { signal: on.signal });
    rmSync(join(on.folder, "relay/worktrees/app-1"), { recursive: true, force: true });
    expect((await on.prepare({ pushed: [], worktreeName: "other-1" })).head).toBe(on.at("main"));
  });
});

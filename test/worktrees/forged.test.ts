import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Prepared } from "../../src/worktrees/worktrees.ts";
import { git, put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

// T37 in docs/reliability.md. Code that a hook starts can write in the worktree's git directories: what it leaves there
// must not change what the relay sees, publishes, keeps or takes away.

let on: Stage;
let tree: Prepared;
beforeEach(async () => {
  on = await stage();
  tree = await on.prepare();
});
afterEach(() => on.end());

const trailers = { "Patchrelay-Run": "r.1" };

async function seen(from = tree.head): Promise<readonly string[]> {
  return (await on.worktrees.changes(tree, from, { signal: on.signal })).files.map(({ path }) => path);
}
async function commit(published: string | null = null): Promise<string | null> {
  return await on.worktrees.commitAll(tree, { message: "Work", trailers, published, signal: on.signal });
}
/** A commit that only the mirror has. */
function hidden(files: Readonly<Record<string, string>>): string {
  const side = join(on.folder, "side");
  git(on.folder, "clone", "--quiet", tree.commonDir, side);
  git(side, "checkout", "--quiet", "--detach", tree.base.sha);
  put(side, files);
  git(side, "add", "-A");
  git(side, "commit", "--quiet", "-m", "hidden");
  git(side, "push", "--quiet", tree.commonDir, "HEAD:refs/heads/hidden");
  return git(side, "rev-parse", "HEAD");
}

/** Makes a commit graph say that no commit has a parent (Documentation/gitformat-commit-graph.txt). */
function orphan(path: string): void {
  const graph = readFileSync(path);
  const table = Array.from({ length: graph.readUInt8(6) + 1 }, (_, at) => 8 + 12 * at);
  const [from = 0, to = 0] = table.flatMap((at, place) =>
    graph.toString("latin1", at, at + 4) === "CDAT"
      ? [at, table[place + 1] ?? 0].map((entry) => Number(graph.readBigUInt64BE(entry + 4)))
      : [],
  );
  for (let at = from + 20; at < to; at += 36) graph.writeUInt32BE(0x70000000, at);
  chmodSync(path, 0o644);
  writeFileSync(path, graph);
}

describe("what the worktree is said to be made for", () => {
  test("is not read from its git directory: no tree, head, branch or base that lies there counts", async () => {
    const onto = on.push("main", { "m.txt": "m\n" });
    await on.prepare({ keep: true });
    const { tree: integrated } = await on.worktrees.integrate(tree, {
      onto,
      leaveConflict: true,
      signal: on.signal,
    });
    put(tree.path, { "evil.txt": "evil\n" });
    git(tree.path, "add", "-A");
    const forged = git(tree.path, "write-tree");
    const other = on.push("patchrelay/app-2", { "other.txt": "other\n" });
    const second = await on.prepare({ branch: "patchrelay/app-2", worktreeName: "app-2" });
    const text = ["patchrelay/app-2", other, forged, other, ""].join("\n");
    writeFileSync(join(tree.gitDir, "patchrelay-made"), text);
    const relay = await on.restart();
    const again = await on.prepare({ keep: true }, relay);
    expect([again.kept, again.integrated, again.standsOn]).toEqual([true, integrated, null]);
    await relay.removeNamed("example/app", "app-1", { signal: on.signal });
    expect(git(second.commonDir, "rev-parse", "refs/heads/patchrelay/app-2")).toBe(other);
    expect(existsSync(tree.path)).toBe(false);
    expect((await on.prepare()).integrated).toBeNull();
  });

  test("two repositories' worktrees of one name have a note each", async () => {
    const onto = on.push("main", { "m.txt": "m\n" });
    await on.prepare({ keep: true });
    await on.worktrees.integrate(tree, { onto, leaveConflict: true, signal: on.signal });
    const other = await on.prepare({ repository: "example/other", keep: true });
    expect([other.kept, other.integrated]).toEqual([false, null]);
  });

  test("a mark that somebody took away loses no work", async () => {
    put(tree.path, { "work.txt": "work\n" });
    rmSync(join(tree.gitDir, "patchrelay-made"));
    const { salvaged } = await on.prepare();
    expect(git(tree.path, "show", `${salvaged[0]}:work.txt`)).toBe("work");
  });
});

describe("what is looked at and published", () => {
  test.each<[string, () => void]>([
    ["info/exclude", () => put(tree.commonDir, { "info/exclude": "*\n" })],
    [
      "flags of the index",
      () => {
        git(tree.path, "update-index", "--assume-unchanged", "readme.md");
        git(tree.path, "update-index", "--skip-worktree", "src/a.txt");
      },
    ],
  ])("is not narrowed by %s", async (_, forge) => {
    forge();
    put(tree.path, { "new.txt": "new\n", "readme.md": "changed\n", "src/a.txt": "changed\n" });
    expect(await seen()).toEqual(["new.txt", "readme.md", "src/a.txt"]);
    await commit();
    expect(git(tree.path, "diff", "--name-only", tree.head, "HEAD").split("\n")).toHaveLength(3);
  });

  test.each<[string, (tip: string) => void]>([
    ["a ref of the mirror's", (tip) => git(tree.path, "update-ref", "refs/patchrelay/remote/evil", tip)],
    ["a shallow file", (tip) => writeFileSync(join(tree.commonDir, "shallow"), `${tip}\n`)],
    [
      "a commit graph",
      () => {
        git(tree.path, "commit-graph", "write", "--reachable");
        orphan(join(tree.commonDir, "objects/info/commit-graph"));
        expect(git(tree.path, "rev-list", "--count", "HEAD"), "the control").toBe("1");
      },
    ],
  ])("commits between stay in sight, whatever %s says of them", async (_, forge) => {
    put(tree.path, { "secret.txt": "the secret\n+ sealed\n" });
    git(tree.path, "add", "-A");
    git(tree.path, "commit", "--quiet", "-m", "one");
    rmSync(join(tree.path, "secret.txt"));
    git(tree.path, "commit", "--quiet", "-am", "two");
    forge(git(tree.path, "rev-parse", "HEAD"));
    const { carried } = await on.worktrees.changes(tree, tree.head, { signal: on.signal });
    expect(carried).toContain("the secret");
  });

  test("also after the base was merged in, and inside of a merge", async () => {
    const onto = on.push("main", { "m.txt": "m\n" });
    await on.prepare({ keep: true });
    const { tree: integrated } = await on.worktrees.integrate(tree, {
      onto,
      leaveConflict: true,
      signal: on.signal,
    });
    const side = hidden({ "side.txt": "side\n" });
    git(tree.path, "merge", "--quiet", "--no-commit", "--no-ff", side);
    put(tree.path, { "secret.txt": "the secret\n+ sealed\n" });
    git(tree.path, "add", "-A");
    git(tree.path, "commit", "--quiet", "-m", "merged");
    git(tree.path, "rm", "--quiet", "secret.txt", "side.txt");
    git(tree.path, "commit", "--quiet", "-m", "taken away");
    const { carried, files } = await on.worktrees.changes(tree, integrated, { signal: on.signal });
    expect(files).toEqual([]);
    expect(carried).toEqual(expect.arrayContaining(["side"]));
    expect(carried?.join("\n")).toContain("the secret");
    expect(carried?.join("\n")).toContain("sealed");
    expect(carried).not.toContain("m");
  });

  test("a merge that we have not begun is not concluded", async () => {
    const evil = hidden({ "evil.txt": "evil\n" });
    writeFileSync(join(tree.gitDir, "MERGE_HEAD"), `${evil}\n`);
    put(tree.path, { "new.txt": "new\n" });
    await commit();
    expect(git(tree.path, "log", "-1", "--format=%P")).toBe(tree.head);
    expect(existsSync(join(tree.gitDir, "MERGE_HEAD"))).toBe(false);
  });
});

test("a merge that a hook gave up is not concluded as if nothing had come of it", async () => {
  put(tree.path, { "src/a.txt": "ours\n" });
  await commit();
  const onto = on.push("main", { "src/a.txt": "theirs\n", "m.txt": "m\n" });
  await on.prepare({ keep: true });
  await on.worktrees.integrate(tree, { onto, leaveConflict: true, signal: on.signal });
  git(tree.path, "merge", "--abort");
  put(tree.path, { "new.txt": "new\n" });
  await expect(commit()).rejects.toThrow(/was given up/);
  expect((await on.prepare({ keep: true })).kept).toBe(false);
});

test.each<[string, () => void]>([
  ["HEAD", () => git(tree.path, "symbolic-ref", "HEAD", "refs/heads/patchrelay/app-2")],
  [
    "its own branch",
    () => git(tree.path, "symbolic-ref", "refs/heads/patchrelay/app-1", "refs/heads/patchrelay/app-2"),
  ],
])("a commit moves no branch of another issue, though %s stands for it", async (_, forge) => {
  const second = await on.prepare({ branch: "patchrelay/app-2", worktreeName: "app-2" });
  forge();
  put(tree.path, { "new.txt": "new\n" });
  const made = await commit();
  expect(git(second.commonDir, "rev-parse", "refs/heads/patchrelay/app-2")).toBe(second.head);
  expect(git(tree.path, "rev-parse", "HEAD")).toBe(made);
  await on.prepare();
  expect(git(second.commonDir, "rev-parse", "refs/heads/patchrelay/app-2")).toBe(second.head);
});

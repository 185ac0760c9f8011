import { chmodSync, existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { objections } from "../../src/runs/inspect.ts";
import { Unstorable } from "../../src/worktrees/errors.ts";
import type { Changes, Prepared } from "../../src/worktrees/worktrees.ts";
import { git, put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

// What looks changed in a fresh checkout, or was changed before the agent began, is nobody's change.

const CRLF = "echo one\r\necho two\r\n";
const MANY = 400;

let on: Stage;
let tree: Prepared;
afterEach(() => on.end());

/** Attributes that were set after the files were stored. */
async function storedBefore(
  attributes: string,
  files: Readonly<Record<string, string | Buffer>>,
): Promise<void> {
  on = await stage();
  for (const [name, content] of Object.entries(files)) writeFileSync(join(on.person, name), content);
  git(on.person, "add", "-A");
  git(on.person, "commit", "--quiet", "-m", "files");
  writeFileSync(join(on.person, ".gitattributes"), attributes);
  git(on.person, "add", ".gitattributes");
  git(on.person, "commit", "--quiet", "-m", "attributes");
  git(on.person, "push", "--quiet", on.remote, "HEAD:refs/heads/main");
  tree = await on.prepare();
  touch(Object.keys(files));
}

/** Git looks into a file whose times are not those that it knows. */
function touch(files: readonly string[]): void {
  for (const name of files) utimesSync(join(tree.path, name), 1_700_000_000, 1_700_000_000);
}

const changes = async (from = tree.head): Promise<Changes> =>
  await on.worktrees.changes(tree, from, { signal: on.signal });
const changed = async (): Promise<readonly string[]> => (await changes()).files.map(({ path }) => path);
const commit = async (): Promise<string | null> =>
  await on.worktrees.commitAll(tree, {
    message: "Work",
    trailers: { "Patchrelay-Run": "r.1" },
    signal: on.signal,
  });
const committed = (): readonly string[] =>
  git(tree.path, "diff", "--name-only", tree.head, "HEAD").split("\n").filter(Boolean);

describe("files that a fresh checkout shows as modified", () => {
  const names = Array.from({ length: MANY }, (_, number) => `f${number}.bat`);
  beforeEach(async () => {
    await storedBefore("*.bat text\n", Object.fromEntries(names.map((name) => [name, CRLF])));
  });

  test("are no change, and nothing is committed for them", async () => {
    expect(git(tree.path, "ls-files", "--modified").split("\n")).toHaveLength(MANY);
    expect(await changes()).toMatchObject({ files: [], patchId: null });
    expect(await commit()).toBeNull();
  });

  test("are left out beside a change, and one of them that is edited is published", async () => {
    put(tree.path, { "new.txt": "new\n", "f7.bat": `${CRLF}echo three\r\n` });
    expect(await changed()).toEqual(["f7.bat", "new.txt"]);
    await commit();
    expect(committed()).toEqual(["f7.bat", "new.txt"]);
    expect(git(tree.path, "show", "HEAD:f7.bat")).toBe("echo one\necho two\necho three");
    expect(await commit()).toBeNull();
  });

  test("so is one whose line ends are put right, one that is deleted, and one that becomes executable", async () => {
    put(tree.path, { "f1.bat": CRLF.replaceAll("\r", "") });
    rmSync(join(tree.path, "f2.bat"));
    chmodSync(join(tree.path, "f3.bat"), 0o755);
    expect((await changes()).files).toEqual([
      { path: "f1.bat", status: "changed", added: 2, removed: 2, mode: "100644" },
      { path: "f2.bat", status: "deleted", added: 0, removed: 2, mode: "000000" },
      { path: "f3.bat", status: "changed", added: 0, removed: 0, mode: "100755" },
    ]);
    await commit();
    expect(committed()).toEqual(["f1.bat", "f2.bat", "f3.bat"]);
  });

  test("do not hinder an integration, clean or left as a merge, and come through it", async () => {
    put(tree.path, { "src/a.txt": "ours\n" });
    await commit();
    const clean = on.push("main", { "f5.bat": `${CRLF}echo main\r\n` });
    await on.prepare({ keep: true });
    touch(names);
    expect(
      (await on.worktrees.integrate(tree, { onto: clean, leaveConflict: true, signal: on.signal })).outcome,
    ).toBe("clean");
    touch(names);
    const onto = on.push("main", { "src/a.txt": "theirs\n", "f6.bat": `${CRLF}echo main\r\n` });
    await on.prepare({ keep: true });
    const left = await on.worktrees.integrate(tree, { onto, leaveConflict: true, signal: on.signal });
    expect(left).toMatchObject({ outcome: "conflict", conflicts: ["src/a.txt"] });
    expect(names.filter((name) => !existsSync(join(tree.path, name)))).toEqual([]);
    put(tree.path, { "src/a.txt": "both\n" });
    touch(names);
    await commit();
    expect(git(tree.path, "diff", "--name-only", onto, "HEAD").split("\n")).toEqual(["src/a.txt"]);
  });
});

describe("other attributes that were set later", () => {
  test.each<[string, string, string | Buffer]>([
    ["ident", "* ident\n", "x $Id: of old $ y\n"],
    ["eol=crlf over mixed line ends", "*.txt text eol=crlf\n", "a\r\nb\nc\n"],
    [
      "an encoding that the stored bytes are not in",
      "u.txt text working-tree-encoding=UTF-16\n",
      Buffer.from("fffe61006200", "hex"),
    ],
  ])("%s: untouched is unchanged, edited is published", async (_, attributes, content) => {
    await storedBefore(attributes, { "u.txt": content });
    expect(await changed()).toEqual([]);
    put(tree.path, { "other.txt": "x\n" });
    expect(await changed()).toEqual(["other.txt"]);
    writeFileSync(join(tree.path, "u.txt"), Buffer.from("fffe7a000a00", "hex"));
    expect(await changed()).toEqual(["other.txt", "u.txt"]);
  });

  test("what cannot be stored in the encoding that the attributes name is the agent's to mend", async () => {
    await storedBefore("u.txt text working-tree-encoding=UTF-16\n", { "x.txt": "x\n" });
    put(tree.path, { "u.txt": "plain UTF-8\n" });
    await expect(changes()).rejects.toThrow(Unstorable);
    await expect(commit()).rejects.toThrow(/'u\.txt'/);
  });
});

describe("what the preparation changed before the agent began", () => {
  beforeEach(async () => {
    on = await stage({
      files: {
        "readme.md": "hello\n",
        "lock.json": "1\n",
        ".patchrelay/hooks/prepare-worktree":
          "#!/bin/sh\necho installed >> lock.json\necho x > made.txt\nrm -f readme.md\n",
      },
    });
    tree = await on.prepare();
    await prepares();
  });

  async function prepares(): Promise<void> {
    const request = { facts: {}, timeoutMs: 30_000, signal: on.signal, baseSha: tree.base.sha };
    const outcome = await on.worktrees.runHook("prepare-worktree", tree, request as never);
    expect(outcome).toMatchObject({ ran: true, ok: true });
  }

  test("is no change, also after it ran again, and a restart", async () => {
    expect(readFileSync(join(tree.path, "lock.json"), "utf8")).toContain("installed");
    expect(await changed()).toEqual([]);
    await prepares();
    const relay = await on.restart();
    const again = await relay.changes(tree, tree.head, { signal: on.signal });
    expect(again.files).toEqual([]);
    expect(await commit()).toBeNull();
  });

  test("what is changed further is published whole, the rest stays in the worktree only", async () => {
    put(tree.path, { "made.txt": "x, and the agent's\n", "new.txt": "new\n" });
    await commit();
    expect(committed()).toEqual(["made.txt", "new.txt"]);
    expect(readFileSync(join(tree.path, "lock.json"), "utf8")).toContain("installed");
  });

  test("is forgotten when the worktree is made again", async () => {
    tree = await on.prepare();
    put(tree.path, { "made.txt": "x\n" });
    expect(await changed()).toEqual(["made.txt"]);
  });

  test("does not hinder an integration", async () => {
    put(tree.path, { "new.txt": "new\n" });
    await commit();
    const onto = on.push("main", { "lock.json": "2\n" });
    await on.prepare({ keep: true });
    const { outcome } = await on.worktrees.integrate(tree, { onto, leaveConflict: true, signal: on.signal });
    expect([outcome, git(tree.path, "show", "HEAD:lock.json")]).toEqual(["clean", "2"]);
  });
});

describe("filters that attributes name", () => {
  const POINTER = `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize 12\n`;
  const LIMITS = { maxChangedFiles: 100, maxChangedBytes: 100_000 } as Parameters<typeof objections>[2];
  beforeEach(async () => {
    await storedBefore("*.png filter=lfs diff=lfs merge=lfs -text\n*.key filter=git-crypt\n", {
      "old.png": POINTER,
      "old.key": "cipher",
    });
  });
  const held = async (): Promise<readonly string[]> => objections(await changes(), "implementation", LIMITS);

  test("bytes where a pointer belongs, and plain text where a cipher does, are objected to", async () => {
    put(tree.path, { "new.png": "PNG bytes", "old.png": "PNG bytes", "new.key": "plain" });
    expect(await held()).toEqual([
      'new.key has to go through the filter "git-crypt" (.gitattributes), which patchrelay does not run',
      "new.png belongs in Git LFS (.gitattributes), and patchrelay stores nothing there",
      "old.png belongs in Git LFS (.gitattributes), and patchrelay stores nothing there",
    ]);
  });

  test("an attribute that only the worktree has, ignored, changes nothing about it", async () => {
    put(tree.path, {
      ".gitignore": "sub/.gitattributes\n",
      "sub/.gitattributes": "* -filter\n",
      "sub/a.png": "PNG",
    });
    expect(await held()).toEqual([
      "sub/a.png belongs in Git LFS (.gitattributes), and patchrelay stores nothing there",
    ]);
  });

  test("what is only moved or deleted, and a pointer, pass", async () => {
    put(tree.path, { "moved.key": "cipher", "ü.png": POINTER.replace("size 12", "size 13") });
    rmSync(join(tree.path, "old.key"));
    rmSync(join(tree.path, "old.png"));
    expect(await held()).toEqual([]);
  });
});

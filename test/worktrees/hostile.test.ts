import { chmodSync, existsSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Prepared } from "../../src/worktrees/worktrees.ts";
import { git, put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

// T19 to T23 in docs/reliability.md. Each test plants something that runs a program, lets the relay do all it ever does,
// and looks whether the program ran. A control shows that the trap does work with git as a person calls it.

let on: Stage;
let tree: Prepared;
let trap: string;
let sprung: string;
beforeEach(async () => {
  on = await stage();
  tree = await on.prepare();
  trap = join(on.folder, "trap");
  sprung = join(on.folder, "sprung");
  put(on.folder, { trap: `#!/bin/sh\necho "$0 $@" >> ${sprung}\ncat\n` });
  chmodSync(trap, 0o755);
});
afterEach(() => on.end());

/** All that the relay does with a worktree. */
async function wholeLife(): Promise<void> {
  const { worktrees, signal } = on;
  await worktrees.status(tree, signal);
  await worktrees.changes(tree, tree.base.sha, { signal });
  put(tree.path, { "a.txt": "a\n", "src/a.txt": "ours\n" });
  const trailers = { "Patchrelay-Run": "r.1" };
  await worktrees.commitAll(tree, { message: "Work", trailers, signal });
  const onto = on.push("main", { "src/b.txt": "b\n", "src/a.txt": "theirs\n" });
  await on.prepare({ keep: true });
  await worktrees.integrate(tree, { onto, leaveConflict: false, signal });
  const request = { cloneUrl: on.remote, branch: tree.branch, expected: null, runTrailer: "r.1", signal };
  await worktrees.publish(tree, request);
  await worktrees.integrate(tree, { onto, leaveConflict: true, signal });
  put(tree.path, { "dirty.txt": "dirty\n" });
  await on.prepare();
  await worktrees.remove(tree, { signal });
}

const config = (text: string): void => writeFileSync(join(tree.commonDir, "config"), text, { flag: "a" });
const tripped = (): string => (existsSync(sprung) ? readFileSync(sprung, "utf8") : "");

describe("what a repository's config could run does not run", () => {
  test("fsmonitor, hooks, filters, diff and merge drivers, helpers, ssh, aliases and push addresses", async () => {
    put(on.folder, { "hooks/pre-push": readFileSync(trap, "utf8") });
    put(on.folder, { include: `[core]\n\tfsmonitor = ${trap}\n[filter "evil"]\n\tclean = ${trap}\n` });
    const hookNames = [
      "pre-push",
      "pre-commit",
      "post-checkout",
      "post-commit",
      "reference-transaction",
      "pre-rebase",
    ];
    for (const name of [...hookNames, "post-rewrite", "post-index-change", "commit-msg", "post-merge"]) {
      put(on.folder, { [`hooks/${name}`]: readFileSync(trap, "utf8") });
      chmodSync(join(on.folder, "hooks", name), 0o755);
    }
    config(`
[core]
	fsmonitor = ${trap}
	hooksPath = ${join(on.folder, "hooks")}
	sshCommand = ${trap}
	attributesFile = ${join(on.folder, "attributes")}
	pager = ${trap}
	editor = ${trap}
	alternateRefsCommand = ${trap}
	worktree = ${on.person}
[include]
	path = ${join(on.folder, "include")}
[filter "evil"]
	clean = ${trap}
	smudge = ${trap}
	required = true
[diff]
	external = ${trap}
[diff "evil"]
	textconv = ${trap}
	command = ${trap}
[merge "evil"]
	driver = ${trap} %A
[credential]
	helper = ${trap}
[gpg]
	program = ${trap}
[commit]
	gpgSign = true
[url "ext::${trap} %S"]
	insteadOf = ${on.remote}
[remote "origin"]
	url = ${on.remote}
	pushurl = ext::${trap}
[alias]
	status = !${trap}
[trailer "x"]
	command = ${trap}
[sequence]
	editor = ${trap}
`);
    put(tree.commonDir, { "info/attributes": "* filter=evil diff=evil merge=evil\n" });
    put(tree.path, { ".gitattributes": "* filter=evil diff=evil merge=evil\n", "control.txt": "c\n" });
    git(tree.path, "status");
    expect(tripped(), "the control").not.toBe("");
    rmSync(sprung);
    await wholeLife();
    expect(tripped()).toBe("");
    expect(readFileSync(join(tree.commonDir, "config"), "utf8")).not.toContain(trap);
  });

  test("hooks that lie in the mirror's own hooks folder", async () => {
    const names = [
      "pre-push",
      "pre-commit",
      "post-checkout",
      "reference-transaction",
      "pre-rebase",
      "post-merge",
    ];
    for (const name of names) {
      put(tree.commonDir, { [`hooks/${name}`]: readFileSync(trap, "utf8") });
      chmodSync(join(tree.commonDir, "hooks", name), 0o755);
    }
    git(
      tree.path,
      "-c",
      "core.hooksPath=hooks",
      "-c",
      `core.hooksPath=${tree.commonDir}/hooks`,
      "checkout",
      "-B",
      "x",
    );
    expect(tripped(), "the control").not.toBe("");
    rmSync(sprung);
    await wholeLife();
    expect(tripped()).toBe("");
  });

  test("a nested repository with its own config, recorded as a submodule", async () => {
    const nested = join(tree.path, "nested");
    put(nested, { "file.txt": "x\n", ".gitattributes": "* filter=evil\n" });
    git(nested, "init", "--quiet");
    git(nested, "add", "-A");
    git(nested, "commit", "--quiet", "-m", "nested");
    git(tree.path, "add", "nested");
    git(tree.path, "commit", "--quiet", "-m", "a submodule");
    git(nested, "config", "core.fsmonitor", trap);
    git(nested, "config", "filter.evil.clean", trap);
    put(nested, { "file.txt": "y\n" });
    git(tree.path, "status");
    expect(tripped(), "the control").not.toBe("");
    rmSync(sprung);
    await wholeLife();
    expect(tripped()).toBe("");
  });

  test("a replaced .git file", async () => {
    const evil = join(on.folder, "evil");
    git(on.folder, "init", "--quiet", evil);
    git(evil, "config", "core.fsmonitor", trap);
    git(evil, "config", "core.worktree", tree.path);
    rmSync(join(tree.path, ".git"));
    writeFileSync(join(tree.path, ".git"), `gitdir: ${evil}/.git\n`);
    put(evil, { "x.txt": "x\n" });
    git(tree.path, "status");
    expect(tripped(), "the control").not.toBe("");
    rmSync(sprung);
    await wholeLife();
    expect(tripped()).toBe("");
  });

  test("a commondir file and a per-worktree config that lead elsewhere", async () => {
    const evil = join(on.folder, "evil");
    git(on.folder, "init", "--quiet", "--bare", evil);
    git(evil, "config", "core.fsmonitor", trap);
    writeFileSync(join(tree.gitDir, "commondir"), `${evil}\n`);
    writeFileSync(join(tree.gitDir, "config.worktree"), `[core]\n\tfsmonitor = ${trap}\n`);
    config("[extensions]\n\tworktreeConfig = true\n");
    await wholeLife();
    expect(tripped()).toBe("");
  });

  test("a program called git in the worktree, reached by a relative search path", async () => {
    const relay = await on.restart({ environment: { PATH: `.:${process.env["PATH"] ?? ""}` } });
    put(tree.path, { git: readFileSync(trap, "utf8") });
    chmodSync(join(tree.path, "git"), 0o755);
    await relay.status(tree, on.signal);
    expect(tripped()).toBe("");
  });
});

describe("names", () => {
  const hostile = [
    "--upload-pack=touch x",
    "-c",
    "-",
    "$(id)",
    "a;b",
    "a`id`",
    "a b",
    "a\nb",
    "../x",
    "a/../b",
    "a//b",
    "a.lock",
    "a/.hidden",
    "a/",
    "@{-1}",
    "a..b",
    "é",
    "\u3000",
    "refs/heads/*",
    "a:b",
    "+a",
    "^a",
    "",
    "x".repeat(300),
  ];

  test.each(hostile)(
    "a branch called %j is refused, as branch and as base, before git sees it",
    async (name) => {
      await expect(on.prepare({ branch: name })).rejects.toMatchObject({ name: "BadName" });
      await expect(on.prepare({ baseBranch: name })).rejects.toMatchObject({ name: "BadName" });
      const request = {
        cloneUrl: on.remote,
        branch: name,
        expected: null,
        runTrailer: "r.1",
        signal: on.signal,
      };
      await expect(on.worktrees.publish(tree, request)).rejects.toMatchObject({ name: "BadName" });
    },
  );

  test.each(["../x", "a/b", ".git", "-x", "", "a..b", "x.lock"])(
    "a worktree called %j is refused",
    async (name) => {
      await expect(on.prepare({ worktreeName: name })).rejects.toThrow(/not a worktree name/);
    },
  );

  test.each(["../x", "a", "a/b/c", "a/..", "-x/y", "a/b c"])(
    "a repository called %j is refused",
    async (repository) => {
      await expect(on.prepare({ repository })).rejects.toThrow(/not a repository name/);
    },
  );

  test.each([
    ["ext::sh -c id", /white space/],
    ["ext::id", /refusing the transport "ext:"/],
    ["--upload-pack=id", /not a clone URL/],
    ["ssh://git@example.com/a/b.git", /refusing the transport "ssh:"/],
    ["git@example.com:a/b.git", /not a clone URL/],
    ["http://example.com/a/b.git", /refusing plain http/],
    ["relative/path", /not a clone URL/],
    ["file://host/a", /refusing the transport "file:"/],
  ])("the clone URL %j is refused", async (cloneUrl, why) => {
    await expect(on.prepare({ cloneUrl })).rejects.toThrow(why);
  });

  test("a record that was tampered with leads to no other folder", async () => {
    const bad = { ...tree, path: "/", gitDir: join(on.person, ".git"), commonDir: join(on.person, ".git") };
    await on.worktrees.remove(bad, { signal: on.signal });
    expect(existsSync(join(on.person, ".git/HEAD"))).toBe(true);
    expect(existsSync(tree.path)).toBe(false);
  });
});

describe("links", () => {
  test("in git's own directories are not written through", async () => {
    const victim = join(on.folder, "victim");
    for (const name of ["index", "MERGE_MSG", "ORIG_HEAD", "logs/HEAD"]) {
      put(on.folder, { victim: "untouched\n" });
      put(tree.gitDir, { "logs/keep": "" });
      rmSync(join(tree.gitDir, name), { force: true });
      symlinkSync(victim, join(tree.gitDir, name));
    }
    await wholeLife();
    expect(readFileSync(victim, "utf8")).toBe("untouched\n");
  });

  test("in the tree are recorded as links and deleted as links", async () => {
    const outside = join(on.folder, "outside");
    put(outside, { "keep.txt": "keep\n" });
    symlinkSync(outside, join(tree.path, "out"));
    await on.worktrees.commitAll(tree, { message: "link", trailers: {}, signal: on.signal });
    expect(git(tree.path, "ls-tree", "HEAD", "out")).toMatch(/^120000 /);
    symlinkSync(outside, join(tree.path, "out2"));
    await on.prepare();
    await on.worktrees.remove(tree, { signal: on.signal });
    expect(readFileSync(join(outside, "keep.txt"), "utf8")).toBe("keep\n");
  });
});

describe("objects", () => {
  test("a replaced base does not hide what changed", async () => {
    put(tree.path, { "a.txt": "evil\n" });
    await on.worktrees.commitAll(tree, { message: "evil", trailers: {}, signal: on.signal });
    const evil = git(tree.path, "rev-parse", "HEAD");
    git(tree.path, "replace", tree.base.sha, evil);
    expect(git(tree.path, "diff", "--name-only", tree.base.sha, evil), "the control").toBe("");
    const { files } = await on.worktrees.changes(tree, tree.base.sha, { signal: on.signal });
    expect(files.map((file) => file.path)).toEqual(["a.txt"]);
  });

  test("a replaced .git folder with a person's commits is renamed, not deleted", async () => {
    rmSync(join(tree.path, ".git"));
    git(tree.path, "init", "--quiet");
    git(tree.path, "add", "-A");
    git(tree.path, "commit", "--quiet", "-m", "own repository");
    const own = git(tree.path, "rev-parse", "HEAD");
    await on.prepare();
    expect(git(join(on.folder, "relay/worktrees/.aside/app-1.1"), "rev-parse", "HEAD")).toBe(own);
    expect(git(tree.path, "rev-parse", "--git-dir")).toBe(tree.gitDir);
  });
});

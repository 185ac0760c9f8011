import { execFileSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { arm, disarmAll } from "../../src/lib/failpoints.ts";
import { RefusedPublish } from "../../src/worktrees/errors.ts";
import type { Published, PublishRequest, Worktree } from "../../src/worktrees/worktrees.ts";
import { git, put, stage } from "./stage.ts";
import type { Stage } from "./stage.ts";

let on: Stage;
beforeEach(async () => {
  on = await stage();
});
afterEach(() => {
  disarmAll();
  on.end();
});

const BRANCH = "patchrelay/app-1";

async function work(
  tree: Worktree,
  files: Readonly<Record<string, string>>,
  run = "linear-1.1",
): Promise<string> {
  put(tree.path, files);
  const trailers = { "Patchrelay-Run": run };
  const sha = await on.worktrees.commitAll(tree, { message: "Work", trailers, signal: on.signal });
  return sha ?? "";
}

async function publish(
  tree: Worktree,
  request: Partial<PublishRequest> = {},
  worktrees = on.worktrees,
): Promise<Published> {
  return await worktrees.publish(tree, {
    cloneUrl: on.remote,
    branch: BRANCH,
    expected: null,
    runTrailer: "linear-1.1",
    signal: on.signal,
    ...request,
  });
}

describe("publishing", () => {
  test("pushes the tip to the branch, and pushing it again does nothing", async () => {
    const tree = await on.prepare();
    const sha = await work(tree, { "a.txt": "a\n" });
    expect(await publish(tree)).toEqual({ outcome: "pushed", remote: sha });
    expect(on.at(BRANCH)).toBe(sha);
    expect(await publish(tree)).toEqual({ outcome: "already_pushed", remote: sha });
  });

  test("a push that succeeded but was not recorded is recognised", async () => {
    const tree = await on.prepare();
    const sha = await work(tree, { "a.txt": "a\n" });
    arm("publish.after_push", { kind: "throw" });
    await expect(publish(tree)).rejects.toThrow("failpoint publish.after_push");
    expect(on.at(BRANCH)).toBe(sha);
    expect(await publish(tree)).toEqual({ outcome: "already_pushed", remote: sha });
  });

  test("it is recognised by the trailer even when the worktree was recreated and the commit is another one", async () => {
    const tree = await on.prepare();
    const first = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    git(tree.path, "reset", "--quiet", "--hard", "origin/main");
    const second = await work(tree, { "a.txt": "a, again\n" });
    expect(second).not.toBe(first);
    expect(await publish(tree)).toEqual({ outcome: "already_pushed", remote: first });
    expect(on.at(BRANCH)).toBe(first);
  });

  test("a second push of the same run from the recorded head goes through", async () => {
    const tree = await on.prepare();
    const first = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    const second = await work(tree, { "b.txt": "b\n" });
    expect(await publish(tree, { expected: first })).toEqual({ outcome: "pushed", remote: second });
  });

  test("a branch that a person moved meanwhile is left alone, and the person's commit is at hand", async () => {
    const tree = await on.prepare();
    const ours = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    await work(tree, { "b.txt": "b\n" }, "linear-1.2");
    const moved = await publish(tree, { expected: ours, runTrailer: "linear-1.2" });
    expect(moved).toEqual({ outcome: "moved", remote: theirs });
    expect(on.at(BRANCH)).toBe(theirs);
    const integrated = await on.worktrees.integrate(tree, {
      onto: theirs,
      since: ours,
      leaveConflict: false,
      signal: on.signal,
    });
    expect(integrated.outcome).toBe("clean");
    const pushed = await publish(tree, { expected: theirs, runTrailer: "linear-1.2" });
    expect(pushed).toEqual({ outcome: "pushed", remote: integrated.head });
    expect(git(on.remote, "log", "--format=%s", `main..${BRANCH}`).split("\n")).toEqual([
      "Work",
      "person: person.txt",
      "Work",
    ]);
  });

  test("a person who pushes between our look and our push wins: the lease refuses ours", async () => {
    const tree = await on.prepare();
    await work(tree, { "a.txt": "a\n" });
    // The remote's own hook plays the person: it runs after our look and before the ref is updated.
    const hook = join(on.remote, "hooks/pre-receive");
    const theirs = on.at("main");
    put(on.remote, {
      "hooks/pre-receive": `#!/bin/sh\nunset GIT_QUARANTINE_PATH\ngit update-ref refs/heads/${BRANCH} ${theirs}\n`,
    });
    chmodSync(hook, 0o755);
    expect(await publish(tree)).toEqual({ outcome: "moved", remote: theirs });
    expect(on.at(BRANCH)).toBe(theirs);
  });

  test("a person who pushes just before our push starts wins: that is what the lease is for", async () => {
    const tree = await on.prepare();
    const first = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    await work(tree, { "b.txt": "b\n" });
    const theirs = on.at("main");
    const realGit = execFileSync("which", ["git"], { encoding: "utf8" }).trim();
    const person = `git --git-dir="${on.remote}" update-ref refs/heads/${BRANCH} ${theirs}`;
    put(on.folder, {
      git: `#!/bin/sh\nif [ "$1" = push ]; then env -i PATH="$PATH" ${person}; fi\nexec ${realGit} "$@"\n`,
    });
    chmodSync(join(on.folder, "git"), 0o755);
    const relay = await on.restart({ gitBin: join(on.folder, "git") });
    expect(await publish(tree, { expected: first }, relay)).toEqual({ outcome: "moved", remote: theirs });
    expect(on.at(BRANCH)).toBe(theirs);
  });

  test("a branch that a person deleted is moved, not made again", async () => {
    const tree = await on.prepare();
    const sha = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    git(on.remote, "update-ref", "-d", `refs/heads/${BRANCH}`);
    await work(tree, { "b.txt": "b\n" });
    expect(await publish(tree, { expected: sha })).toEqual({ outcome: "moved", remote: null });
  });

  test("a branch that somebody made where none was expected is moved", async () => {
    const tree = await on.prepare();
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    await work(tree, { "a.txt": "a\n" });
    expect(await publish(tree)).toEqual({ outcome: "moved", remote: theirs });
  });

  test("a push that would take a person's commit off the branch is refused, whatever the worktree holds", async () => {
    const tree = await on.prepare();
    const first = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    await on.prepare();
    git(tree.path, "reset", "--quiet", "--hard", first);
    await work(tree, { "b.txt": "b\n" }, "linear-1.2");
    const request = { expected: theirs, runTrailer: "linear-1.2" };
    await expect(publish(tree, request)).rejects.toThrow(RefusedPublish);
    expect(on.at(BRANCH)).toBe(theirs);
  });

  test("a push that only adds commits salvages nothing", async () => {
    const tree = await on.prepare();
    const first = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    await work(tree, { "b.txt": "b\n" });
    await publish(tree, { expected: first });
    expect(await on.worktrees.salvageList(tree, on.signal)).toEqual([]);
  });

  test("pushed, the answer lost, a person's commit on top: our push is recognised below theirs", async () => {
    const tree = await on.prepare();
    await work(tree, { "a.txt": "a\n" });
    arm("publish.after_push", { kind: "throw" });
    await expect(publish(tree)).rejects.toThrow("failpoint publish.after_push");
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    expect(await publish(tree)).toEqual({ outcome: "already_pushed", remote: theirs });
    expect(on.at(BRANCH)).toBe(theirs);
  });

  test("it is recognised below a person's commit by its trailer, too, when ours was recreated", async () => {
    const tree = await on.prepare();
    await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    git(tree.path, "reset", "--quiet", "--hard", "origin/main");
    await work(tree, { "a.txt": "a, again\n" });
    expect(await publish(tree)).toEqual({ outcome: "already_pushed", remote: theirs });
  });

  test("what this run pushed before, with a person's commit on top, does not count for its next commit", async () => {
    const tree = await on.prepare();
    const first = await work(tree, { "a.txt": "a\n" });
    await publish(tree);
    const theirs = on.push(BRANCH, { "person.txt": "person\n" });
    await work(tree, { "b.txt": "b\n" });
    expect(await publish(tree, { expected: first })).toEqual({ outcome: "moved", remote: theirs });
  });

  test("what the remote refuses is an error with its words", async () => {
    const tree = await on.prepare();
    await work(tree, { "a.txt": "a\n" });
    put(on.remote, { "hooks/pre-receive": "#!/bin/sh\necho no pushes on Fridays >&2\nexit 1\n" });
    chmodSync(join(on.remote, "hooks/pre-receive"), 0o755);
    const failed = publish(tree);
    await expect(failed).rejects.toMatchObject({ name: "ExternalError", kind: "refused" });
    await expect(failed).rejects.toThrow(/no pushes on Fridays/);
  });

  test.each([
    ["refused", `${"x".repeat(3_000)}\nGH013: Repository rule violations found`],
    ["unavailable", "Internal Server Error"],
  ])("is %s by all that the remote says, however long, and without git's hints", async (kind, words) => {
    const tree = await on.prepare();
    await work(tree, { "a.txt": "a\n" });
    put(on.remote, { words: `${words}\n`, "hooks/pre-receive": "#!/bin/sh\ncat words >&2\nexit 1\n" });
    chmodSync(join(on.remote, "hooks/pre-receive"), 0o755);
    const failed = publish(tree);
    await expect(failed).rejects.toMatchObject({ kind });
    await expect(failed).rejects.not.toThrow(/hint:/);
  });
});

describe("publishing is refused", () => {
  test("to the base branch, to the remote's default branch, and to another issue's branch", async () => {
    on.push("develop", { "d.txt": "d\n" });
    const tree = await on.prepare();
    await work(tree, { "a.txt": "a\n" });
    await expect(publish({ ...tree, branch: "main" }, { branch: "main" })).rejects.toThrow(RefusedPublish);
    await expect(publish(tree, { branch: "patchrelay/app-2" })).rejects.toThrow(
      /not the branch of this worktree/,
    );
    const develop = { ...tree.base, branch: "develop" };
    const other = { ...tree, branch: "main", base: develop, target: develop };
    await expect(publish(other, { branch: "main" })).rejects.toThrow(/main is the remote's default branch/);
  });

  test("for a tip without the run's trailer, because a retry could not recognise it", async () => {
    const tree = await on.prepare();
    await work(tree, { "a.txt": "a\n" }, "linear-1.1");
    await expect(publish(tree, { runTrailer: "linear-1.2" })).rejects.toThrow(
      /lacks "Patchrelay-Run: linear-1.2"/,
    );
    expect(existsSync(join(on.remote, "refs/heads", BRANCH))).toBe(false);
  });
});

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PullRequestReading } from "../../src/factory/facts/observation.ts";
import { COMMITTER } from "../../src/lib/committer.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import type { FileChanges } from "../../world/github/git/git.ts";
import type { Repository } from "../../world/github/model/model.ts";
import { startGitHubWorld, type GitHubWorld } from "../../world/github/world.ts";
import { handClock } from "../world/github-fixture.ts";
import type { GitHubForge, GitHubParts } from "../../src/forges/github/forge.ts";
import { forgeAt, NEVER } from "./github-loopback.ts";

// Who made the commits of a pull request and what merges bring, read from the stand-in with real git. How GitHub
// marks them: its pages commit as "GitHub <noreply@github.com>" with the person as author; a bot's address is
// `<id>+<name>[bot]@users.noreply.github.com`, and GraphQL shows no user for it.

const APP = "acme/app";
const BRANCH = "patchrelay/app-1";
const START = Date.UTC(2026, 10, 20, 12);
const LINES = Array.from({ length: 20 }, (_, at) => `line ${at}\n`);

let dir = "";
let world: GitHubWorld;
let repository: Repository;
let number = 0;
const clock = handClock(START);

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "github-commits-"));
  world = await startGitHubWorld({ clock, randomness: systemRandomness, dir });
  repository = await world.createRepository({
    name: APP,
    files: { "README.md": "one\n", "shared.txt": LINES.join("") },
    people: { alice: "write", relay: "write" },
  });
  world.addPerson("fix[bot]", "Bot");
  await relayPushes({ "ours.txt": "ours\n" });
  number = await world.openPullRequest("relay", APP, { title: "A change", head: BRANCH });
});

afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
  expect(world.problems).toEqual([]);
});

const relayPushes = (files: FileChanges): Promise<string> =>
  world.pushAs("relay", APP, BRANCH, files, { as: COMMITTER });
const pushes = (by: string, files: FileChanges, more = {}, branch = BRANCH): Promise<string> =>
  world.pushAs(by, APP, branch, files, more);

const limits = { writesPerMinute: 60, concurrent: 4, connectMs: 1_000, totalMs: 5_000 };

function forgeOf(more: Partial<GitHubParts> = {}): GitHubForge {
  const auth = {
    kind: "app" as const,
    appId: String(world.credentials.appId),
    privateKey: world.credentials.privateKey,
  };
  return forgeAt(world.url, { auth, clock, limits, webUrl: "https://github.com", ...more });
}

async function read(forge = forgeOf()): Promise<PullRequestReading> {
  const reading = await forge.readPullRequest(APP, { number, branch: BRANCH }, NEVER);
  if (reading?.kind !== "pull_request_read") throw new Error("nothing was read");
  return reading;
}

async function commits(forge = forgeOf()): Promise<readonly string[]> {
  return (await read(forge)).commits.map(({ by, name, brings }) => `${by} ${name ?? "-"} ${brings}`);
}

const OURS = "us patchrelay change";

/** Merges the base into the branch as git itself would, with `more` changed in the same commit. */
async function mergesBase(by: string, more: FileChanges): Promise<void> {
  const { git } = repository;
  const head = (await git.resolve(BRANCH)) ?? "";
  const base = (await git.resolve("main")) ?? "";
  const merged = (await git.mergeTree(head, base)) ?? "";
  const who = { name: by, email: `1+${by}@users.noreply.github.com`, at: clock.now() };
  const plain = await git.commitTree(merged, [head], "merged", who, who);
  const tree = (await git.commit(await git.commitFiles(plain, more, "adapted", who)))?.tree ?? "";
  const sha = await git.commitTree(tree, [head, base], "Merge branch 'main'", who, who);
  await git.setRef(`refs/heads/${BRANCH}`, sha);
  const pull = world.pullRequest(number);
  pull.fields = { ...pull.fields, headSha: sha, baseSha: base };
}

describe("who made a commit", () => {
  it("is told by its committer, and by its author where GitHub itself committed", async () => {
    await pushes("alice", { "alice.txt": "1\n" });
    await pushes("alice", { "alice.txt": "2\n" }, { web: true });
    await pushes("fix[bot]", { "fixed.txt": "1\n" });
    await pushes("fix[bot]", { "fixed.txt": "2\n" }, { web: true });
    await pushes("alice", { "ci.txt": "1\n" }, { as: { name: "ci", email: "ci@example.com" } });
    expect(await commits()).toEqual([
      OURS,
      "person alice change",
      "person alice change",
      "bot fix[bot] change",
      "bot fix[bot] change",
      "unknown ci change",
    ]);
  });

  const rebased = async (author: string, email: string, by: string): Promise<string> => {
    const { git } = repository;
    const head = (await git.commit(BRANCH)) ?? { sha: "", tree: "" };
    const at = clock.now();
    const sha = await git.commitTree(
      head.tree,
      [head.sha],
      "put on another base",
      { name: author, email, at: at - 60_000 },
      { name: by, email: `1+${by}@users.noreply.github.com`, at },
    );
    await git.setRef(`refs/heads/${BRANCH}`, sha);
    const pull = world.pullRequest(number);
    pull.fields = { ...pull.fields, headSha: sha };
    return (await commits()).at(-1) ?? "";
  };

  it("stays the same when a machine, or GitHub, puts it on another base", async () => {
    const alice = "1+alice@users.noreply.github.com";
    expect(await rebased("alice", alice, "fix[bot]")).toBe("person alice change");
    expect(await rebased(COMMITTER.name, COMMITTER.email, "fix[bot]")).toBe(OURS);
    expect(await rebased(COMMITTER.name, COMMITTER.email, "alice")).toBe(OURS);
    expect(await rebased("fix[bot]", "1+fix[bot]@users.noreply.github.com", "alice")).toBe(
      "person alice change",
    );
  });

  it("and is of the key that renews nothing again, each time a machine rebases it", async () => {
    await rebased("alice", "1+alice@users.noreply.github.com", "fix[bot]");
    const first = (await read()).commits.at(-1);
    const { git } = repository;
    const moved = await git.commit(first?.sha ?? "");
    if (moved === null) throw new Error("no commit");
    clock.advance(60_000);
    const later = { ...moved.committer, at: clock.now() };
    const sha = await git.commitTree(moved.tree, moved.parents, moved.message, moved.author, later);
    await git.setRef(`refs/heads/${BRANCH}`, sha);
    const pull = world.pullRequest(number);
    pull.fields = { ...pull.fields, headSha: sha };
    const second = (await read()).commits.at(-1);
    expect(second?.sha).not.toBe(first?.sha);
    expect(second?.key).toBe(first?.key);
  });
});

describe("our own commits", () => {
  const RUN = "Work\n\nWhat was done\n\nPatchrelay-Run: linear-1.1\n";
  const asToken = (author: GitHubParts["author"] = null): GitHubForge =>
    forgeOf({ auth: { kind: "token", token: world.tokenFor("alice") }, author });
  const last = async (forge: GitHubForge): Promise<string> => (await commits(forge)).at(-1) ?? "";
  const by = async (forge: GitHubForge, message: string, who?: { name: string; email: string }) => {
    const as = who ?? (await forge.signature(NEVER));
    await pushes("alice", { "next.txt": `${(next += 1)}\n` }, { as, message });
    return await last(forge);
  };
  let next = 0;

  // A bot's address is in use by CI providers and by what checks a contributor's licence: GitHub shows the bot by it.
  it("carry the address of the App's bot, on Enterprise Server of that server", async () => {
    const { botLogin } = world.credentials;
    const { id } = world.addPerson(botLogin, "Bot");
    const address = { name: botLogin, email: `${id}+${botLogin}@users.noreply.github.com` };
    expect(await forgeOf().signature(NEVER)).toEqual(address);
    const server = forgeOf({ webUrl: "https://git.example.com:8443" });
    expect((await server.signature(NEVER)).email).toBe(`${id}+${botLogin}@users.noreply.git.example.com`);
  });

  it("carry the address of the token's account", async () => {
    const { id } = world.addPerson("alice");
    expect(await asToken().signature(NEVER)).toEqual({
      name: "alice",
      email: `${id}+alice@users.noreply.github.com`,
    });
  });

  it("are known by the bot's address, also after the App was renamed, and no other bot's", async () => {
    const forge = forgeOf();
    const { name, email } = await forge.signature(NEVER);
    expect(await by(forge, RUN)).toBe(`us ${name} change`);
    expect(await by(forge, RUN, { name: "old[bot]", email: email.replace(name, "old[bot]") })).toBe(
      "us old[bot] change",
    );
    expect(await by(forge, RUN, { name, email: `9${email}` })).toBe(`bot ${name} change`);
  });

  it("are told by the run they name from what the token's owner commits by hand", async () => {
    const forge = asToken();
    expect(await by(forge, RUN)).toBe("us alice change");
    expect(await by(forge, "By hand")).toBe("person alice change");
    expect(await by(forge, "Quotes\n\nPatchrelay-Run: linear-1.1\n\nin the middle")).toBe(
      "person alice change",
    );
    expect(await by(forge, `${RUN}Co-authored-by: Bob <bob@example.com>\n`)).toBe("us alice change");
    await pushes("relay", { "relay.txt": "1\n" }, { message: RUN });
    expect(await last(forge)).toBe("person relay change");
  });

  it("may carry a configured author's address, whose own commits stay that author's", async () => {
    const forge = asToken({ name: "Robot", email: "Robot@example.com" });
    expect(await forge.signature(NEVER)).toEqual({ name: "Robot", email: "Robot@example.com" });
    expect(await by(forge, RUN)).toBe("us Robot change");
    expect(await by(forge, "By hand")).toBe("unknown Robot change");
    expect(await by(asToken(), RUN, { name: "Robot", email: "robot@example.com" })).toBe(
      "unknown Robot change",
    );
  });
});

describe("a merge of the base", () => {
  it('brings the base alone when it is made by "Update branch", by whomever', async () => {
    await pushes("alice", { "elsewhere.txt": "news\n" }, {}, "main");
    await world.updateBranch("alice", number);
    await world.settled();
    await pushes("alice", { "elsewhere.txt": "more news\n" }, {}, "main");
    await world.updateBranch("fix[bot]", number);
    await world.settled();
    expect(await commits()).toEqual([OURS, "person alice base", "bot fix[bot] base"]);
  });

  it("also where both sides changed other lines of one file", async () => {
    await relayPushes({ "shared.txt": LINES.with(2, "ours\n").join("") });
    await pushes(
      "alice",
      { "shared.txt": `new first line\n${LINES.with(17, "theirs\n").join("")}` },
      {},
      "main",
    );
    await mergesBase("alice", {});
    expect((await commits()).at(-1)).toBe("person alice base");
  });

  it.each([
    ["a file of ours was changed with it", { "ours.txt": "changed\n" }, "change"],
    ["a file was added with it", { "added.txt": "new\n" }, "change"],
    ["a file of the base was changed with it", { "elsewhere.txt": "adapted\n" }, "change"],
    ["a file of ours was given up with it", { "ours.txt": null }, "unknown"],
  ])("brings more when %s", async (_, more, brings) => {
    await pushes("alice", { "elsewhere.txt": "news\n" }, {}, "main");
    await mergesBase("alice", more);
    expect((await commits()).at(-1)).toBe(`person alice ${brings}`);
  });

  it("is compared once, and not at all below a person's own change", async () => {
    await pushes("alice", { "elsewhere.txt": "news\n" }, {}, "main");
    await world.updateBranch("alice", number);
    await pushes("alice", { "alice.txt": "1\n" });
    const compared = (): number => world.requests.filter(({ path }) => path.includes("/compare/")).length;
    const before = compared();
    expect(await commits()).toEqual([OURS, "person alice unknown", "person alice change"]);
    expect(compared()).toBe(before);
  });
});

it("tells when a pull request was given another base", async () => {
  expect((await read()).baseChangedAt).toBeNull();
  await pushes("alice", { "next.txt": "next\n" }, {}, "next");
  clock.advance(5_000);
  await world.edit("alice", number, { base: "next" });
  const reading = await read();
  expect(reading.baseChangedAt).toBe(Math.floor(clock.now() / 1_000) * 1_000);
  expect(reading.core.base).toBe("next");
});

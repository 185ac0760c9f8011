import type Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Facts, emptyFacts } from "../../src/factory/facts/facts.ts";
import type { PullRequest } from "../../src/factory/facts/pull-request.ts";
import { issueRows } from "../../src/engines/embedded/rows/issue.ts";
import { createLookup } from "../../src/engines/embedded/rows/lookup.ts";
import { migrate, packagedMigrations } from "../../src/engines/embedded/database/migrate.ts";
import type { Lookup } from "../../src/engines/engine.ts";
import { issueOf } from "./parts.ts";
import { Sqlite } from "../../src/engines/embedded/database/sqlite.ts";

let db: Database.Database;
let lookup: Lookup;
const A = issueOf("a");
const B = issueOf("b");

const pullRequest = (number: number, head: string, changes: Partial<PullRequest> = {}): PullRequest => ({
  number,
  url: `https://forge.example/${number}`,
  node: null,
  repositoryId: "42",
  core: {
    at: 1,
    read: false,
    value: {
      state: "open",
      merged: false,
      draft: false,
      head,
      branch: "patchrelay/a",
      base: "main",
      title: "t",
      closedAt: null,
    },
  },
  mergeable: null,
  mergeState: null,
  required: null,
  hasQueue: null,
  heads: {},
  reviews: {},
  threads: {},
  queue: null,
  autoMerge: null,
  autoMergeOurs: false,
  ejections: {},
  otherHead: null,
  commits: [],
  readBase: null,
  baseChangedAt: null,
  readAt: null,
  readAskedAt: null,
  hint: null,
  ...changes,
});

function keep(facts: Facts): void {
  const issues = issueRows({ db });
  const decision = {
    state: "pr_open" as const,
    step: { kind: "wait" as const },
    rule: "r",
    refusal: null,
    why: "w",
    waitsFor: "x",
    until: null,
  };
  issues.save(issues.load(facts.id), facts, decision, [], { now: 1, sweepAt: null });
}

const routed = (id: typeof A, pull: PullRequest | null): Facts => ({
  ...emptyFacts(id, 1),
  project: { id: "app", repository: "example/app", branch: "patchrelay/a", problem: null },
  pullRequest: pull,
});

beforeEach(() => {
  db = new Sqlite(":memory:");
  migrate(db, ":memory:", packagedMigrations(), 0);
  lookup = createLookup({ db });
});
afterEach(() => db.close());

test("an issue is found by pull request, branch, commit and base", () => {
  keep(routed(A, pullRequest(7, "sha-1")));
  expect(lookup.known(A)).toBe(true);
  expect(lookup.known(B)).toBe(false);
  expect(lookup.byPullRequest("42", "example/app", 7)).toBe(A);
  expect(lookup.byPullRequest("", "example/app", 7)).toBe(A);
  expect(lookup.byBranch("example/app", "patchrelay/a")).toBe(A);
  expect(lookup.byCommit("example/app", "sha-1")).toEqual([A]);
  expect(lookup.byBase("example/app", "main")).toEqual([A]);
});

test("the forge's spelling of a repository's name need not be the configuration's", () => {
  keep(routed(A, pullRequest(7, "sha-1")));
  expect(lookup.byPullRequest("", "Example/App", 7)).toBe(A);
  expect(lookup.byPullRequest("43", "Example/App", 7)).toBeNull();
  expect(lookup.byBranch("Example/App", "patchrelay/a")).toBe(A);
  expect(lookup.byBranch("example/app", "Patchrelay/A")).toBeNull();
  expect(lookup.byCommit("Example/App", "sha-1")).toEqual([A]);
  expect(lookup.byBase("Example/App", "main")).toEqual([A]);
});

test("a renamed repository is found by its id, and another one under the old name is not taken for it", () => {
  keep(routed(A, pullRequest(7, "sha-1")));
  expect(lookup.byPullRequest("42", "example/renamed", 7)).toBe(A);
  expect(lookup.byPullRequest("43", "example/app", 7)).toBeNull();
  expect(lookup.byPullRequest("42", "example/app", 8)).toBeNull();
});

test("the pull request and the commits of before still lead to the issue; a closed one has no base", () => {
  keep(routed(A, pullRequest(7, "sha-1")));
  keep({
    ...routed(A, null),
    project: { id: "app", repository: "example/app", branch: "patchrelay/a-2", problem: null },
    past: [{ number: 7, url: "u", branch: "patchrelay/a", merged: false, at: 2 }],
  });
  expect(lookup.byPullRequest("42", "example/app", 7)).toBe(A);
  expect(lookup.byBranch("example/app", "patchrelay/a")).toBe(A);
  expect(lookup.byBranch("example/app", "patchrelay/a-2")).toBe(A);
  expect(lookup.byCommit("example/app", "sha-1")).toEqual([A]);
  expect(lookup.byBase("example/app", "main")).toEqual([]);
});

test("a save on facts that somebody else has changed meanwhile is refused", () => {
  keep(routed(A, null));
  const issues = issueRows({ db });
  const stale = issues.load(A);
  keep(routed(A, pullRequest(7, "sha-1")));
  const decision = {
    state: "pr_open" as const,
    step: { kind: "wait" as const },
    rule: "r",
    refusal: null,
    why: "w",
    waitsFor: null,
    until: null,
  };
  expect(() => issues.save(stale, routed(A, null), decision, [], { now: 1, sweepAt: null })).toThrow(
    "another writer",
  );
});

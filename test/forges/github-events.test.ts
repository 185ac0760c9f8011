import { readFileSync } from "node:fs";
import { emitterEventNames } from "@octokit/webhooks";
import { describe, expect, it } from "vitest";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { ForgeContext } from "../../src/forges/forge.ts";
import { interpretEvent, rulesChangedIn } from "../../src/forges/github/events/events.ts";
import { checkOf } from "../../src/forges/github/read/reading.ts";
import { isAddressed } from "../../src/forges/github/events/addressed.ts";
import { ejectionReason, queuedPullRequest } from "../../src/forges/github/events/vocabulary.ts";

const ISSUE = issueId("linear", "1");
const OTHER = issueId("linear", "2");
const HEAD = "a".repeat(40);
const BASE = "b".repeat(40);
const GROUP = "c".repeat(40);
const at = (time: string): number => Date.parse(`2026-11-20T${time}Z`);
const RECEIVED = at("11:00:00");
const US = { id: "77", login: "relay[bot]" };

type Json = Record<string, unknown>;

/** A stored payload with values at dotted paths replaced. */
function payload(event: string, changes: Readonly<Record<string, unknown>> = {}): Json {
  const text = readFileSync(new URL(`../payloads/github/${event}.json`, import.meta.url), "utf8");
  const body = JSON.parse(text) as Json;
  for (const [path, value] of Object.entries(changes)) {
    const keys = path.split(".");
    let part = body;
    for (const key of keys.slice(0, -1)) part = part[key] as Json;
    part[keys.at(-1) ?? ""] = value;
  }
  return body;
}

function context(changes: Partial<ForgeContext> = {}): ForgeContext {
  return {
    us: US,
    receivedAt: RECEIVED,
    byPullRequest: (id, repository, number) =>
      id === "501" && repository === "acme/app" && number === 7 ? ISSUE : null,
    byBranch: (repository, branch) =>
      repository === "acme/app" && branch === "patchrelay/app-1" ? ISSUE : null,
    byCommit: (repository, sha) => (repository === "acme/app" && sha === HEAD ? [ISSUE] : []),
    byBase: (repository, branch) => (repository === "acme/app" && branch === "main" ? [ISSUE, OTHER] : []),
    ...changes,
  };
}

/** What a payload comes to, for the one issue. */
function observed(
  event: string,
  changes: Readonly<Record<string, unknown>> = {},
  given = context(),
): unknown {
  const { observations, ignored } = interpretEvent(payload(event, changes), event, given);
  return ignored ?? observations.map((entry) => entry.observation);
}

const UNKNOWN_ISSUE = context({
  byPullRequest: () => null,
  byBranch: () => null,
  byCommit: () => [],
  byBase: () => [],
});

describe("pull_request", () => {
  const core = {
    state: "open",
    merged: false,
    draft: false,
    head: HEAD,
    branch: "patchrelay/app-1",
    base: "main",
    title: "Add a map",
    closedAt: null,
  };
  const ada = { kind: "person", id: "11", name: "ada", association: null, permission: null };

  it("says where the pull request stands, by GitHub's own time", () => {
    const meaning = interpretEvent(payload("pull_request"), "pull_request", context());
    expect(meaning).toEqual({
      action: "synchronize",
      ignored: null,
      observations: [
        {
          issue: ISSUE,
          observation: {
            kind: "pull_request_changed",
            at: at("10:05:00"),
            by: ada,
            pullRequest: {
              number: 7,
              url: "https://github.com/acme/app/pull/7",
              node: "PR_7",
              repositoryId: "501",
              core,
            },
          },
        },
      ],
    });
  });

  it.each(["opened", "edited", "reopened", "converted_to_draft", "ready_for_review"])(
    "tells of %s in the same way",
    (action) => {
      expect(observed("pull_request", { action })).toMatchObject([{ kind: "pull_request_changed" }]);
    },
  );

  it.each(["auto_merge_enabled", "auto_merge_disabled"])("tells of %s, so that it is read", (action) => {
    expect(observed("pull_request", { action })).toMatchObject([
      { kind: "pull_request_changed" },
      { kind: "auto_merge_changed", number: 7, at: at("10:05:00") },
    ]);
  });

  it("tells a merge from a close", () => {
    const closed = {
      action: "closed",
      "pull_request.state": "closed",
      "pull_request.closed_at": "2026-11-20T10:20:00Z",
    };
    expect(observed("pull_request", closed)).toMatchObject([
      { pullRequest: { core: { state: "closed", merged: false, closedAt: at("10:20:00") } } },
    ]);
    expect(observed("pull_request", { ...closed, "pull_request.merged": true })).toMatchObject([
      { pullRequest: { core: { state: "closed", merged: true } } },
    ]);
  });

  it("tells of entering the merge queue", () => {
    expect(observed("pull_request", { action: "enqueued" })).toMatchObject([
      { kind: "pull_request_changed" },
      { kind: "queue_entered", number: 7, head: HEAD, at: at("10:05:00") },
    ]);
  });

  it.each([
    ["CI_FAILURE", "checks_failed"],
    ["CI_TIMEOUT", "timeout"],
    ["MERGE_CONFLICT", "conflict"],
    ["MERGE", "merged"],
    ["ALREADY_MERGED", "merged"],
    ["MANUAL", "manual"],
    ["QUEUE_CLEARED", "manual"],
    ["BRANCH_PROTECTIONS", "other"],
    ["ROLL_BACK", "other"],
    ["GIT_TREE_INVALID", "other"],
    ["SOMETHING_NEW", "other"],
  ])("reads leaving the queue for %s as %s", (reason, means) => {
    expect(observed("pull_request", { action: "dequeued", reason })).toMatchObject([
      { kind: "pull_request_changed" },
      { kind: "queue_left", number: 7, head: HEAD, reason: means, group: null },
    ]);
  });

  it.each(["labeled", "assigned", "locked", "milestoned", "review_requested", "stacked", "never_seen"])(
    "ignores %s, and says so",
    (action) => {
      expect(observed("pull_request", { action })).toContain(action);
    },
  );

  it("routes by our own branch when the number is not known yet", () => {
    const given = context({ byPullRequest: () => null });
    expect(observed("pull_request", {}, given)).toMatchObject([{ kind: "pull_request_changed" }]);
  });

  it("never routes a fork's branch of the same name", () => {
    const given = context({ byPullRequest: () => null });
    expect(observed("pull_request", { "pull_request.head.repo": { id: 666 } }, given)).toMatch(
      /no issue of ours/,
    );
    expect(observed("pull_request", { "pull_request.head.repo": null }, given)).toMatch(/no issue of ours/);
  });

  it("asks for the repository by its id: the same number elsewhere is not ours", () => {
    const elsewhere = { "repository.id": 999, "repository.full_name": "stranger/other" };
    expect(observed("pull_request", elsewhere)).toMatch(/no issue of ours/);
  });

  it("knows our own doing by the numeric id, not by the login", () => {
    const sender = { login: "relay[bot]", id: 12, type: "Bot" };
    expect(observed("pull_request", { sender })).toMatchObject([{ by: { kind: "bot" } }]);
    expect(observed("pull_request", { sender: { ...sender, id: 77 } })).toMatchObject([
      { by: { kind: "us" } },
    ]);
  });

  it("names nobody for the ghost", () => {
    const sender = { login: "ghost", id: 10137, type: "User" };
    expect(observed("pull_request", { sender })).toMatchObject([{ by: { kind: "unknown", id: null } }]);
  });

  it("refuses a payload without what it must have, naming it", () => {
    expect(() => interpretEvent({ action: "opened" }, "pull_request", context())).toThrow(
      /pull_request.*repository/s,
    );
  });
});

describe("reviews and conversations", () => {
  it("tells of a review with its reviewer and head", () => {
    expect(observed("pull_request_review")).toEqual([
      {
        kind: "review_changed",
        at: at("10:08:00"),
        number: 7,
        review: {
          id: "4101",
          by: { kind: "person", id: "11", name: "ada", association: "member", permission: null },
          state: "changes_requested",
          head: HEAD,
          at: at("10:08:00"),
          body: "Not yet.",
        },
      },
    ]);
  });

  it("tells of a dismissal at the time of the dismissal", () => {
    expect(
      observed("pull_request_review", { action: "dismissed", "review.state": "dismissed" }),
    ).toMatchObject([{ at: at("10:05:00"), review: { state: "dismissed", at: at("10:08:00") } }]);
  });

  it("does not take the short pull request of a review for news about the pull request", () => {
    expect(JSON.stringify(observed("pull_request_review"))).not.toContain("pull_request_changed");
  });

  it("takes a review comment as a hint, unless it is our own", () => {
    expect(observed("pull_request_review_comment")).toEqual([
      { kind: "review_comment_added", at: at("10:08:01"), number: 7 },
    ]);
    const ours = { "comment.user": { login: "relay[bot]", id: 77, type: "Bot" } };
    expect(observed("pull_request_review_comment", ours)).toBe("our own words");
  });

  it.each([
    ["resolved", true],
    ["unresolved", false],
  ])("tells that a conversation was %s", (action, resolved) => {
    expect(observed("pull_request_review_thread", { action })).toEqual([
      { kind: "thread_changed", at: at("10:09:00"), number: 7, thread: "PRRT_1", resolved },
    ]);
  });
});

describe("issue_comment", () => {
  it("is a prompt when a person mentions us on our pull request", () => {
    expect(observed("issue_comment")).toEqual([
      {
        kind: "prompted",
        at: at("10:10:00"),
        prompt: "4301",
        session: null,
        by: { kind: "person", id: "11", name: "ada", association: "member", permission: null },
        from: "forge",
        text: "@relay please use a map",
      },
    ]);
  });

  it.each([
    ["a comment to somebody else", { "comment.body": "@bob have a look" }, "not addressed to us"],
    ["our own comment", { "comment.user": { login: "relay[bot]", id: 77, type: "Bot" } }, "our own words"],
    ["another bot's comment", { "comment.user": { login: "x[bot]", id: 5, type: "Bot" } }, /only people/],
    ["a comment on an issue", { "issue.pull_request": undefined }, /not on a pull request/],
    ["a comment on another pull request", { "issue.number": 8 }, /no issue of ours/],
    ["a deleted comment", { action: "deleted" }, /deleted/],
  ])("ignores %s", (_name, changes, why) => {
    expect(observed("issue_comment", changes)).toMatch(why);
  });

  it("knows its own comment by the mark as long as it does not know its account", () => {
    const body = "/patchrelay retry\n\n<!-- patchrelay:0123456789abcdef -->";
    const unknown = context({ us: null });
    expect(observed("issue_comment", { "comment.body": body }, unknown)).toBe("our own words");
    expect(observed("issue_comment", { "comment.body": body })).toMatchObject([{ kind: "prompted" }]);
  });

  it.each([
    ["@relay fix it", true],
    ["@Relay fix it", true],
    ["@relay[bot] fix it", true],
    ["well, @relay, fix it", true],
    ["/patchrelay retry", true],
    ["\n  /patchrelay", true],
    ["not /patchrelay", false],
    ["/patchrelays", false],
    ["@relayer fix it", false],
    ["@relay-team fix it", false],
    ["@relay/team fix it", false],
    ["mail me@relay.com", false],
    ["> @relay fix it", false],
    ["> /patchrelay retry", false],
    ["fine", false],
  ])("reads %j as addressed to us: %s", (text, addressed) => {
    expect(isAddressed(text, US)).toBe(addressed);
  });
});

describe("checks", () => {
  const check = {
    name: "unit",
    app: "15368",
    id: "31234567890",
    status: "completed",
    conclusion: "failure",
    at: at("10:06:40"),
    url: "https://github.com/acme/app/actions/runs/8800/job/31234567890",
    workflowRun: "8800",
    summary: null,
  };

  it("tells of a check run of a head", () => {
    expect(observed("check_run")).toEqual([{ kind: "check_changed", at: at("10:06:40"), sha: HEAD, check }]);
  });

  it("says the same of it as a reading does", () => {
    expect(
      checkOf({
        __typename: "CheckRun",
        databaseId: "31234567890",
        name: "unit",
        status: "COMPLETED",
        conclusion: "FAILURE",
        startedAt: at("10:05:20"),
        completedAt: at("10:06:40"),
        detailsUrl: check.url,
        isRequired: true,
        checkSuite: { app: { databaseId: "15368" } },
      }),
    ).toEqual(check);
  });

  it.each([
    ["queued", null, "queued", null],
    ["in_progress", null, "running", null],
    ["pending", null, "queued", null],
    ["completed", "timed_out", "completed", "timed_out"],
    ["completed", "startup_failure", "completed", "startup_failure"],
    ["completed", "stale", "completed", "stale"],
    ["completed", "brand_new", "completed", "action_required"],
    ["completed", null, "completed", "action_required"],
  ])("reads status %s and conclusion %s as %s and %s", (status, conclusion, means, ends) => {
    const changes = { "check_run.status": status, "check_run.conclusion": conclusion };
    expect(observed("check_run", changes)).toMatchObject([{ check: { status: means, conclusion: ends } }]);
  });

  it("routes by commit when the payload names no pull request", () => {
    expect(observed("check_run", { "check_run.pull_requests": [] })).toMatchObject([{ sha: HEAD }]);
  });

  it("does not route by a number that belongs to another repository", () => {
    const foreign = [{ number: 7, base: { repo: { id: 999 } } }];
    const changes = { "check_run.pull_requests": foreign, "check_run.head_sha": BASE };
    expect(observed("check_run", changes)).toMatch(/no issue of ours/);
  });

  it("learns of a merge group from a check on its branch", () => {
    const branch = `gh-readonly-queue/main/pr-7-${BASE}`;
    const changes = {
      "check_run.head_sha": GROUP,
      "check_run.check_suite.head_branch": branch,
      "check_run.pull_requests": [],
    };
    expect(observed("check_run", changes)).toMatchObject([
      { kind: "group_formed", number: 7, group: GROUP },
      { kind: "check_changed", sha: GROUP },
    ]);
  });

  it.each([
    ["check_suite", at("10:07:00")],
    ["workflow_run", at("10:07:01")],
  ])("takes a completed %s as a hint", (event, when) => {
    expect(observed(event)).toEqual([{ kind: "checks_hinted", at: when, sha: HEAD }]);
    expect(observed(event, { action: "requested" })).toMatch(/check runs/);
  });

  it("ignores a workflow's job: its check run tells the same", () => {
    expect(observed("workflow_job")).toMatch(/check run/);
  });

  it.each([
    ["success", "completed", "success"],
    ["failure", "completed", "failure"],
    ["error", "completed", "failure"],
    ["pending", "running", null],
  ])("tells of a commit status %s as a check without an app", (state, status, conclusion) => {
    expect(observed("status", { state })).toEqual([
      {
        kind: "check_changed",
        at: at("10:11:00"),
        sha: HEAD,
        check: {
          name: "legacy/ci",
          app: null,
          id: "0",
          status,
          conclusion,
          at: at("10:11:00"),
          url: "https://ci.example.com/1",
          workflowRun: null,
          summary: null,
        },
      },
    ]);
  });
});

describe("the merge queue and the base", () => {
  it("tells that a group was formed for our pull request", () => {
    expect(observed("merge_group")).toEqual([
      { kind: "group_formed", at: at("10:12:00"), number: 7, group: GROUP },
    ]);
  });

  it.each([
    ["invalidated", /another group follows/],
    ["merged", /closed pull request/],
  ])("ignores a group that was destroyed because it was %s", (reason, why) => {
    expect(observed("merge_group", { action: "destroyed", reason })).toMatch(why);
  });

  it("takes a dequeued group as a hint to look at its checks", () => {
    expect(observed("merge_group", { action: "destroyed", reason: "dequeued" })).toEqual([
      { kind: "checks_hinted", at: RECEIVED, sha: GROUP },
    ]);
  });

  it.each([
    [`refs/heads/gh-readonly-queue/main/pr-7-${BASE}`, 7],
    [`gh-readonly-queue/release/2026/pr-12-${BASE}`, 12],
    [`refs/heads/gh-readonly-queue/main/pr-7-short`, null],
    ["refs/heads/main", null],
    [null, null],
  ])("reads the pull request of %s as %s", (ref, number) => {
    expect(queuedPullRequest(ref)).toBe(number);
  });

  it("tells everybody whose base moved", () => {
    const { observations } = interpretEvent(payload("push"), "push", context());
    expect(observations).toEqual([
      {
        issue: ISSUE,
        observation: { kind: "base_moved", at: 1_763_633_580_000, branch: "main", sha: GROUP },
      },
      {
        issue: OTHER,
        observation: { kind: "base_moved", at: 1_763_633_580_000, branch: "main", sha: GROUP },
      },
    ]);
  });

  it.each([
    ["a push to our own branch", { ref: "refs/heads/patchrelay/app-1" }, /synchronize/],
    ["a tag", { ref: "refs/tags/v1" }, /tag/],
    ["a deleted branch", { deleted: true }, /deleted/],
    ["a branch of nobody's", { ref: "refs/heads/elsewhere" }, /no issue of ours/],
  ])("ignores %s", (_name, changes, why) => {
    expect(observed("push", changes)).toMatch(why);
  });

  it("reads the timeline's words for leaving the queue like the webhook's", () => {
    expect(["failed_checks", "merge_conflict", "merged", "manual", null].map(ejectionReason)).toEqual([
      "checks_failed",
      "conflict",
      "merged",
      "manual",
      "other",
    ]);
  });
});

describe("every event of GitHub's", () => {
  it("has a meaning or a reason why it is ignored, for every action there is", () => {
    for (const name of emitterEventNames) {
      const [event = "", action] = name.split(".");
      let body: Json;
      try {
        body = payload(event, action === undefined ? {} : { action });
      } catch {
        body = {
          ...(action === undefined ? {} : { action }),
          repository: { id: 501, full_name: "acme/app" },
        };
      }
      const meaning = interpretEvent(body, event, context());
      expect(meaning.ignored === null, name).toBe(meaning.observations.length > 0);
      expect(meaning.ignored ?? "", name).not.toContain("the event");
    }
  });

  it("is ignored with a reason when it is unknown, also when it is called like something inherited", () => {
    for (const event of ["never_seen", "toString", "__proto__"])
      expect(interpretEvent({}, event, context())).toEqual({
        action: null,
        observations: [],
        ignored: expect.stringMatching(/unknown/),
      });
  });

  it("concerns nobody when no issue of ours knows it", () => {
    for (const event of [
      "pull_request",
      "pull_request_review",
      "check_run",
      "status",
      "merge_group",
      "push",
      "issue_comment",
    ])
      expect(observed(event, {}, UNKNOWN_ISSUE), event).toMatch(/no issue of ours/);
  });

  it("survives a body that is not even an object", () => {
    for (const body of [null, 1, "x", []])
      expect(interpretEvent(body, "ping", context()).ignored).not.toBeNull();
  });

  it("names the repository whose branch rules changed", () => {
    expect(rulesChangedIn(payload("repository_ruleset"), "repository_ruleset")).toBe("acme/app");
    expect(rulesChangedIn({}, "branch_protection_rule")).toBe("");
    expect(rulesChangedIn(payload("push"), "push")).toBeNull();
  });
});

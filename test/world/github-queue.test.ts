import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { APP, handClock, stage } from "./github-fixture.ts";
import type { Stage } from "./github-fixture.ts";

let open: Stage | null = null;
const begin = async (...given: Parameters<typeof stage>): Promise<Stage> => (open = await stage(...given));

afterEach(async () => {
  await open?.close();
  open = null;
});

const QUEUED = { protection: { requiredChecks: ["test"], requiredApprovals: 1, mergeQueue: true } } as const;

const LOOK = `query($n: Int!) { repository(owner: "acme", name: "app") { pullRequest(number: $n) {
  id state merged isInMergeQueue isMergeQueueEnabled mergeQueueEntry { id state position enqueuedAt headCommit { oid } }
  timelineItems(last: 20, itemTypes: [REMOVED_FROM_MERGE_QUEUE_EVENT, ADDED_TO_MERGE_QUEUE_EVENT]) { nodes {
    __typename ... on RemovedFromMergeQueueEvent { reason createdAt beforeCommit { oid statusCheckRollup { state } } } } } } } }`;

interface Look {
  repository: {
    pullRequest: {
      id: string;
      state: string;
      merged: boolean;
      isInMergeQueue: boolean;
      mergeQueueEntry: { position: number; state: string; headCommit: { oid: string } | null } | null;
      timelineItems: {
        nodes: {
          __typename: string;
          reason?: string;
          beforeCommit?: { oid: string; statusCheckRollup: { state: string } };
        }[];
      };
    };
  };
}

async function approved(stage: Stage, branch: string, files: Record<string, string>): Promise<number> {
  await stage.world.pushAs("alice", "acme/app", branch, files);
  const number = await stage.world.openPullRequest("alice", "acme/app", { title: branch, head: branch });
  await stage.world.review("bob", number, { state: "APPROVED" });
  await stage.world.settled();
  return number;
}

async function look(stage: Stage, number: number): Promise<Look["repository"]["pullRequest"]> {
  return (await stage.graphql<Look>(LOOK, { n: number })).repository.pullRequest;
}

async function enqueue(stage: Stage, number: number): Promise<void> {
  const { id } = await look(stage, number);
  await stage.graphql(
    `mutation($id: ID!) { enqueuePullRequest(input: { pullRequestId: $id }) { mergeQueueEntry { id position } } }`,
    { id },
  );
}

test("a green group is merged: the group commit becomes the base's tip", async () => {
  const stage = await begin(QUEUED);
  const number = await approved(stage, "topic", { "a.txt": "a\n" });
  await expect(stage.octokit.pulls.merge({ ...APP, pull_number: number })).rejects.toMatchObject({
    status: 405,
  });
  await enqueue(stage, number);
  await stage.world.settled();
  const group = stage.received.find(({ event }) => event === "merge_group")?.payload["merge_group"] as Record<
    string,
    string
  >;
  expect(group["head_ref"]).toBe(`refs/heads/gh-readonly-queue/main/pr-${number}-${group["base_sha"]}`);
  expect(await stage.world.branch("acme/app", "main")).toBe(group["head_sha"]);
  expect(await look(stage, number)).toMatchObject({ state: "MERGED", merged: true, isInMergeQueue: false });
  const names = stage.names().filter((name) => /merge_group|pull_request\.(en|de|cl)/.test(name));
  expect(names).toEqual([
    "pull_request.enqueued",
    "merge_group.checks_requested",
    "merge_group.destroyed",
    "pull_request.dequeued",
    "pull_request.closed",
  ]);
  expect(stage.world.problems).toEqual([]);
});

test("a red group ejects its pull request, and the group commit's checks can still be read", async () => {
  const stage = await begin(QUEUED);
  stage.world.ci = async ({ kind }) => [
    { name: "test", conclusion: kind === "merge_group" ? "failure" : "success", log: "boom" },
  ];
  const number = await approved(stage, "topic", { "a.txt": "a\n" });
  await enqueue(stage, number);
  await stage.world.settled();
  const dequeued = stage.received.find(({ payload }) => payload["action"] === "dequeued")?.payload;
  expect(dequeued?.["reason"]).toBe("CI_FAILURE");
  const destroyed = stage.received.findLast(({ event }) => event === "merge_group")?.payload;
  expect(destroyed?.["reason"]).toBe("dequeued");
  const pull = await look(stage, number);
  expect(pull).toMatchObject({ state: "OPEN", isInMergeQueue: false, mergeQueueEntry: null });
  const removed = pull.timelineItems.nodes.at(-1);
  expect(removed).toMatchObject({
    reason: "failed_checks",
    beforeCommit: { statusCheckRollup: { state: "FAILURE" } },
  });
  const { data } = await stage.octokit.checks.listForRef({ ...APP, ref: removed?.beforeCommit?.oid ?? "" });
  expect(data.check_runs.map(({ name, conclusion }) => [name, conclusion])).toEqual([["test", "failure"]]);
  expect(stage.world.problems).toEqual([]);
});

test("when the first leaves, the second's group is invalidated, rebuilt and merged; a conflict ejects", async () => {
  const stage = await begin(QUEUED);
  const first = await approved(stage, "first", { "README.md": "first\n" });
  const second = await approved(stage, "second", { "b.txt": "b\n" });
  const third = await approved(stage, "third", { "README.md": "third\n" });
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  stage.world.ci = async () => {
    await held;
    return [{ name: "test", conclusion: "success" }];
  };
  for (const number of [first, second]) await enqueue(stage, number);
  await enqueue(stage, third);
  const eventually = async (done: () => Promise<boolean>): Promise<void> => {
    for (let round = 0; round < 500 && !(await done()); round += 1)
      await new Promise<void>((resolve) => setImmediate(resolve));
  };
  await eventually(async () => (await look(stage, second)).mergeQueueEntry?.headCommit !== null);
  const before = (await look(stage, second)).mergeQueueEntry;
  expect(before).toMatchObject({ position: 2, state: "AWAITING_CHECKS" });
  await stage.world.dequeue("carol", first);
  await eventually(
    async () => (await look(stage, second)).mergeQueueEntry?.headCommit?.oid !== before?.headCommit?.oid,
  );
  release();
  await stage.world.settled();
  expect((await look(stage, first)).timelineItems.nodes.at(-1)).toMatchObject({ reason: "manual" });
  expect((await look(stage, second)).merged).toBe(true);
  const reasons = stage.received
    .filter(({ event }) => event === "merge_group")
    .map(({ payload }) => payload["reason"]);
  expect(reasons).toContain("invalidated");
  const conflict = stage.received.find(({ payload }) => payload["reason"] === "MERGE_CONFLICT")?.payload;
  expect(conflict?.["number"]).toBe(third);
  expect(stage.world.problems).toEqual([]);
});

test("a group whose checks never come leaves after its timeout, and a push to a queued branch takes it out", async () => {
  const clock = handClock(systemClock.now());
  const stage = await begin({ protection: { ...QUEUED.protection, queueTimeoutMinutes: 30 } }, clock);
  const first = await approved(stage, "first", { "a.txt": "a\n" });
  const second = await approved(stage, "second", { "b.txt": "b\n" });
  stage.world.ci = async () => [];
  await enqueue(stage, first);
  await enqueue(stage, second);
  await stage.world.settled();
  await stage.world.pushAs("alice", "acme/app", "second", { "b.txt": "bb\n" });
  expect((await look(stage, second)).isInMergeQueue).toBe(false);
  clock.advance(31 * 60_000);
  await stage.world.settled();
  expect((await look(stage, first)).timelineItems.nodes.at(-1)).toMatchObject({ reason: "ci_timeout" });
});

test("auto-merge waits for the checks and then enqueues, or merges where there is no queue", async () => {
  const stage = await begin({ protection: { requiredChecks: ["deploy"] } });
  await stage.world.pushAs("alice", "acme/app", "topic", { "a.txt": "a\n" });
  const number = await stage.world.openPullRequest("alice", "acme/app", { title: "A", head: "topic" });
  await stage.world.settled();
  const { id } = await look(stage, number);
  const enable = `mutation($id: ID!) { enablePullRequestAutoMerge(input: { pullRequestId: $id, mergeMethod: SQUASH }) { pullRequest { autoMergeRequest { mergeMethod } } } }`;
  expect(await stage.graphql(enable, { id })).toEqual({
    enablePullRequestAutoMerge: { pullRequest: { autoMergeRequest: { mergeMethod: "SQUASH" } } },
  });
  const head = stage.world.pullRequest(number).fields.headSha;
  await stage.world.setStatus("acme/app", head, "deploy", "success");
  await stage.world.settled();
  expect(await look(stage, number)).toMatchObject({ state: "MERGED" });

  await stage.world.protect("acme/app", "main", { mergeQueue: true, requiredChecks: ["deploy", "test"] });
  await stage.world.pushAs("alice", "acme/app", "other", { "b.txt": "b\n" });
  const other = await stage.world.openPullRequest("alice", "acme/app", { title: "B", head: "other" });
  await stage.graphql(enable, { id: (await look(stage, other)).id });
  await stage.world.setStatus("acme/app", stage.world.pullRequest(other).fields.headSha, "deploy", "success");
  await stage.world.settled();
  expect(stage.names()).toContain("pull_request.enqueued");
  expect((await look(stage, other)).mergeQueueEntry).toMatchObject({ position: 1 });
  expect(stage.world.problems).toEqual([]);
});

test("a repository's own hook hears nothing of merge groups and carries no installation", async () => {
  const stage = await begin(QUEUED, undefined, "repository");
  const number = await approved(stage, "topic", { "a.txt": "a\n" });
  await stage.world.enqueue("carol", number);
  await stage.world.settled();
  expect(stage.names()).toContain("pull_request.closed");
  expect(
    stage.received.some(
      ({ event, payload }) => event === "merge_group" || payload["installation"] !== undefined,
    ),
  ).toBe(false);
});

test("the timeline shows which head was sent away: commits and forced pushes stand where they were pushed", async () => {
  const stage = await begin(QUEUED);
  stage.world.ci = async ({ kind }) => [
    { name: "test", conclusion: kind === "merge_group" ? "failure" : "success" },
  ];
  const number = await approved(stage, "topic", { "a.txt": "a\n" });
  const first = stage.world.pullRequest(number).fields.headSha;
  await enqueue(stage, number);
  await stage.world.settled();
  await stage.world.pushAs("alice", "acme/app", "topic", { "b.txt": "b\n" });
  const third = await stage.world.pushAs("alice", "acme/app", "topic", { "c.txt": "c\n" }, { from: first });
  const { repository } = await stage.graphql<{
    repository: {
      pullRequest: {
        timelineItems: {
          nodes: { __typename: string; commit?: { oid: string }; afterCommit?: { oid: string } }[];
        };
      };
    };
  }>(
    `query($n: Int!) { repository(owner: "acme", name: "app") { pullRequest(number: $n) { timelineItems(last: 20,
      itemTypes: [REMOVED_FROM_MERGE_QUEUE_EVENT, PULL_REQUEST_COMMIT, HEAD_REF_FORCE_PUSHED_EVENT]) { nodes {
      __typename ... on PullRequestCommit { commit { oid } }
      ... on HeadRefForcePushedEvent { afterCommit { oid } } } } } } }`,
    { n: number },
  );
  const seen = repository.pullRequest.timelineItems.nodes.map(({ __typename, commit, afterCommit }) => [
    __typename,
    (commit ?? afterCommit)?.oid,
  ]);
  expect(seen).toEqual([
    ["PullRequestCommit", first],
    ["RemovedFromMergeQueueEvent", undefined],
    ["HeadRefForcePushedEvent", third],
    ["PullRequestCommit", third],
  ]);
});

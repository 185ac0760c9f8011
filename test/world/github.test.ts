import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { APP, stage } from "./github-fixture.ts";
import type { Stage } from "./github-fixture.ts";

let open: Stage | null = null;
const begin = async (...given: Parameters<typeof stage>): Promise<Stage> => (open = await stage(...given));

afterEach(async () => {
  await open?.close();
  open = null;
});

test("a branch pushed with git becomes a pull request whose CI and webhooks run to the end", async () => {
  const { world, dir, git, octokit, names, received } = await begin();
  const clone = join(dir, "clone");
  await git(dir, "clone", "--quiet", `${world.webUrl}/acme/app.git`, clone);
  await git(clone, "switch", "--quiet", "-c", "patchrelay/app-1");
  await writeFile(join(clone, "new.txt"), "new\n");
  await git(clone, "add", ".");
  await git(clone, "commit", "--quiet", "-m", "Add a file");
  await git(clone, "push", "--quiet", "origin", "HEAD");
  const head = await git(clone, "rev-parse", "HEAD");
  const { data: pull } = await octokit.pulls.create({
    ...APP,
    head: "patchrelay/app-1",
    base: "main",
    title: "Add a file",
    body: "why",
  });
  await world.settled();

  expect(world.problems).toEqual([]);
  expect(world.pushes.map(({ person, ref, after }) => ({ person, ref, after }))).toEqual([
    { person: "patchrelay-app[bot]", ref: "refs/heads/patchrelay/app-1", after: head },
  ]);
  expect(pull.head.sha).toBe(head);
  expect(pull.user.type).toBe("Bot");
  expect(names()).toEqual([
    "push",
    "pull_request.opened",
    "workflow_run.requested",
    "workflow_run.in_progress",
    "check_run.created",
    "workflow_job.queued",
    "workflow_job.in_progress",
    "check_run.completed",
    "workflow_job.completed",
    "check_suite.completed",
    "workflow_run.completed",
  ]);
  expect(
    received.every(
      ({ payload }) => (payload["installation"] as { id: number }).id === world.credentials.installationId,
    ),
  ).toBe(true);

  await writeFile(join(clone, "new.txt"), "newer\n");
  await git(clone, "commit", "--quiet", "-am", "Change it");
  await git(clone, "push", "--quiet", "origin", "HEAD");
  await world.settled();
  const synchronize = received.find(({ payload }) => payload["action"] === "synchronize")?.payload;
  expect(synchronize).toMatchObject({
    before: head,
    after: await git(clone, "rev-parse", "HEAD"),
    number: pull.number,
  });
  const { data: checks } = await octokit.checks.listForRef({ ...APP, ref: String(synchronize?.["after"]) });
  expect(checks.check_runs.map(({ name, conclusion }) => [name, conclusion])).toEqual([["test", "success"]]);
  expect(world.problems).toEqual([]);
});

test("git refuses a push without a token, to a protected branch, and a lease that no longer holds", async () => {
  const { world, dir, git } = await begin({ private: true, protection: { requiredApprovals: 1 } });
  const clone = join(dir, "clone");
  await git(dir, "clone", "--quiet", `${world.webUrl}/acme/app.git`, clone);
  await expect(
    git(
      dir,
      "-c",
      "http.extraHeader=",
      "-c",
      "credential.helper=",
      "-c",
      "core.askPass=true",
      "ls-remote",
      `${world.webUrl}/acme/app.git`,
    ),
  ).rejects.toThrow(/exit|Authentication|could not read/);
  await git(clone, "commit", "--quiet", "--allow-empty", "-m", "Straight to main");
  await expect(git(clone, "push", "origin", "HEAD:main")).rejects.toThrow(/GH006/);
  await expect(git(clone, "push", "origin", "HEAD:refs/heads/gh-readonly-queue/main/pr-1-x")).rejects.toThrow(
    /GH013/,
  );
  const theirs = await world.pushAs("alice", "acme/app", "topic", { "a.txt": "a\n" });
  await expect(
    git(
      clone,
      "push",
      "--force-with-lease=topic:0000000000000000000000000000000000000000",
      "origin",
      "HEAD:topic",
    ),
  ).rejects.toThrow(/stale info/);
  await git(clone, "push", "--quiet", `--force-with-lease=topic:${theirs}`, "origin", "HEAD:topic");
  await world.settled();
  expect(world.pushes.at(-1)).toMatchObject({ ref: "refs/heads/topic", before: theirs, forced: true });
});

test("reviews, threads, replies and comments arrive as webhooks and are read back over REST and GraphQL", async () => {
  const { world, octokit, names, received, graphql } = await begin({
    protection: { requiredApprovals: 1, dismissStaleReviews: true },
  });
  await world.pushAs("alice", "acme/app", "topic", { "README.md": "one\n2\nthree\n" });
  const number = await world.openPullRequest("alice", "acme/app", { title: "Two", head: "topic" });
  await world.review("bob", number, {
    state: "CHANGES_REQUESTED",
    body: "no",
    comments: [{ path: "README.md", line: 2, body: "spell it out" }],
  });
  await world.comment("mallory", number, "please run rm -rf");
  await world.settled();
  const review = received.find(({ event }) => event === "pull_request_review")?.payload["review"] as Record<
    string,
    unknown
  >;
  expect(review["state"]).toBe("changes_requested");
  expect(review["author_association"]).toBe("COLLABORATOR");
  const heard = received.find(({ event }) => event === "issue_comment")?.payload;
  expect(heard).toMatchObject({ comment: { author_association: "NONE", body: "please run rm -rf" } });

  const { data: comments } = await octokit.pulls.listReviewComments({ ...APP, pull_number: number });
  await octokit.pulls.createReplyForReviewComment({
    ...APP,
    pull_number: number,
    comment_id: comments[0]?.id ?? 0,
    body: "done",
  });
  const query = `query($n: Int!) { repository(owner: "acme", name: "app") { pullRequest(number: $n) {
    reviewDecision mergeStateStatus mergeable latestOpinionatedReviews(first: 10, writersOnly: true) { nodes { state author { login } } }
    reviewThreads(first: 10) { nodes { id isResolved isOutdated path line comments(first: 10) { nodes { databaseId body author { login } authorAssociation } } } } } } }`;
  interface Shown {
    repository: {
      pullRequest: {
        reviewDecision: string;
        mergeStateStatus: string;
        mergeable: string;
        reviewThreads: {
          nodes: {
            id: string;
            isResolved: boolean;
            isOutdated: boolean;
            comments: { nodes: { body: string; author: { login: string } }[] };
          }[];
        };
      };
    };
  }
  const before = (await graphql<Shown>(query, { n: number })).repository.pullRequest;
  expect(before).toMatchObject({
    reviewDecision: "CHANGES_REQUESTED",
    mergeStateStatus: "BLOCKED",
    mergeable: "MERGEABLE",
  });
  const thread = before.reviewThreads.nodes[0];
  expect(thread?.comments.nodes.map(({ body, author }) => [author.login, body])).toEqual([
    ["bob", "spell it out"],
    ["patchrelay-app", "done"],
  ]);
  await graphql(
    `
      mutation ($id: ID!) {
        resolveReviewThread(input: { threadId: $id }) {
          thread {
            isResolved
          }
        }
      }
    `,
    { id: thread?.id },
  );

  await world.review("bob", number, { state: "APPROVED" });
  expect((await graphql<Shown>(query, { n: number })).repository.pullRequest).toMatchObject({
    reviewDecision: "APPROVED",
    mergeStateStatus: "CLEAN",
  });
  await world.pushAs("alice", "acme/app", "topic", { "README.md": "one\ntwo!\nthree\n" });
  await world.settled();
  const after = (await graphql<Shown>(query, { n: number })).repository.pullRequest;
  expect(after.reviewDecision).toBe("REVIEW_REQUIRED");
  expect(after.reviewThreads.nodes[0]).toMatchObject({ isResolved: true, isOutdated: true });
  expect(names()).toEqual(
    expect.arrayContaining([
      "pull_request_review_thread.resolved",
      "pull_request_review.dismissed",
      "pull_request_review_comment.created",
    ]),
  );
  expect(world.problems).toEqual([]);
});

test("a merge by API needs what the branch asks for, and makes a real commit", async () => {
  const { world, octokit, names } = await begin({
    protection: { requiredChecks: ["test"], requiredApprovals: 1 },
  });
  const sha = await world.pushAs("alice", "acme/app", "topic", { "a.txt": "a\n" });
  const number = await world.openPullRequest("alice", "acme/app", { title: "A", head: "topic" });
  await world.settled();
  const merge = { ...APP, pull_number: number, merge_method: "squash" as const };
  await expect(octokit.pulls.merge(merge)).rejects.toMatchObject({ status: 405 });
  await world.review("bob", number, { state: "APPROVED" });
  await expect(octokit.pulls.merge({ ...merge, sha: "0".repeat(40) })).rejects.toMatchObject({ status: 409 });
  const { data } = await octokit.pulls.merge({ ...merge, sha });
  await world.settled();
  expect(await world.branch("acme/app", "main")).toBe(data.sha);
  expect((await octokit.repos.getContent({ ...APP, path: "a.txt" })).data).toMatchObject({
    encoding: "base64",
    content: Buffer.from("a\n").toString("base64"),
  });
  expect((await octokit.pulls.get({ ...APP, pull_number: number })).data).toMatchObject({
    state: "closed",
    merged: true,
    merge_commit_sha: data.sha,
  });
  expect(names().slice(names().indexOf("pull_request.closed"))).toContain("push");
  expect(world.problems).toEqual([]);
});

test.each(["merge", "squash", "rebase"] as const)("a %s keeps both sides' changes", async (method) => {
  const { world } = await begin();
  await world.pushAs("alice", "acme/app", "topic", { "a.txt": "a\n" });
  await world.pushAs("alice", "acme/app", "topic", { "b.txt": "b\n" });
  const number = await world.openPullRequest("alice", "acme/app", { title: "A", head: "topic" });
  await world.pushAs("bob", "acme/app", "main", { "c.txt": "c\n" });
  const sha = await world.merge("bob", number, { method });
  const { git } = await world.createRepository({ name: `acme/${method}`, files: { x: "x" } });
  expect(git.folder).toContain(method);
  const files: Record<string, string | null> = {};
  world.ci = async (job) => {
    for (const path of ["a.txt", "b.txt", "c.txt"]) files[path] = await job.read(path);
    return [{ name: "test", conclusion: "success" }];
  };
  await world.pushAs("bob", "acme/app", "main", {}, { from: sha, message: "look" });
  await world.settled();
  expect(files).toEqual({ "a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n" });
});

test("a conflict is CONFLICTING, and a re-run of a failed job is a new attempt with new check runs", async () => {
  const { world, octokit } = await begin();
  world.ci = async ({ attempt }) => [
    { name: "lint", conclusion: "success" },
    { name: "test", conclusion: attempt === 1 ? "failure" : "success", log: `attempt ${attempt}: npm ERR!` },
  ];
  const sha = await world.pushAs("alice", "acme/app", "topic", { "README.md": "mine\n" });
  const number = await world.openPullRequest("alice", "acme/app", { title: "A", head: "topic" });
  await world.pushAs("bob", "acme/app", "main", { "README.md": "theirs\n" });
  await world.settled();
  expect((await octokit.pulls.get({ ...APP, pull_number: number })).data).toMatchObject({
    mergeable: false,
    mergeable_state: "dirty",
  });
  const { data: runs } = await octokit.actions.listWorkflowRunsForRepo({ ...APP, head_sha: sha });
  const run = runs.workflow_runs[0];
  const { data: jobs } = await octokit.actions.listJobsForWorkflowRun({ ...APP, run_id: run?.id ?? 0 });
  const failed = jobs.jobs.find((job) => job.conclusion === "failure");
  const log = await octokit.actions.downloadJobLogsForWorkflowRun({
    ...APP,
    job_id: failed?.id ?? 0,
    request: { redirect: "manual" },
  });
  const text = await (await fetch(log.headers.location ?? "")).text();
  expect(text).toBe("attempt 1: npm ERR!");
  await octokit.actions.reRunWorkflowFailedJobs({ ...APP, run_id: run?.id ?? 0 });
  await world.settled();
  const { data: after } = await octokit.checks.listForRef({ ...APP, ref: sha });
  expect(Object.fromEntries(after.check_runs.map(({ name, conclusion }) => [name, conclusion]))).toEqual({
    lint: "success",
    test: "success",
  });
  expect(after.check_runs.some((check) => check.id === failed?.id)).toBe(false);
  expect((await octokit.checks.listForRef({ ...APP, ref: sha, filter: "all" })).data.total_count).toBe(3);
  expect((await octokit.actions.getWorkflowRun({ ...APP, run_id: run?.id ?? 0 })).data).toMatchObject({
    run_attempt: 2,
    conclusion: "success",
  });
  expect(world.problems).toEqual([]);
});

test("what people do to a pull request is told in webhooks that GitHub's description allows", async () => {
  const { world, octokit, names, received } = await begin({ protection: { requiredApprovals: 1 } });
  await world.pushAs("bob", "acme/app", "release", { "r.txt": "r\n" });
  await world.pushAs("alice", "acme/app", "topic", { "a.txt": "a\n" });
  const number = await world.openPullRequest("alice", "acme/app", { title: "A", head: "topic", draft: true });
  await world.ready("alice", number);
  await world.convertToDraft("alice", number);
  await world.ready("alice", number);
  await world.label("bob", number, ["urgent"]);
  await world.edit("bob", number, { title: "B", base: "release" });
  const comment = await world.comment("bob", number, "first");
  await world.editComment("bob", number, comment.id, "second");
  const review = await world.review("carol", number, { state: "CHANGES_REQUESTED", body: "no" });
  await world.dismissReview("bob", number, review.id);
  await world.closePullRequest("alice", number);
  await world.reopen("alice", number);
  world.doubtMergeability(1);
  const mergeable = async (): Promise<boolean | null> =>
    (await octokit.pulls.get({ ...APP, pull_number: number })).data.mergeable;
  expect([await mergeable(), await mergeable()]).toEqual([null, true]);
  await octokit.pulls.updateBranch({ ...APP, pull_number: number });
  await octokit.git.deleteRef({ ...APP, ref: "heads/topic" });
  await world.settled();
  expect(world.problems).toEqual([]);
  const told = names().filter((name) => /^(pull_request|issue_comment|pull_request_review)\./.test(name));
  expect(told).toEqual([
    "pull_request.opened",
    "pull_request.ready_for_review",
    "pull_request.converted_to_draft",
    "pull_request.ready_for_review",
    "pull_request.labeled",
    "pull_request.edited",
    "issue_comment.created",
    "issue_comment.edited",
    "pull_request_review.submitted",
    "pull_request_review.dismissed",
    "pull_request.closed",
    "pull_request.reopened",
    "pull_request.synchronize",
    "pull_request.closed",
  ]);
  const senders = received
    .filter(({ event }) => event === "pull_request")
    .map(({ payload }) => (payload["sender"] as { login: string }).login);
  expect(senders.slice(-2)).toEqual(["patchrelay-app[bot]", "patchrelay-app[bot]"]);
  expect(world.pullRequest(number).fields).toMatchObject({
    state: "closed",
    merged: false,
    baseRef: "release",
  });
  expect(world.pullRequestCount()).toBe(1);
});

import * as fc from "fast-check";
import type { ForgeRequest } from "../../../src/factory/facts/request.ts";
import type { Actor } from "../../../src/factory/facts/actor.ts";
import type { Check, PullRequestCore, Review } from "../../../src/factory/facts/pull-request.ts";
import type { Observation } from "../../../src/factory/facts/observation.ts";
import { ISSUE, T0 } from "../world.ts";

// Observations of every kind with fields drawn from few values each, so that they meet and contradict one another.

const at = fc.integer({ min: -3, max: 3_000 }).map((seconds) => T0 + seconds * 1_000);
const word = fc.constantFrom("a", "b", "h1", "h2", "", "__proto__", "constructor", "a|b;c\n", "é\u202e");
const id = fc.constantFrom("1", "2", "10", "x", "__proto__", "toString");
const actor: fc.Arbitrary<Actor> = fc.record({
  kind: fc.constantFrom("person", "bot", "us", "operator", "outsider", "unknown"),
  id: fc.option(id),
  name: fc.option(word),
  association: fc.option(fc.constantFrom("owner", "member", "collaborator", "none")),
  permission: fc.option(fc.constantFrom("admin", "write", "read", "none")),
});
const few = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(one, { maxLength: 3 });
const ticketCore = fc.record({
  key: fc.constantFrom("APP-1", "OPS-1", "-", ""),
  title: word,
  description: word,
  url: word,
  workspace: fc.option(word),
  team: fc.option(fc.constantFrom("APP", "OPS")),
  project: fc.option(word),
  labels: few(word),
  creator: fc.option(word),
});
const status = fc.record({
  id: word,
  name: word,
  type: fc.constantFrom("started", "completed", "canceled", "unstarted", "other"),
  endedAt: fc.option(at),
});
const conclusion = fc.constantFrom("success", "failure", "cancelled", "timed_out", "skipped", "stale");
const check: fc.Arbitrary<Check> = fc.record({
  name: fc.constantFrom("test", "lint", "__proto__"),
  app: fc.option(fc.constantFrom("1", "2")),
  id: fc.constantFrom("1", "2", "10"),
  status: fc.constantFrom("queued", "running", "completed"),
  conclusion: fc.option(conclusion),
  at,
  url: fc.constant(null),
  workflowRun: fc.option(fc.constantFrom("5", "6")),
  summary: fc.constant(null),
});
const core: fc.Arbitrary<PullRequestCore> = fc.record({
  state: fc.constantFrom("open", "closed"),
  merged: fc.boolean(),
  draft: fc.boolean(),
  head: fc.constantFrom("h1", "h2", "p1"),
  branch: fc.constantFrom("patchrelay/app-1", "patchrelay/app-1-2", "other"),
  base: fc.constantFrom("main", "other"),
  title: word,
  closedAt: fc.option(at),
});
const review: fc.Arbitrary<Review> = fc.record({
  id,
  by: actor,
  state: fc.constantFrom("approved", "changes_requested", "commented", "dismissed"),
  head: fc.constantFrom("h1", "h2", "p1"),
  at,
  body: word,
});
const reason = fc.constantFrom("checks_failed", "timeout", "conflict", "manual", "merged", "other");
const number = fc.constantFrom(7, 7, 7, 8);
const change = { number, url: word, node: fc.option(word), repositoryId: fc.option(id), core };
const run = { run: fc.constantFrom(1, 2, 3), fence: fc.constantFrom(1, 2, 3) };
const spent = fc.record({
  input: fc.nat(10_000_000),
  cached: fc.nat(10),
  output: fc.nat(10),
  usd: fc.option(fc.constantFrom(0, 0.5)),
});
const prompts = few(fc.record({ id, at, by: actor, text: word }));

function of<K extends Observation["kind"]>(
  kind: K,
  fields: {
    readonly [F in keyof Omit<Extract<Observation, { kind: K }>, "kind" | "at">]: fc.Arbitrary<unknown>;
  },
): fc.Arbitrary<Observation> {
  return fc.record({ kind: fc.constant(kind), at, ...fields }) as unknown as fc.Arbitrary<Observation>;
}

const authority = fc.record({
  granted: fc.boolean(),
  at,
  cause: fc.constantFrom("delegated", "mentioned", "prompted", "undelegated", "stopped"),
  by: actor,
  session: fc.option(id),
});

const reported: fc.Arbitrary<ForgeRequest> = fc.oneof(
  fc.record({
    kind: fc.constant("merge" as const),
    key: id,
    issue: fc.constant(ISSUE),
    number: fc.constant(7),
    head: fc.constantFrom("h1", "h2"),
    method: fc.constant("squash" as const),
    policy: fc.constant("when_approved" as const),
    label: fc.constant(null),
    basis: fc.record({ round: word, reading: word, attempt: fc.nat(3) }),
  }),
  fc.record({
    kind: fc.constant("cancel_merge" as const),
    key: id,
    issue: fc.constant(ISSUE),
    number: fc.constant(7),
    request: id,
    retriedAt: fc.option(at),
  }),
  fc.record({
    kind: fc.constant("rerun_checks" as const),
    key: id,
    issue: fc.constant(ISSUE),
    head: fc.constantFrom("h1", "h2"),
    failure: word,
    workflowRuns: few(id),
  }),
  fc.record({
    kind: fc.constant("update_branch" as const),
    key: id,
    issue: fc.constant(ISSUE),
    number: fc.constant(7),
    head: fc.constantFrom("h1", "h2"),
    attempt: fc.nat(3),
  }),
);

/** One observation of any kind. */
export const garbage: fc.Arbitrary<Observation> = fc.oneof(
  of("session_opened", {
    session: id,
    by: actor,
    automatic: fc.boolean(),
    delegated: fc.boolean(),
    ticket: fc.constantFrom({}, {}),
  }),
  of("prompted", {
    prompt: id,
    session: fc.option(id),
    by: actor,
    from: fc.constantFrom("tracker", "forge", "operator"),
    text: word,
  }),
  of("stop_requested", { prompt: id, session: fc.option(id), by: actor }),
  of("delegated", { by: actor }),
  of("undelegated", { by: actor }),
  of("ticket_changed", { ticket: fc.record({ core: ticketCore, status }, { requiredKeys: [] }) }),
  of("ticket_removed", { by: actor }),
  of("ticket_read", {
    core: ticketCore,
    status,
    ownEnd: fc.option(at),
    delegation: fc.option(fc.record({ granted: fc.boolean(), by: actor }), { nil: undefined }),
    blockers: few(fc.record({ key: word, done: fc.boolean(), isSubIssue: fc.boolean() })),
    removed: fc.constant(false),
    authorities: few(authority),
    sessions: few(fc.record({ id, at, by: actor, automatic: fc.boolean(), staleAt: fc.option(at) })),
    prompts: few(fc.record({ id, session: fc.option(id), at, by: actor, text: word })),
  }),
  of("pull_request_changed", { pullRequest: fc.record(change), by: actor }),
  of("review_changed", { number, review }),
  of("thread_changed", { number, thread: id, resolved: fc.boolean() }),
  of("review_comment_added", { number }),
  of("check_changed", { sha: fc.constantFrom("h1", "h2", "p1"), check }),
  of("checks_hinted", { sha: fc.constantFrom("h1", "h2") }),
  of("queue_entered", { number, head: fc.constantFrom("h1", "h2") }),
  of("queue_left", { number, head: fc.constantFrom("h1", "h2"), reason, group: fc.option(word) }),
  of("group_formed", { number, group: word }),
  of("auto_merge_changed", { number }),
  of("base_moved", { branch: fc.constantFrom("main", "other"), sha: word }),
  of("pull_request_read", {
    ...change,
    commits: few(
      fc.record({
        sha: fc.constantFrom("h1", "h2", "p1"),
        by: fc.constantFrom("person", "bot", "us", "unknown"),
        name: fc.option(word),
        brings: fc.constantFrom("change", "base", "unknown"),
        key: id,
        tree: word,
        at,
      }),
    ),
    baseChangedAt: fc.option(at),
    mergeable: fc.constantFrom("yes", "conflict", "unknown"),
    mergeState: fc.constantFrom("open", "behind", "blocked", "unknown"),
    required: few(fc.constantFrom("test", "lint")),
    hasQueue: fc.boolean(),
    checks: few(check),
    redOnBase: few(fc.constantFrom("test", "lint")),
    reviews: few(review),
    threads: few(
      fc.record({
        id,
        resolved: fc.boolean(),
        path: fc.option(word),
        line: fc.option(fc.nat(9)),
        comments: fc.constant([]),
      }),
    ),
    queue: fc.option(fc.record({ state: word, position: fc.option(fc.nat(9)), at })),
    autoMerge: fc.boolean(),
    ejections: few(fc.record({ at, reason, group: fc.option(word), head: fc.constantFrom("h1", "h2") })),
    prompts,
    autoMergeOurs: fc.boolean(),
    checksCut: fc.boolean(),
    checksExpected: fc.option(few(word)),
    readAt: at,
    askedAt: at,
  }),
  of("repository_read", { problem: fc.option(word) }),
  of("run_started", run),
  of("phase_entered", {
    ...run,
    phase: fc.constantFrom("prepare", "work", "verify", "inspect", "publish"),
    headBefore: fc.option(fc.constantFrom("h1", "h2", "p1")),
    thread: fc.option(word),
    turn: fc.option(word),
  }),
  of("push_intended", {
    ...run,
    sha: fc.constantFrom("h1", "h2"),
    expected: fc.option(fc.constantFrom("h1", "p1")),
  }),
  of("prompt_delivered", { ...run, prompt: id }),
  of("run_spent", { ...run, spent }),
  of("run_glimpsed", {
    ...run,
    words: fc.option(word),
    plan: fc.option(
      few(fc.record({ content: word, status: fc.constantFrom("pending", "inProgress", "completed") })),
    ),
  }),
  of("run_ended", {
    ...run,
    end: fc.record({
      outcome: fc.constantFrom(
        "published",
        "no_change",
        "answered",
        "asked",
        "failed",
        "interrupted",
        "superseded",
        "stopped",
      ),
      failureClass: fc.option(fc.constantFrom("agent", "infrastructure", "test")),
      summary: word,
      retryAt: fc.option(at),
      replies: few(fc.record({ thread: id, outcome: fc.constantFrom("fixed", "declined"), text: word })),
    }),
    question: fc.option(fc.record({ text: word, options: few(word) })),
    spent,
  }),
  of("commanded", {
    command: fc.constantFrom("retry", "stop", "pause", "resume", "cancel", "close", "answer"),
    id,
    by: actor,
    text: fc.option(word),
    question: fc.option(id),
  }),
  of("effect_settled", {
    effect: reported,
    ok: fc.boolean(),
    detail: word,
    because: fc.constantFrom(null, "held", "unwanted"),
  }),
  of("time_passed", { reason: word }),
);

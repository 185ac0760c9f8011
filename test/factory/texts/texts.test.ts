import { describe, expect, test } from "vitest";
import * as pullRequest from "../../../src/factory/effects/texts/pull-request.ts";
import * as tracker from "../../../src/factory/effects/texts/tracker.ts";
import type { Facts } from "../../../src/factory/facts/facts.ts";
import type { Prompt } from "../../../src/factory/facts/ticket.ts";
import type { Run, RunEnd } from "../../../src/factory/facts/run.ts";
import type { Decision } from "../../../src/factory/rules/decision.ts";
import { story } from "../story.ts";
import { ANN, T0 } from "../world.ts";

// Every text for people, rendered with sample facts: one page per audience. The type asks for a sample of each.

type Samples<Texts> = Readonly<Record<keyof Texts, () => unknown>>;

const { facts }: { facts: Facts } = story(
  "delegated; run starts; run failed test; run starts; run intends h1; run published; pull h1 test=failure; run starts",
).life;
const run = (number: number): Run => facts.runs[number - 1] ?? expect.fail(`there is no run ${number}`);
const decision: Decision = {
  state: "escalated",
  step: { kind: "escalate" },
  rule: "ci_red/budget_spent",
  refusal: "budget_spent",
  why: 'The check "test" failed on h1. The CI repair budget (3 attempts) is used up.',
  waitsFor:
    "a new commit, a message that says what to do, or an operator to run `patchrelay issue retry APP-1`",
  until: null,
};
const unanswered =
  story("timeout 1; delegated; run starts; run asked asks Which one?; wait 3600; wait 60").life.decision ??
  expect.fail("there is no decision");
const pull = facts.pullRequest ?? expect.fail("there is no pull request");
const unreviewed: Decision = {
  ...decision,
  why: "Nobody has approved this commit yet.",
  waitsFor: "an approving review",
};
const merged: Decision = { ...decision, rule: "merged", why: "Pull request #7 is merged." };
const blocked: Decision = {
  ...decision,
  state: "delegated",
  why: "Ann delegated the issue. It is blocked by APP-2.",
  waitsFor: "APP-2 to be completed",
};
const late: Prompt = {
  id: "p9",
  at: T0,
  by: ANN,
  from: "tracker",
  session: null,
  text: "Also the docs, please\nand tests",
};

const repair = run(3);
const followUp: Run = { ...run(1), headBefore: "h1" };
const review: Run = { ...repair, type: "review_fix" };
const conflict: Run = { ...repair, type: "queue_repair" };
const ejected: Run = { ...conflict, cause: { ...conflict.cause, ejection: "e1" } };
const checks = (...names: string[]): Run => ({ ...repair, cause: { ...repair.cause, checks: names } });
const doings = [
  tracker.doing({ ...facts, pullRequest: null }, run(1)),
  ...[followUp, repair, checks("lint", "test"), review, conflict, ejected].map((row) =>
    tracker.doing(facts, row),
  ),
];

const TRACKER: Samples<typeof tracker> = {
  STAGES: () => tracker.STAGES.join(" | "),
  STAGE_WAITS: () => Object.values(tracker.STAGE_WAITS).join(" | "),
  doing: () => [...doings].map(({ action, parameter }) => `${action} | ${parameter}`).join("\n"),
  underWay: () => {
    const at = T0 + 24 * 60_000;
    const begun = { ...run(1), startedAt: T0 };
    return [false, true]
      .map((again) => tracker.underWay(begun, { at, text: "Reading the price list.", again }))
      .join("\n");
  },
  published: () =>
    [run(2), { ...run(2), headAfter: null }]
      .map(tracker.published)
      .map(({ action, parameter }) => `${action} | ${parameter}`)
      .join("\n"),
  acknowledgement: () => [tracker.acknowledgement("APP-1"), tracker.acknowledgement(undefined)].join("\n"),
  WELCOME: () => tracker.WELCOME,
  changedNothing: () => tracker.changedNothing(run(1), "It already subtracts."),
  runFailed: () => tracker.runFailed(run(1), "test", "The tests still fail."),
  pullRequestLabel: () => tracker.pullRequestLabel(7),
  notStarted: () => [tracker.notStarted(blocked, false), tracker.notStarted(blocked, true)].join("\n"),
  stopped: () => tracker.stopped("The issue was deleted or archived."),
  pausedByPerson: () => {
    const broken: Run = {
      ...run(1),
      startedAt: T0,
      end: { ...(run(1).end as RunEnd), outcome: "stopped" },
      headAfter: null,
    };
    const why = "The issue was undelegated by Ann.";
    return [
      tracker.pausedByPerson(why, { ...facts, runs: [], pullRequest: null }),
      tracker.pausedByPerson(why, { ...facts, runs: [broken], pullRequest: null }),
      tracker.pausedByPerson(why, { ...facts, runs: [{ ...broken, headAfter: "h2" }] }),
    ].join("\n---\n");
  },
  pausedByOperator: () => tracker.pausedByOperator(decision),
  PAUSED_WHILE_GOING: () => tracker.PAUSED_WHILE_GOING,
  RESUMED: () => tracker.RESUMED,
  passedOn: () => tracker.passedOn(late),
  awaitsWord: () => tracker.awaitsWord(decision),
  whatNext: () => tracker.whatNext("It already subtracts."),
  readyForReview: () =>
    ["unapproved", "review_answered", "person_merges", "draft"]
      .map((rule) => tracker.readyForReview(pull, facts, { ...unreviewed, rule }))
      .join("\n\n"),
  conclusion: () =>
    [
      tracker.conclusion(facts, merged),
      tracker.conclusion(facts, {
        ...merged,
        rule: "closed_by_operator",
        why: "The issue was closed by ops.",
      }),
    ].join("\n---\n"),
  reminder: () =>
    [
      tracker.reminder(facts, unreviewed, { asked: null, who: "Ann" }),
      tracker.reminder({ ...facts, pullRequest: null }, decision, { asked: "Which branch?", who: "Ann" }),
      tracker.reminder({ ...facts, pullRequest: null }, decision, { asked: "Which branch?", who: null }),
    ].join("\n---\n"),
  stillThere: () => tracker.stillThere(blocked),
  tooLate: () => tracker.tooLate(7, late),
  takenOver: () => tracker.takenOver(decision),
  notAnswered: () => tracker.notAnswered(unanswered),
  handOver: () => tracker.handOver(facts, decision),
};

const PULL_REQUEST: Samples<typeof pullRequest> = {
  pullRequestText: () => {
    const { title, body } = pullRequest.pullRequestText(facts, "Added subtract() with a test.\n");
    return `${title}\n\n${body}`;
  },
  commitMessage: () =>
    [
      pullRequest.commitMessage(facts, run(1), "Added subtract() with a test."),
      ...(["ci_repair", "review_fix", "queue_repair"] as const).map((type) =>
        pullRequest.commitMessage(facts, { ...run(1), type }, ""),
      ),
    ].join("\n---\n"),
  mergeMessage: () => pullRequest.mergeMessage("main", "patchrelay/app-1"),
  commitLink: () => pullRequest.commitLink("https://github.com/acme/app/pull/7", "0123456789abcdef"),
  done: () =>
    ["[`01234567`](https://example.com)", null]
      .map((commit) => pullRequest.done("Added subtract().", commit))
      .join("\n---\n"),
  seeComment: () =>
    ["[`01234567`](https://example.com)", null].map((commit) => pullRequest.seeComment(commit)).join("\n"),
  notRequested: () =>
    pullRequest.notRequested("grace", "Reviews may only be requested from collaborators of the repository"),
  closedBecause: () => [pullRequest.closedBecause("ops"), pullRequest.closedBecause(null)].join("\n"),
};

const page = <Texts>(samples: Samples<Texts>): string =>
  Object.entries<() => unknown>(samples)
    .map(([name, text]) => `## ${name}\n${String(text())}`)
    .join("\n\n");

describe("what people are told, word for word", () => {
  test("the tracker", () => {
    expect(page(TRACKER)).toMatchInlineSnapshot(`
      "## STAGES
      Implement | Open a pull request | Make the checks pass | Address the review | Merge

      ## STAGE_WAITS
      waiting for the reviewer | waiting for your answer | waiting for a person | paused

      ## doing
      Implementing | the issue in acme/app
      Working on | the latest request
      Fixing the check | test
      Fixing the checks | lint and test
      Addressing the review of | h1
      Resolving the conflict with | main
      Fixing the merge queue failure of | h1

      ## underWay
      Reading the price list.
      Still at it after 24 minutes: Reading the price list.

      ## published
      Pushed | h1
      Opened | the pull request

      ## acknowledgement
      On it. I'll post progress on APP-1 here, and ask when I need a decision from you.
      On it. I'll post progress here, and ask when I need a decision from you.

      ## WELCOME
      You're welcome.

      ## changedNothing
      Run 1 changed nothing: It already subtracts.

      ## runFailed
      Run 1 failed (test): The tests still fail.

      ## pullRequestLabel
      Pull request #7

      ## notStarted
      Ann delegated the issue. It is blocked by APP-2. I'm waiting for APP-2 to be completed before I start.
      Ann delegated the issue. It is blocked by APP-2. I'm waiting for APP-2 to be completed.

      ## stopped
      The issue was deleted or archived. I've stopped working on it. To continue, delegate the issue again or write here.

      ## pausedByPerson
      The issue was undelegated by Ann. Nothing is running, and nothing will be published until you delegate the issue again or write here.
      ---
      The issue was undelegated by Ann. Nothing is running, and nothing will be published until you delegate the issue again or write here.

      - Whatever the agent had begun was not pushed. If you write here, it goes on from there; if you delegate the issue again, it starts over, and the unfinished files stay in the relay's mirror below \`refs/patchrelay/salvage/patchrelay-app-1-6b1c2f9e/\`.
      ---
      The issue was undelegated by Ann. Nothing is running, and nothing will be published until you delegate the issue again or write here.

      - Commit h2 was pushed before that, or may have been.
      - Pull request #7 stays as it is: https://github.com/acme/app/pull/7

      ## pausedByOperator
      An operator paused this issue. Nothing starts until it is resumed. I'm waiting for a new commit, a message that says what to do, or an operator to run \`patchrelay issue retry APP-1\`.

      ## PAUSED_WHILE_GOING
      An operator paused this issue. The run in progress goes on; nothing new starts after it.

      ## RESUMED
      An operator resumed the work on this issue.

      ## passedOn
      I've passed this on to the agent: "Also the docs, please …"

      ## awaitsWord
      The check "test" failed on h1. The CI repair budget (3 attempts) is used up. I'm waiting for a new commit, a message that says what to do, or an operator to run \`patchrelay issue retry APP-1\`.

      ## whatNext
      I found nothing to change: It already subtracts.

      What should I do next?

      ## readyForReview
      Pull request #7 is ready for review. https://github.com/acme/app/pull/7

      - Implementation: It published.

      Nobody has approved this commit yet. I'm waiting for an approving review.

      Pull request #7 is ready for another review. https://github.com/acme/app/pull/7

      - Implementation: It published.

      Nobody has approved this commit yet. I'm waiting for an approving review.

      Pull request #7 is ready to be merged. https://github.com/acme/app/pull/7

      - Implementation: It published.

      Nobody has approved this commit yet. I'm waiting for an approving review.

      Nobody has approved this commit yet. I'm waiting for an approving review.

      https://github.com/acme/app/pull/7

      ## conclusion
      Pull request #7 is merged. https://github.com/acme/app/pull/7

      What was done:
      - Implementation: It published.
      ---
      The issue was closed by ops. My work here is done.

      ## reminder
      Reminder: I'm still waiting for an approving review. Nobody has approved this commit yet.

      https://github.com/acme/app/pull/7
      ---
      Reminder: I'm still waiting for an answer from Ann.

      Which branch?

      https://linear.app/acme/issue/APP-1
      ---
      Reminder: I'm still waiting for an answer.

      Which branch?

      https://linear.app/acme/issue/APP-1

      ## stillThere
      Ann delegated the issue. It is blocked by APP-2. I'm still waiting for APP-2 to be completed.

      ## tooLate
      Pull request #7 was merged before I could act on this message: "Also the docs, please …" If you still want this, post it again.

      ## takenOver
      It's yours, and I won't do anything more on my own. To go on, I'd need a new commit, a message that says what to do, or an operator to run \`patchrelay issue retry APP-1\`.

      ## notAnswered
      The agent asks: "Which one?" Nobody has answered within 1 hour. I'm handing this over, and the question stays open: with an answer I go on. I'm waiting for a late answer, on the issue or with \`patchrelay issue answer APP-1\`.

      ## handOver
      The check "test" failed on h1. The CI repair budget (3 attempts) is used up. I'm handing this over.

      Pull request #7: https://github.com/acme/app/pull/7

      What was tried:
      - Run 1 (implementation) failed: It failed.
      - Run 2 (implementation) pushed a change: It published.
      - Run 3 (CI repair) is in progress.

      I'm waiting for a new commit, a message that says what to do, or an operator to run \`patchrelay issue retry APP-1\`."
    `);
  });

  test("the pull request", () => {
    expect(page(PULL_REQUEST)).toMatchInlineSnapshot(`
      "## pullRequestText
      Add subtraction (APP-1)

      Added subtract() with a test.

      For [APP-1](https://linear.app/acme/issue/APP-1).

      Opened by patchrelay. It answers reviews, and comments that mention it.

      ## commitMessage
      APP-1: Add subtraction

      Added subtract() with a test.
      ---
      APP-1: Make the failing checks pass
      ---
      APP-1: Address the review
      ---
      APP-1: Make the change pass in the merge queue

      ## mergeMessage
      Merge main into patchrelay/app-1

      ## commitLink
      [\`01234567\`](https://github.com/acme/app/pull/7/commits/0123456789abcdef)

      ## done
      Added subtract().

      Commit: [\`01234567\`](https://example.com)
      ---
      Added subtract().

      ## seeComment
      I pushed [\`01234567\`](https://example.com) in answer to the review; see my comment on the pull request.
      I changed nothing here; see my comment on the pull request.

      ## notRequested
      I could not request another review from grace: Reviews may only be requested from collaborators of the repository.

      ## closedBecause
      Closed because ops cancelled the issue.
      Closed because an operator cancelled the issue."
    `);
  });

  test("every text has a sample", () => {
    expect(Object.keys(TRACKER).toSorted()).toEqual(Object.keys(tracker).toSorted());
    expect(Object.keys(PULL_REQUEST).toSorted()).toEqual(Object.keys(pullRequest).toSorted());
  });
});

import { describe, expect, test } from "vitest";
import * as pullRequest from "../../src/factory/effects/texts/pull-request.ts";
import * as tracker from "../../src/factory/effects/texts/tracker.ts";
import type { Facts, Prompt, Run } from "../../src/factory/facts/facts.ts";
import type { Decision } from "../../src/factory/rules/decision.ts";
import { story } from "./story.ts";
import { ANN, T0 } from "./world.ts";

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
  why: "test failed on h1. 3 of 3 attempts at this (ci repair) have been used.",
  waitsFor: "a person: push, say what to do, or `retry` for a new budget",
  until: null,
};
const merged: Decision = { ...decision, rule: "merged", why: "Pull request #7 is merged." };
const late: Prompt = {
  id: "p9",
  at: T0,
  by: ANN,
  from: "tracker",
  session: null,
  text: "Also the docs, please\nand tests",
};

const TRACKER: Samples<typeof tracker> = {
  STAGES: () => tracker.STAGES.join(" | "),
  DOING: () => Object.values(tracker.DOING).join(" | "),
  acknowledgement: () => [tracker.acknowledgement("APP-1"), tracker.acknowledgement(undefined)].join("\n"),
  changedNothing: () => tracker.changedNothing(run(1), "It already subtracts."),
  runFailed: () => tracker.runFailed(run(1), "test", "The tests still fail."),
  pullRequestLabel: () => tracker.pullRequestLabel(7),
  notStarted: () => tracker.notStarted("Blocked by APP-2."),
  stopped: () => tracker.stopped("The issue was removed from the tracker."),
  pausedByPerson: () => tracker.pausedByPerson("Undelegated by Ann."),
  awaitsWord: () => tracker.awaitsWord(decision),
  whatNext: () => tracker.whatNext("The agent found nothing to change: it already subtracts."),
  conclusion: () =>
    [tracker.conclusion(facts, merged, [late]), tracker.conclusion(facts, decision, [])].join("\n---\n"),
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
      Implement | Open a pull request | Make the checks pass | Answer the review | Merge

      ## DOING
      Implementing | Repairing CI | Answering the review | Repairing for the merge queue

      ## acknowledgement
      On it: APP-1. I'll post progress here, and ask when a decision is yours to make.
      On it. I'll post progress here, and ask when a decision is yours to make.

      ## changedNothing
      Run 1 changed nothing: It already subtracts.

      ## runFailed
      Run 1 failed (test): The tests still fail.

      ## pullRequestLabel
      Pull request #7

      ## notStarted
      Not started yet: Blocked by APP-2.

      ## stopped
      The issue was removed from the tracker. I have stopped. Delegate the issue again or write here to continue.

      ## pausedByPerson
      Undelegated by Ann. Nothing is running, and nothing will be published until you delegate the issue again or write here.

      ## awaitsWord
      test failed on h1. 3 of 3 attempts at this (ci repair) have been used. I'm waiting for a person: push, say what to do, or \`retry\` for a new budget.

      ## whatNext
      The agent found nothing to change: it already subtracts.

      What should I do?

      ## conclusion
      Pull request #7 is merged. https://github.com/acme/app/pull/7

      What was done:
      - implementation: It published.

      These messages came too late for this pull request; write again here to have them done:
      - Also the docs, please
      ---
      test failed on h1. 3 of 3 attempts at this (ci repair) have been used. My work here is done.

      ## handOver
      I'm handing this over. test failed on h1. 3 of 3 attempts at this (ci repair) have been used.

      What was tried:
      - run 1, implementation: failed: It failed.
      - run 2, implementation: published: It published.
      - run 3, ci repair: running

      I'm waiting for a person: push, say what to do, or \`retry\` for a new budget."
    `);
  });

  test("the pull request", () => {
    expect(page(PULL_REQUEST)).toMatchInlineSnapshot(`
      "## pullRequestText
      Add subtraction (APP-1)

      Added subtract() with a test.

      For [APP-1](https://linear.app/acme/issue/APP-1).

      Opened by patchrelay, which answers reviews and comments that mention it.

      ## commitMessage
      APP-1: Add subtraction

      Added subtract() with a test.
      ---
      APP-1: Make the failing checks pass
      ---
      APP-1: Address the review
      ---
      APP-1: Make the change pass in the merge queue

      ## closedBecause
      Closed: the issue was cancelled by ops.
      Closed: the issue was cancelled by an operator."
    `);
  });

  test("every text has a sample", () => {
    expect(Object.keys(TRACKER).toSorted()).toEqual(Object.keys(tracker).toSorted());
    expect(Object.keys(PULL_REQUEST).toSorted()).toEqual(Object.keys(pullRequest).toSorted());
  });
});

import { describe, expect, test } from "vitest";
import { budgetsOf } from "../../src/factory/judge/budget.ts";
import { personHead } from "../../src/factory/judge/pushes.ts";
import { story, type Story } from "./story.ts";

// Whose word a push is: the names of heads tell what they are, see `commit` in world.ts.

const OPEN = "delegated; run starts; run intends h1; run published";
const RED = `${OPEN}; pull h1 test=failure`;
const GREEN = `${OPEN}; pull h1 test=success`;
const ASKED = `${GREEN}; review r1 changes_requested`;

const last = (told: Story): string => told.lines.at(-1) ?? "";
const ran = (told: Story): readonly string[] => told.life.facts.runs.map(({ type }) => type);
const repairs = (told: Story): number | undefined => budgetsOf(told.life.facts, null)["ciRepairs"]?.spent;

describe("a person's commit", () => {
  test.each([
    ["on top of ours", "pull p1 test=failure"],
    ["below what we pushed since", "pull p1+h2 test=failure"],
  ])("%s renews the budgets", (_, pushed) => {
    const told = story(RED);
    for (const head of ["h7", "h8", "h9"])
      told.tell(`run starts; run intends ${head}; run published; pull ${head} test=failure#${head.slice(1)}`);
    expect(last(told)).toContain("escalated ci_red/budget_spent");
    expect(last(told.tell(pushed))).toContain("repairing_ci run_queued");
    expect(repairs(told)).toBe(1);
  });

  test("answers a review, and what we push on top of it asks nobody to answer it again", () => {
    const told = story(`${ASKED}; run starts; pull p1 test=success`);
    expect(last(told)).toContain("stop_run");
    told.tell("run superseded");
    expect(last(told)).toContain("awaiting_review review_answered");
    told.tell("pull p1 test=failure#2; run starts; run intends h2; run published; pull h2 test=success");
    expect(last(told)).toContain("awaiting_review review_answered");
    expect(ran(told)).toEqual(["implementation", "review_fix", "ci_repair"]);
  });

  test("that is gone from the branch again still answers by its time no review that came after it", () => {
    const told = story(`${GREEN}; pull p1 test=success; review r1 changes_requested on h0`);
    expect(last(told)).toContain("changes_requested run_queued");
  });
});

describe.each([
  ["a bot's commit", "b1"],
  ["a merge of the base by a person", "m1"],
])("%s", (_, head) => {
  test("answers no review: the run for it goes on", () => {
    const told = story(`${ASKED}; run starts; run at work; pull ${head} test=success`);
    expect(last(told)).toContain("changes_requested run_active");
    told.tell(`run intends h2; run published; pull h2 test=success`);
    expect(last(told)).toContain("awaiting_review review_answered");
    expect(ran(told)).toEqual(["implementation", "review_fix"]);
  });

  test("and a run for it begins on the new head, if there was none", () => {
    expect(
      last(story(`steers delegator; ${ASKED}; pull ${head} test=success; steers collaborators`)),
    ).toContain("changes_requested run_queued");
  });

  test("renews no budget, however often", () => {
    const told = story(RED);
    for (const nth of [2, 3, 4])
      told.tell(
        `run starts; run intends h${nth}; run published; pull h${nth}+${head}${nth} test=failure#${nth}`,
      );
    expect(last(told)).toContain("escalated ci_red/budget_spent");
    told.tell(`pull ${head}9 test=failure#9`);
    expect(last(told)).toContain("escalated ci_red/budget_spent");
    expect(told.lines.filter((line) => line.includes("tell elicitation"))).toHaveLength(1);
  });

  test("does not bring back what was failed at and handed over, nor does it drop it", () => {
    const wrong = Array.from({ length: 3 }, () => "run starts; run failed test").join("; ");
    const told = story(`${GREEN}; says also the docs; ${wrong}`);
    expect(last(told)).toContain("escalated prompt_pending/budget_spent");
    expect(last(told.tell(`pull ${head} test=success`))).toContain("escalated prompt_pending/budget_spent");
  });

  test("puts nothing back into the queue that a person took out", () => {
    const told = story(
      `${OPEN}; pull h1 queue test=success; review r1 approved; merge ok; pull h1 queued; pull h1 unqueued; ejected manual`,
    );
    told.tell(`policy when_rules_allow; pull ${head} test=success`);
    expect(last(told)).toContain("awaiting_input dequeued_by_person");
    expect(last(told.tell("pull p9 test=success"))).toContain("awaiting_queue merge");
  });
});

test("a machine's commit is approved by nobody, as any other head; the base alone leaves the approval as it was", () => {
  const approved = `${GREEN}; review r1 approved`;
  expect(last(story(`${approved}; pull b1 test=success`))).toContain("awaiting_review unapproved");
  expect(last(story(`${approved}; pull m1 test=success`))).toContain("awaiting_queue merge");
  expect(last(story(`${approved}; pull m1+b1 test=success`))).toContain("awaiting_review unapproved");
  expect(last(story(`${approved}; pull b1+m1 test=success`))).toContain("awaiting_review unapproved");
});

describe.each([
  ["a commit of somebody unknown", "u1"],
  ["a merge of the base that may hold more", "x1"],
])("%s", (_, head) => {
  test("stops the run, which is begun again on it; it renews nothing and answers nothing", () => {
    const told = story(`${ASKED}; run starts; pull ${head} test=success`);
    expect(last(told)).toContain("stop_run");
    told.tell("run superseded");
    expect(last(told)).toContain("changes_requested run_queued");
    expect(told.life.facts.runs.at(-1)?.cause.head).toBe(head);
    expect(personHead(told.life.facts)).toBeNull();
  });

  test("and work that is overtaken again and again is handed over", () => {
    const told = story(ASKED);
    for (const nth of [1, 2, 3, 4, 5])
      told.tell(`wait 900; run starts; pull ${head}${nth} test=success; run superseded`);
    expect(last(told)).toContain("escalated changes_requested/failing");
  });
});

test("what is pushed while a head has not been read in full stops nothing yet", () => {
  expect(last(story(`${ASKED}; run starts; run at work; news head b1`))).toContain("run_active");
  expect(last(story(`${ASKED}; run starts; run at work; news head p1`))).toContain("run_active");
});

test("a hand-over names the machine that kept pushing", () => {
  const told = story(RED);
  for (const nth of [2, 3, 4])
    told.tell(`run starts; run intends h${nth}; run published; pull h${nth}+b${nth} test=failure#${nth}`);
  expect(told.life.decision?.why).toBe(
    'The check "test" failed on b4. The CI repair budget (3 attempts) is used up. fix[bot] has pushed 3 times in between, which renews no budget.',
  );
});

test("an account that puts the same files back a third time renews nothing by it", () => {
  const told = story(`${RED}; pull p1=theirs test=failure`);
  const round = (nth: number): Story =>
    told.tell(
      `run starts; run intends h${nth}; run published; pull h${nth}=ours+p${nth}=theirs test=failure#${nth}`,
    );
  round(2);
  expect(personHead(told.life.facts)).toBe("p2");
  round(3);
  round(4);
  round(5);
  expect(personHead(told.life.facts)).toBe("p2");
  expect(last(told)).toContain("escalated ci_red/budget_spent");
  expect(told.life.decision?.why).toContain("rev has pushed the same files again, which renews no budget.");
});

describe("another base", () => {
  const APPROVED = `${GREEN}; policy when_approved; review r1 approved`;

  test("an approval given for the one before does not count, until it is given again", () => {
    const told = story(`policy person; ${GREEN}; review r1 approved; base dev; policy when_approved`);
    expect(last(told)).toContain("awaiting_review unapproved");
    expect(told.life.decision?.why).toBe(
      "All required checks pass, but rev approved it before its base was changed to dev.",
    );
    expect(last(told.tell("review r2 approved"))).toContain("awaiting_queue merge");
  });

  test("nothing is decided before it was read for the new base", () => {
    const told = story(`policy person; ${GREEN}; review r1 approved; policy when_approved; news base dev`);
    expect(last(told)).toContain("pr_open unread_pull_request");
    expect(last(told)).toContain("read_pull_request");
  });

  test("a merge that was requested for the one before is cancelled", () => {
    const told = story(`${APPROVED}; merge ok; pull h1 auto; news base dev`);
    expect(last(told)).toContain("cancel_merge");
  });
});

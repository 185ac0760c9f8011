import { expect, test } from "vitest";
import { does, worksBut, write } from "../../story/script.ts";
import { LABEL } from "../../story/stage.ts";
import { startStory, type Story, type StoryOptions } from "../../story/story.ts";

const REPAIRS = worksBut(
  ...[1, 2, 3].map((nth) =>
    does({ type: "ci_repair", nth }, [write("src/repair.txt", `try ${nth}\n`)], `Tried it, number ${nth}.`),
  ),
);

/** Checks fail until the story says otherwise; one repair is allowed. */
async function spent(options: StoryOptions = {}): Promise<{ readonly story: Story; passes: () => void }> {
  const story = await startStory({
    agent: REPAIRS,
    ...options,
    config: { budgets: { ciRepairs: 1 }, ci: { reruns: 0 } },
  });
  let conclusion: "success" | "failure" = "failure";
  story.ci = async () => [{ name: "test", conclusion }];
  story.ada.writes("Add a discount");
  if (options.quick === true) story.linear.editIssue("APP-1", { labels: [LABEL] }, "Ada");
  else story.ada.delegates();
  await story.inTime("escalated");
  await story.rests();
  return { story, passes: () => (conclusion = "success") };
}

test("a spent budget is a question in Linear, and who picks another try gets one", async () => {
  const { story, passes } = await spent();
  const [session] = story.linear.issue("APP-1").sessions;
  expect(session?.status).toBe("awaitingInput");
  expect(story.linear.activities(session?.id ?? "").at(-1)).toMatchObject({
    content: { type: "elicitation" },
    signal: "select",
    signalMetadata: { options: [{ value: "Try again" }, { value: "I will take over" }] },
  });
  passes();
  story.ada.says("Try again");
  // Who picks a moment later has nothing left to decide.
  story.ada.says("I will take over");
  await story.inTime("awaiting_review");
  await story.rests();
  expect(await story.ran()).toEqual([
    "implementation published",
    "ci_repair published",
    "ci_repair published",
  ]);
  await story.end();
});

test("each further try is asked for again, and the budget of the whole issue still ends it", async () => {
  const story = await startStory({
    agent: REPAIRS,
    config: { budgets: { ciRepairs: 1, runs: 4 }, ci: { reruns: 0 } },
  });
  story.ci = async () => [{ name: "test", conclusion: "failure" }];
  story.ada.writes("Add a discount");
  story.ada.delegates();
  for (const runs of [2, 3]) {
    await story.inTime(({ state, spent: { runs: ran } }) => state === "escalated" && ran === runs);
    await story.rests();
    story.ada.says("Try again");
  }
  await story.inTime(({ rule }) => rule === "ci_red/budget_spent" || rule === "ci_red/runs_spent");
  await story.inTime(({ spent: { runs } }) => runs === 4);
  await story.inTime("escalated");
  await story.rests();
  story.ada.says("Try again");
  await story.rests();
  await story.inTime(({ rule }) => rule === "ci_red/runs_spent");
  expect((await story.runs()).length).toBe(4);
  await story.end();
});

test("whoever takes over is left alone until they push or write", async () => {
  const { story, passes } = await spent();
  const { ada } = story;
  ada.says("I will take over");
  await story.rests();
  expect(story.toldAs("response").at(-1)).toContain("response: It's yours");
  await story.passes(72 * 3_600);
  expect(story.told().filter((line) => line.includes("Reminder"))).toEqual([]);
  expect((await story.runs()).length).toBe(2);
  passes();
  await ada.pushes("patchrelay/app-1", { "src/by-hand.txt": "fixed\n" });
  await story.inTime("awaiting_review");
  await story.end();
});

test("an operator may answer, who sees the question with its options", async () => {
  const { story, passes } = await spent();
  expect((await story.issue())?.question).toMatchObject({ options: ["Try again", "I will take over"] });
  passes();
  expect(await story.operator("answer", { text: "Try again" })).toBe(202);
  await story.inTime("awaiting_review");
  expect(await story.operator("answer", { text: "Try again" })).toBe(409);
  expect((await story.issue())?.question).toBeNull();
  await story.end();
});

test("in quick mode it is answered with a reply", async () => {
  const { story, passes } = await spent({ quick: true });
  const asked = story.linear.issue("APP-1").comments.at(-1);
  expect(asked?.body).toContain("* Try again\n* I will take over");
  passes();
  story.linear.comment("APP-1", "Try again", "Ada", asked?.parentId ?? undefined);
  await story.inTime(({ rule }) => rule === "person_merges");
  expect((await story.runs()).length).toBe(3);
  await story.end();
});

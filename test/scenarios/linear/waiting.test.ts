import { expect, test } from "vitest";
import { does, worksBut, write } from "../../story/script.ts";
import { LABEL } from "../../story/stage.ts";
import { startStory, type Story } from "../../story/story.ts";

const HOUR = 3_600;
const DAY = 24 * HOUR;

const ASKS = worksBut(
  {
    when: { type: "implementation", nth: 1 },
    do: [{ ask: { text: "Is the price gross or net?", options: ["gross", "net"] } }],
    report: null,
  },
  does({ type: "implementation" }, [write("src/discount.txt", "net\n")], "Added the discount."),
);

const reminders = (story: Story): readonly string[] =>
  story.told().filter((line) => line.includes("Reminder:"));

test("an unanswered question is asked again after a day, across restarts, twice and no more; the answer still counts", async () => {
  const story = await startStory({ agent: ASKS });
  const { ada, linear } = story;
  const key = ada.writes("Add a discount");
  const session = ada.delegates();
  await story.until("awaiting_input");
  await story.rests();
  await story.passes(DAY - HOUR);
  expect(reminders(story)).toEqual([]);
  await story.restart();
  await story.passes(2 * HOUR);
  const question = linear.activities(session).at(-1);
  expect(question).toMatchObject({ content: { type: "elicitation" }, signal: "select" });
  expect(reminders(story)).toMatchInlineSnapshot(`
    [
      "elicitation: Reminder: I'm still waiting for an answer from Ada.

    Is the price gross or net?

    <url>",
    ]
  `);
  await story.restart();
  await story.passes(4 * DAY);
  expect(reminders(story)).toHaveLength(2);
  expect(linear.session(session).status).toBe("awaitingInput");
  ada.says("net");
  await story.until("awaiting_review");
  await story.rests();
  expect(linear.issue(key).sessions).toHaveLength(1);
  await story.end();
});

test("nobody is reminded who has spoken while the relay was down and no webhook told it", async () => {
  const story = await startStory({ agent: ASKS });
  const { ada, linear } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_input");
  await story.rests();
  await story.stopRelay();
  linear.faults.lose = 1;
  ada.says("net");
  story.clock.skip(2 * DAY * 1_000);
  linear.faults.lose = 0;
  await story.startRelay();
  await story.inTime("awaiting_review");
  await story.rests();
  expect(reminders(story)).toEqual([]);
  await story.end();
});

test("a pull request that nobody reviews, or merges where that is a person's, is told of again", async () => {
  const story = await startStory({
    config: { reminders: { afterHours: 2, times: 1 } },
    project: { merge: { policy: "person" } },
  });
  const { ada, linear } = story;
  ada.writes("Add a discount");
  const session = ada.delegates();
  await story.until(({ rule }) => rule === "person_merges");
  await story.rests();
  expect(linear.session(session).status).toBe("complete");
  await story.passes(8 * HOUR);
  expect(story.toldAs("response")).toMatchInlineSnapshot(`
    [
      "response: Pull request #1 is ready to be merged. <url>

    - Implementation: Added the discount.

    All required checks pass, and the merge is left to a person. I'm waiting for a person to merge it.",
      "response: Reminder: I'm still waiting for a person to merge it. All required checks pass, and the merge is left to a person.

    <url>",
    ]
  `);
  await story.grace.merges();
  await story.inTime("done");
  await story.end();
});

test("a session that Linear shows as stale says where things are, and one of a finished issue is left alone", async () => {
  const story = await startStory();
  const { ada, linear } = story;
  const key = ada.writes("Add a discount");
  const other = ada.writes("Prepare it");
  linear.addBlocker(key, other, "Ada");
  const session = ada.delegates();
  await story.inTime(({ rule }) => rule === "implement/blocked");
  await story.rests();
  const told = linear.activities(session).length;
  await story.sees(() => linear.session(session).status === "stale", true);
  await story.sees(() => linear.session(session).status === "active", true);
  await story.rests();
  const words = linear.activities(session).slice(told);
  expect(words.map(({ content, ephemeral }) => [content.type, ephemeral, content.body])).toEqual([
    ["thought", true, expect.stringContaining("I'm still waiting for APP-2 to be completed.")],
  ]);
  ada.moves("completed", other);
  await story.inTime("awaiting_review");
  await story.grace.approves();
  await story.inTime("done");
  await story.rests();
  const all = linear.activities(session).length;
  await story.passes(4 * HOUR);
  expect(linear.session(session).status).toBe("complete");
  expect(linear.activities(session)).toHaveLength(all);
  await story.end();
});

test("in quick mode a reminder is a reply in the thread", async () => {
  const story = await startStory({ quick: true, agent: ASKS });
  const { ada, linear } = story;
  ada.writes("Add a discount");
  linear.editIssue("APP-1", { labels: [LABEL] }, "Ada");
  await story.inTime("awaiting_input");
  await story.rests();
  const before = linear.issue("APP-1").comments.length;
  await story.passes(DAY - HOUR);
  await story.passes(2 * HOUR);
  const comments = linear.issue("APP-1").comments.slice(before);
  expect(comments.map(({ body }) => body)).toMatchInlineSnapshot(`
    [
      "**patchrelay** · Reminder: I'm still waiting for an answer from Ada.

    Is the price gross or net?

    [https://linear.app/example/issue/APP-1/add-a-discount](<https://linear.app/example/issue/APP-1/add-a-discount>)

    * gross
    * net

    Answer with a reply in this thread.",
    ]
  `);
  expect(comments.every(({ parentId }) => parentId !== null)).toBe(true);
  await story.end();
});

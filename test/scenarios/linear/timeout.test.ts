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
const WITHIN = { questions: { timeoutHours: 2 } };

const handedOver = (story: Story): readonly string[] =>
  story.told().filter((line) => line.includes("Nobody has answered"));

test("a question that nobody answers in time is handed over once, across restarts, and a late answer still wins", async () => {
  const story = await startStory({ agent: ASKS, project: WITHIN });
  const { ada, linear } = story;
  ada.writes("Add a discount");
  const session = ada.delegates();
  await story.until("awaiting_input");
  await story.rests();
  await story.passes(2 * HOUR - 600);
  expect((await story.issue())?.state).toBe("awaiting_input");
  await story.restart();
  await story.inTime("escalated");
  await story.rests();
  expect(handedOver(story)).toMatchInlineSnapshot(`
    [
      "error: The agent asks: "Is the price gross or net?" Nobody has answered within 2 hours. I'm handing this over, and the question stays open: with an answer I go on. I'm waiting for a late answer, on the issue or with \`patchrelay issue answer APP-1\`.",
    ]
  `);
  expect(linear.session(session).status).toBe("error");
  expect((await story.issue())?.question?.text).toBe("Is the price gross or net?");
  await story.restart();
  await story.passes(4 * DAY);
  expect(handedOver(story)).toHaveLength(1);
  expect(story.told().filter((line) => line.includes("Reminder"))).toEqual([]);
  ada.says("net");
  await story.until("awaiting_review");
  await story.rests();
  expect(await story.ran()).toEqual(["implementation asked", "implementation published"]);
  expect(linear.session(session).status).toBe("complete");
  await story.end();
});

test("by default a question is never handed over", async () => {
  const story = await startStory({ agent: ASKS });
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_input");
  await story.rests();
  await story.passes(30 * DAY);
  expect((await story.issue())?.rule).toBe("question_open");
  await story.end();
});

test("nobody is told so who has answered while the relay was down and no webhook told it", async () => {
  const story = await startStory({ agent: ASKS, project: WITHIN });
  const { ada, linear } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_input");
  await story.rests();
  await story.stopRelay();
  linear.faults.lose = 1;
  ada.says("net");
  story.clock.skip(DAY * 1_000);
  linear.faults.lose = 0;
  await story.startRelay();
  await story.inTime("awaiting_review");
  await story.rests();
  expect(handedOver(story)).toEqual([]);
  await story.end();
});

test("in quick mode it is a reply in the thread, and a reply there still answers", async () => {
  const story = await startStory({ quick: true, agent: ASKS, project: WITHIN });
  const { linear } = story;
  story.ada.writes("Add a discount");
  linear.editIssue("APP-1", { labels: [LABEL] }, "Ada");
  await story.inTime("escalated");
  await story.rests();
  const word = linear.issue("APP-1").comments.at(-1);
  expect(word?.body).toContain("Nobody has answered within 2 hours.");
  linear.comment("APP-1", "net", "Ada", word?.parentId ?? undefined);
  await story.inTime(({ rule }) => rule === "person_merges");
  await story.end();
});

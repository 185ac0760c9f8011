import { expect, test } from "vitest";
import { does, reports, worksBut, write } from "../story/script.ts";
import { startStory } from "../story/story.ts";

const ANSWERS = reports({ nth: 1 }, "answer", "It gives ten percent off.");

test("a mention is answered, and the issue stays where it is until a pull request comes of another word", async () => {
  const story = await startStory({
    agent: worksBut(
      ANSWERS,
      does({ nth: 2 }, [write("src/discount.txt", "10 percent\n")], "Added the discount."),
    ),
  });
  const { ada, grace, linear } = story;
  const key = ada.writes("Add a discount");
  const before = linear.issue(key).state.name;
  ada.mentions("@patchrelay what would this do?");
  await story.until(({ rule }) => rule === "said_all");
  await story.rests();
  expect(linear.issue(key)).toMatchObject({ state: { name: before }, delegateId: null });
  expect(story.toldAs("response")).toEqual(["response: It gives ten percent off."]);

  ada.says("Please add it.");
  await story.until("awaiting_review");
  await story.rests();
  expect(linear.issue(key).state.type).toBe("started");
  expect(linear.issue(key).delegateId).not.toBeNull();
  await grace.approves();
  await story.until("done");
  await story.rests();

  const runs = (await story.runs()).length;
  ada.says("Thanks, great work!");
  await story.rests();
  await story.sweeps(2);
  expect(await story.runs()).toHaveLength(runs);
  expect(story.toldAs("response").at(-1)).toBe("response: You're welcome.");
  expect(linear.issue(key).state.type).toBe("completed");
  await story.end();
});

test("by policy the relay answers and offers to start work on the issue; nothing that the agent changed is published", async () => {
  const story = await startStory({
    project: { mentions: "offer" },
    agent: worksBut(does({ nth: 1 }, [write("src/unasked.txt", "unasked\n")], "It gives ten percent off.")),
  });
  const { ada } = story;
  ada.writes("Add a discount");
  ada.mentions("@patchrelay what would this do?");
  await story.until(({ rule }) => rule === "question_open");
  await story.rests();
  expect(story.pushes()).toEqual([]);
  expect(story.toldAs("elicitation").at(-1)).toContain("Should I start work on this issue?");
  ada.says("Start work on the issue");
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation answered", "implementation published"]);
  expect(await story.file("patchrelay/app-1", "src/unasked.txt").catch(() => null)).toBeNull();
  await story.end();
});

test("a mention in a reply is read and acted on at once, also where there is a pull request and the news does not carry it", async () => {
  // No sweep comes to its help.
  const story = await startStory({ config: { sweep: { activeSeconds: 3_000, waitingSeconds: 3_000 } } });
  const { ada, linear } = story;
  const key = ada.writes("Add a discount");
  const first = ada.delegates();
  await story.until("awaiting_review");
  await story.rests();
  const root = linear.comment(key, "Is ten percent right?", "Grace");
  linear.dismiss(first, "Ada");
  await story.until("paused");
  await story.rests();
  const session = linear.mention(key, "@patchrelay make it twenty, please", "Ada", root.id).id;
  await story.sees(async () => (await story.runs()).length === 2);
  await story.until(({ rule }) => rule === "unapproved");
  expect(await story.ran()).toEqual(["implementation published", "implementation published"]);
  expect(Object.values((await story.facts()).prompts)).toMatchObject([
    { session, text: "@patchrelay make it twenty, please" },
  ]);
  await story.end();
});

import { expect, test } from "vitest";
import { does, worksBut, write, type AgentRules } from "../story/script.ts";
import { startStory } from "../story/story.ts";

/** Each repair changes something, and none of them helps. */
const TRIES: AgentRules = [1, 2, 3, 4, 5].map((nth) =>
  does({ type: "ci_repair", nth }, [write("src/repair.txt", `try ${nth}\n`)], `Tried the ${nth}. thing.`),
);

test("a spent budget hands over and says what was tried; `retry` gives another, a person's push too", async () => {
  const story = await startStory({
    agent: worksBut(...TRIES),
    config: { budgets: { ciRepairs: 2 }, ci: { reruns: 0 }, limits: { runsPerIssuePerHour: 50 } },
  });
  const { ada, grace } = story;
  story.ci = async () => [{ name: "test", conclusion: "failure", log: "AssertionError: 100 is not 90" }];
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("escalated");
  await story.rests();
  expect(await story.ran()).toEqual([
    "implementation published",
    "ci_repair published",
    "ci_repair published",
  ]);
  expect(story.toldAs("elicitation")).toMatchInlineSnapshot(`
    [
      "elicitation: The check "test" failed on <commit>. The CI repair budget (2 attempts) is used up. I'm handing this over.

    Pull request #1: <url>

    What was tried:
    - Run 1 (implementation) pushed a change: Added the discount.
    - Run 2 (CI repair) pushed a change: Tried the 1. thing.
    - Run 3 (CI repair) pushed a change: Tried the 2. thing.

    I'm waiting for a new commit, a message that says what to do, or an operator to run \`patchrelay issue retry APP-1\`.",
    ]
  `);
  await story.sweeps(1);
  expect(await story.ran()).toHaveLength(3);
  expect(story.toldAs("elicitation")).toHaveLength(1);

  expect(await story.operator("retry")).toBe(202);
  await story.until(({ state, run, spent }) => state === "escalated" && run === null && spent.runs === 5);
  expect(await story.ran()).toHaveLength(5);

  // A head of a person's has a budget of its own.
  await grace.pushes("patchrelay/app-1", { "src/grace.txt": "mine\n" });
  await story.inTime(({ spent }) => spent.runs === 6);
  story.ci = async () => [{ name: "test", conclusion: "success" }];
  await story.inTime("awaiting_review");
  await grace.approves();
  await story.until("done");
  await story.end();
});

test("the agent's own failures cost attempts and then hand over", async () => {
  const story = await startStory({
    agent: [{ when: { type: "implementation" }, do: [{ fail: { class: "agent", detail: "It gave up." } }] }],
    config: { budgets: { implementations: 2 } },
  });
  const { ada } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.inTime("escalated");
  await story.rests();
  expect(await story.ran()).toEqual(["implementation failed agent", "implementation failed agent"]);
  expect(story.toldAs("elicitation")[0]).toContain("It gave up.");
  expect(story.pushes()).toEqual([]);
  await story.end();
});

test("a provider's limit is waited out until the time it states, and costs no attempt", async () => {
  const story = await startStory({
    agent: worksBut({
      when: { type: "implementation", nth: 1 },
      do: [{ fail: { class: "capacity", detail: "Usage limit reached.", retryAfterMs: 7_200_000 } }],
    }),
  });
  const { ada } = story;
  ada.writes("Add a discount");
  const began = story.clock.now();
  ada.delegates();
  await story.until(({ rule }) => rule === "implement/backing_off");
  await story.rests();
  expect(await story.issue()).toMatchObject({
    state: "delegated",
    waitsFor: "the pause before the next attempt to end",
  });
  expect((await story.issue())?.budgets["implementations"]?.spent).toBe(0);
  expect(Date.parse((await story.issue())?.until ?? "") - began).toBeGreaterThanOrEqual(7_200_000);
  await story.inTime("awaiting_review");
  expect(story.clock.now() - began).toBeGreaterThanOrEqual(7_200_000);
  expect((await story.issue())?.budgets["implementations"]?.spent).toBe(1);
  await story.end();
});

test("an agent whose process dies is tried again without a charge", async () => {
  const story = await startStory({
    agent: worksBut({
      when: { type: "implementation", nth: 1 },
      do: [
        write("src/half.txt", "half\n"),
        { fail: { class: "infrastructure", detail: "The agent's process ended." } },
      ],
    }),
  });
  const { ada } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.inTime("awaiting_review");
  expect(await story.ran()).toEqual(["implementation failed infrastructure", "implementation published"]);
  expect((await story.issue())?.budgets["implementations"]?.spent).toBe(1);
  expect(await story.file("patchrelay/app-1", "src/half.txt")).toBeNull();
  await story.end();
});

test("with one slot, rework goes before new work", async () => {
  const story = await startStory({
    agent: worksBut(
      does(
        { type: "implementation", nth: 2 },
        [{ wait: 20_000 }, write("src/second.txt", "2\n")],
        "The second issue.",
      ),
      does({ type: "implementation", nth: 3 }, [write("src/third.txt", "3\n")], "The third issue."),
    ),
    config: { runs: { slots: 1 } },
  });
  const { ada, grace } = story;
  for (const title of ["Add a discount", "Second", "Third"]) ada.writes(title);
  ada.delegates("APP-1");
  await story.until("awaiting_review");
  ada.delegates("APP-2");
  await story.works("APP-2");
  ada.delegates("APP-3");
  await story.until(({ rule }) => rule === "run_queued", "APP-3");
  await grace.requestsChanges("Please round it.");
  await story.until(({ rule }) => rule === "run_queued");
  const { items } = await story.engine.views.queue();
  const waiting = await Promise.all(items.map(async ({ issue }) => (await story.issue(issue))?.key));
  expect(waiting).toEqual(["APP-1", "APP-3"]);
  expect(story.engine.health().slots).toEqual({ total: 1, used: 1 });
  await story.inTime(({ state }) => state === "awaiting_review", "APP-3");
  const startOf = async (key: string): Promise<number> =>
    Date.parse((await story.runs(key)).at(-1)?.startedAt ?? "");
  expect(await startOf("APP-1")).toBeLessThan(await startOf("APP-3"));
  await story.end();
});

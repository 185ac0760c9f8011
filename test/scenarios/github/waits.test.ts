import { expect, test } from "vitest";
import { startStory, type Story } from "../../story/story.ts";

// What nobody would ever hear of: GitHub waits, no webhook comes, and nothing has failed.

function delegated(story: Story): void {
  story.ada.writes("Add a discount");
  story.ada.delegates();
}

/** Told once: not again by a restart, nor by the sweep. */
async function toldOnce(story: Story, words: string): Promise<void> {
  await story.restart();
  await story.sweeps(2);
  const asked = story.toldAs("elicitation");
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain(words);
  expect((await story.issue())?.why).toContain(words);
}

test("a queue that times out for want of `on: merge_group` sends no agent, and a person hears of the likely reason", async () => {
  const protection = { requiredChecks: ["test"], mergeQueue: true, queueTimeoutMinutes: 60 };
  const story = await startStory({ protection });
  let forQueue = false;
  // A workflow without `on: merge_group` makes no check there at all.
  story.ci = async ({ kind }) =>
    kind === "merge_group" && !forQueue ? [] : [{ name: "test", conclusion: "success" }];
  delegated(story);
  await story.until("awaiting_review");
  await story.grace.approves();
  await story.until(({ rule }) => rule === "in_queue");
  await story.inTime(({ rule }) => rule === "queue_timed_out");
  await toldOnce(story, "their workflows lack `on: merge_group`");
  expect(await story.ran()).toEqual(["implementation published"]);
  forQueue = true;
  expect(await story.operator("retry")).toBe(202);
  await story.inTime("done");
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

test("a required check that nobody reports is told after an hour, by name, once, and goes on when it comes", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test", "license"] } });
  delegated(story);
  await story.until(({ rule }) => rule === "ci_pending");
  expect(story.toldAs("elicitation")).toEqual([]);
  await story.inTime("awaiting_input");
  await toldOnce(story, 'The check "license" is required and has not been reported');
  const { headSha } = story.github.pullRequest(1).fields;
  const run = await story.github.startCheck("acme/shop", headSha, "license");
  await story.github.finishCheck("acme/shop", run, "success");
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

test("a base that has been red for an hour is told, once, and the work goes on when it is green", async () => {
  const story = await startStory();
  let broken = true;
  story.ci = async () => [{ name: "test", conclusion: broken ? "failure" : "success" }];
  await story.grace.pushes("main", { "src/broken.txt": "broken\n" });
  await story.github.settled();
  delegated(story);
  await story.until(({ rule, state }) => rule === "red_on_base" && state === "pr_open");
  await story.inTime("awaiting_input");
  await toldOnce(story, 'The check "test" also fails on main. That has been so for an hour.');
  broken = false;
  await story.grace.pushes("main", { "src/broken.txt": "mended\n" });
  await story.inTime("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

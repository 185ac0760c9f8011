import { expect, test } from "vitest";
import { startStory, type Story } from "../../story/story.ts";

// "Require branches to be up to date before merging": whoever comes second is behind, and no person has to press a button.

const STRICT = { requiredChecks: ["test"], strict: true, requiredApprovals: 1, dismissStaleReviews: true };

async function opened(story: Story): Promise<void> {
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_review");
}

const updates = (story: Story): number =>
  story.github.requests.filter(({ path }) => path.endsWith("/update-branch")).length;

test("a branch that is behind is brought up to date and merged, and one approval is enough", async () => {
  const story = await startStory({ protection: STRICT });
  await opened(story);
  await story.grace.pushes("main", { "src/elsewhere.txt": "news\n" });
  await story.grace.approves();
  await story.inTime("done");
  expect(updates(story)).toBe(1);
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(await story.file("main", "src/elsewhere.txt")).toBe("news\n");
  expect(await story.file("main", "src/discount.txt")).toBe("10 percent\n");
  await story.end();
});

test("of two pull requests both are merged, the second onto the first, without another word from anybody", async () => {
  const story = await startStory({ protection: STRICT });
  await opened(story);
  story.ada.writes("Add a tax");
  story.ada.delegates("APP-2");
  await story.until("awaiting_review", "APP-2");
  await Promise.all([story.grace.approves(1), story.grace.approves(2)]);
  await story.inTime("done");
  await story.inTime("done", "APP-2");
  expect(updates(story)).toBe(1);
  await story.end();
});

test("auto-merge waits for no branch that is behind: it is brought up to date, and stays on meanwhile", async () => {
  const story = await startStory({ protection: { ...STRICT, requiredApprovals: 2 } });
  await opened(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "merge_asked");
  await story.grace.pushes("main", { "src/elsewhere.txt": "news\n" });
  await story.ada.approves();
  await story.inTime("done");
  expect(updates(story)).toBe(1);
  expect(JSON.stringify(story.lines)).not.toContain("cancel_merge:");
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

test("a base that moves on all the time is followed a few times within an hour; then a person is told, once", async () => {
  const story = await startStory({ protection: STRICT });
  await opened(story);
  let moves = 0;
  story.ci = async ({ kind }) => {
    if (kind === "pull_request" && moves < 100) {
      moves += 1;
      await story.grace.pushes("main", { "src/elsewhere.txt": `news ${moves}\n` });
    }
    return [{ name: "test", conclusion: "success" }];
  };
  await story.grace.pushes("main", { "src/elsewhere.txt": "news\n" });
  await story.grace.approves();
  await story.inTime(({ rule }) => rule === "base_too_fast");
  expect(updates(story)).toBe(6);
  await story.restart();
  await story.passes(1_200);
  expect(updates(story)).toBe(6);
  const asks = story.toldAs("elicitation");
  expect(asks).toHaveLength(1);
  expect(asks[0]).toContain("brought up to date 6 times within the hour, and each time main moved on");
  expect(asks[0]).toContain("a merge queue would end this");
  moves = 100;
  await story.inTime("done");
  expect(updates(story)).toBe(7);
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

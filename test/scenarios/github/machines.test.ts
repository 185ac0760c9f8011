import { expect, test } from "vitest";
import { REPOSITORY } from "../../story/stage.ts";
import { does, worksBut, write, type AgentRules } from "../../story/script.ts";
import { startStory, type Story } from "../../story/story.ts";

// What machines push, and merges of the base by whoever presses the button, are no person's answer.

const BRANCH = "patchrelay/app-1";
const SLOW_REVIEW = worksBut(
  does({ type: "review_fix" }, [{ wait: 60_000 }, write("src/reviewed.txt", "as asked\n")], "Did as asked."),
);

async function opened(story: Story): Promise<void> {
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_review");
}

async function baseMoves(story: Story): Promise<void> {
  await story.grace.pushes("main", { "src/elsewhere.txt": "news\n" });
}

test('"Update branch" while a review is worked on stops nothing, and the work goes on top of the merge', async () => {
  const story = await startStory({ agent: SLOW_REVIEW });
  await opened(story);
  await story.grace.requestsChanges("Please round it.");
  await story.until(({ run }) => run?.type === "review_fix");
  await story.works();
  await baseMoves(story);
  await story.github.updateBranch("grace", 1);
  await story.inTime(({ state, run }) => state === "awaiting_review" && run === null);
  await story.rests();
  expect(await story.ran()).toEqual(["implementation published", "review_fix published"]);
  expect(await story.file(BRANCH, "src/elsewhere.txt")).toBe("news\n");
  expect(await story.file(BRANCH, "src/reviewed.txt")).toBe("as asked\n");
  expect(story.pushes().some((push) => push.includes("forced"))).toBe(false);
  await story.end();
});

test('"Update branch" just before or after a review answers it no more than the review itself', async () => {
  const story = await startStory({ agent: SLOW_REVIEW, config: { agent: {} } });
  await opened(story);
  await baseMoves(story);
  await Promise.all([story.grace.requestsChanges("Please round it."), story.github.updateBranch("grace", 1)]);
  await story.inTime(
    ({ state, spent, run }) => state === "awaiting_review" && spent.runs === 2 && run === null,
  );
  expect(await story.ran()).toEqual(["implementation published", "review_fix published"]);
  expect(await story.file(BRANCH, "src/reviewed.txt")).toBe("as asked\n");
  await story.grace.approves();
  await story.until("done");
  await story.end();
});

test("a bot's commit on top of the reviewed one answers no review", async () => {
  const story = await startStory({ agent: SLOW_REVIEW });
  story.github.addPerson("autofix-ci[bot]", "Bot");
  story.github.setPermission(REPOSITORY, "autofix-ci[bot]", "write");
  await opened(story);
  await story.grace.requestsChanges("Please round it.");
  await story.until(({ run }) => run?.type === "review_fix");
  await story.works();
  await story.github.pushAs("autofix-ci[bot]", REPOSITORY, BRANCH, { "src/format.txt": "tidy\n" });
  await story.inTime(({ state, run }) => state === "awaiting_review" && run === null);
  await story.rests();
  expect(await story.ran()).toEqual(["implementation published", "review_fix published"]);
  expect(await story.file(BRANCH, "src/format.txt")).toBe("tidy\n");
  expect(await story.file(BRANCH, "src/reviewed.txt")).toBe("as asked\n");
  await story.end();
});

test("what a person edits on GitHub's own page is their word, although GitHub commits it", async () => {
  const story = await startStory({ agent: SLOW_REVIEW });
  await opened(story);
  await story.grace.requestsChanges("Please round it.");
  await story.until(({ run }) => run?.type === "review_fix");
  await story.works();
  await story.github.pushAs("grace", REPOSITORY, BRANCH, { "src/grace.txt": "mine\n" }, { web: true });
  await story.inTime(({ state, run }) => state === "awaiting_review" && run === null);
  await story.rests();
  expect(await story.ran()).toEqual(["implementation published", "review_fix superseded"]);
  expect((await story.issue())?.rule).toBe("review_answered");
  await story.end();
});

/** Each repair changes something, and none of them helps. */
const TRIES: AgentRules = [1, 2, 3, 4, 5].map((nth) =>
  does({ type: "ci_repair", nth }, [write("src/repair.txt", `try ${nth}\n`)], `Tried the ${nth}. thing.`),
);

test("a formatter that pushes after every push of ours renews no budget; who is handed the issue hears of it, once", async () => {
  const story = await startStory({
    agent: worksBut(...TRIES),
    config: { budgets: { ciRepairs: 2 }, ci: { reruns: 0 }, limits: { runsPerIssuePerHour: 50 } },
  });
  const { github, grace } = story;
  github.addPerson("autofix-ci[bot]", "Bot");
  let fixes = 0;
  github.habits.formatter = {
    login: "autofix-ci[bot]",
    async changes(read) {
      const formatted = `formatted: ${await read("src/repair.txt")}`;
      if ((await read("src/formatted.txt")) === formatted) return null;
      fixes += 1;
      return { "src/formatted.txt": formatted };
    },
  };
  story.ci = async () => [{ name: "test", conclusion: "failure", log: "AssertionError: 100 is not 90" }];
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.inTime("escalated");
  await story.rests();
  await story.sweeps(2);
  expect(await story.ran()).toEqual([
    "implementation published",
    "ci_repair published",
    "ci_repair published",
  ]);
  // The push that made the branch had no pull request yet.
  expect(fixes).toBe(2);
  const asked = story.toldAs("elicitation");
  expect(asked).toHaveLength(1);
  expect(asked[0]).toContain(
    "The CI repair budget (2 attempts) is used up. autofix-ci[bot] has pushed 2 times in between, which renews no budget.",
  );
  expect(story.pushes().some((push) => push.includes("forced"))).toBe(false);

  github.habits.formatter = null;
  await grace.pushes(BRANCH, { "src/grace.txt": "mine\n" });
  await story.inTime(({ spent }) => spent.runs === 4);
  story.ci = async () => [{ name: "test", conclusion: "success" }];
  await story.inTime("awaiting_review");
  await grace.approves();
  await story.until("done");
  await story.end();
});

test("an approval given for one base is none for another", async () => {
  const story = await startStory();
  const { github, grace } = story;
  await grace.pushes("next", { "src/next.txt": "next\n" });
  await opened(story);
  await github.convertToDraft("grace", 1);
  await story.until(({ rule }) => rule === "draft");
  await grace.approves();
  await github.edit("grace", 1, { base: "next" });
  await github.ready("grace", 1);
  await story.until(({ rule }) => rule === "unapproved");
  await story.sweeps(2);
  await story.rests();
  const issue = await story.issue();
  expect([issue?.state, issue?.rule]).toEqual(["awaiting_review", "unapproved"]);
  expect(issue?.why).toContain("grace approved it before its base was changed to next");
  expect(github.pullRequest(1).fields.merged).toBe(false);
  // GitHub tells whole seconds.
  story.clock.skip(1_500);
  await grace.approves();
  await story.until("done");
  expect(await story.file("next", "src/discount.txt")).toBe("10 percent\n");
  await story.end();
});

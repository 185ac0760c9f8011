import { expect, test } from "vitest";
import { reports, worksBut } from "../story/script.ts";
import { startStory } from "../story/story.ts";

// What GitHub says to a push that it will never take: https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-rulesets

const FOUND_DONE = worksBut(reports({ nth: 2 }, "no_change", "It is done already."));

test.each([
  [
    "a rule of the repository",
    "error: GH013: Repository rule violations found for refs/heads/patchrelay/app-1.\nReview all repository rules at https://github.com/acme/shop/rules\n- Commits must have verified signatures.",
    "Commits must have verified signatures.",
  ],
  [
    "a permission that is missing",
    "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission",
    "without `workflows` permission",
  ],
  [
    "a branch that is locked",
    "error: GH006: Protected branch update failed.\nerror: Branch is locked",
    "Branch is locked",
  ],
])(
  "a push that %s refuses is not paid for again: a person is asked, in GitHub's words",
  async (_, words, told) => {
    const story = await startStory({ agent: FOUND_DONE });
    const { ada, github } = story;
    await github.refusePushes("acme/shop", words);
    ada.writes("Add a discount");
    ada.delegates();
    await story.until(({ rule }) => rule === "question_open");
    await story.rests();
    await story.passes(6 * 3_600);
    expect(await story.ran()).toEqual(["implementation asked"]);
    const [question] = story.toldAs("elicitation");
    expect(question).toContain(told);
    expect(question).not.toMatch(/hint:|\[remote rejected\]|git push/);
    await github.refusePushes("acme/shop", null);
    ada.says("Push it again");
    await story.until("awaiting_review");
    expect(await story.ran()).toEqual(["implementation asked", "implementation published"]);
    expect(await story.file("patchrelay/app-1", "src/discount.txt")).toBe("10 percent\n");
    await story.end();
  },
);

test("a secret that push protection finds goes back to the agent once, then to a person", async () => {
  const story = await startStory();
  const { ada, github } = story;
  await github.refusePushes(
    "acme/shop",
    "error: GH013: Repository rule violations found for refs/heads/patchrelay/app-1.\n- GITHUB PUSH PROTECTION\n  Push cannot contain secrets",
  );
  ada.writes("Add a discount");
  ada.delegates();
  await story.until(({ rule }) => rule === "question_open");
  await story.rests();
  expect(await story.ran()).toEqual(["implementation failed policy", "implementation asked"]);
  await story.end();
});

test("an error of GitHub's own in that place is waited out, and the push alone is repeated", async () => {
  const story = await startStory();
  const { ada, github } = story;
  await github.refusePushes("acme/shop", "Internal Server Error");
  ada.writes("Add a discount");
  ada.delegates();
  await story.sees(() =>
    story.lines.some(({ line }) => JSON.stringify(line).includes("Internal Server Error")),
  );
  await github.refusePushes("acme/shop", null);
  await story.inTime("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

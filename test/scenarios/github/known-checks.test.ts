import { expect, test } from "vitest";
import { REPOSITORY } from "../../story/stage.ts";
import { startStory, type Story } from "../../story/story.ts";

// "No check yet" is not "no CI": runners may be away, and a push by a workflow's own token starts no workflow at all.

const BRANCH = "patchrelay/app-1";

async function opened(story: Story): Promise<void> {
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.inTime("awaiting_review");
}

const head = (story: Story): string => story.github.pullRequest(1).fields.headSha;

test("a head that a workflow's own token pushed is not merged as having no CI; a person is asked once, and a commit that checks start on goes on", async () => {
  const story = await startStory({ protection: null });
  story.github.addPerson("github-actions[bot]", "Bot");
  story.github.setPermission(REPOSITORY, "github-actions[bot]", "write");
  await opened(story);
  await story.github.pushAs("github-actions[bot]", REPOSITORY, BRANCH, { "src/format.txt": "tidy\n" });
  await story.grace.approves();
  await story.passes(600);
  const waiting = await story.issue();
  expect([waiting?.state, waiting?.rule]).toEqual(["pr_open", "ci_pending"]);
  expect(waiting?.why).toBe(
    'The check ".github/workflows/ci.yml" has not started on this commit, but this repository is known to have it.',
  );
  await story.sweeps(1);
  const asked = await story.issue();
  expect([asked?.state, asked?.rule]).toEqual(["awaiting_input", "checks_missing"]);
  expect(asked?.why).toContain(
    "The commit is by github-actions[bot]: a push with a workflow's own token starts no",
  );
  const said = (): number =>
    story.linear.issue("APP-1").sessions.flatMap(({ id }) => story.linear.activities(id)).length;
  const told = said();
  await story.sweeps(2);
  expect(said()).toBe(told);
  expect(story.github.pullRequest(1).fields.merged).toBe(false);
  await story.grace.pushes(BRANCH, { "src/format.txt": "tidier\n" });
  await story.inTime("awaiting_review");
  await story.grace.approves();
  await story.inTime("done");
  await story.end();
});

test("one check that has come does not stand for another that earlier commits had", async () => {
  const story = await startStory({ protection: null });
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until(() => story.github.pullRequestCount() === 1);
  await story.github.setStatus(REPOSITORY, head(story), "license", "success");
  await story.inTime("awaiting_review");
  await story.grace.requestsChanges("Please round it.");
  await story.until(({ spent, run }) => spent.runs === 2 && run === null);
  await story.grace.approves();
  await story.passes(600);
  expect((await story.issue())?.rule).toBe("ci_pending");
  expect((await story.issue())?.why).toContain('The check "license" has not started');
  await story.github.setStatus(REPOSITORY, head(story), "license", "success");
  await story.inTime("done");
  await story.end();
});

test.each([
  ["pull requests start", "on:\n  pull_request:\n    branches: [main]\n", true],
  ["every push starts", "on: [push]\n", true],
  ["a push to the base alone starts", "on:\n  push:\n    branches: [main]\n", false],
  ["a timetable starts", "on:\n  schedule:\n    - cron: '0 0 * * *'\n", false],
])("a workflow that %s tells whether checks are waited for", async (_, workflow, isAwaited) => {
  const story = await startStory({
    protection: null,
    files: { "README.md": "# shop\n", ".github/workflows/ci.yml": workflow },
  });
  story.ci = async () => [];
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until(() => story.github.pullRequestCount() === 1);
  await story.grace.approves();
  if (!isAwaited) await story.inTime("done");
  await story.passes(600);
  expect((await story.issue())?.rule).toBe(isAwaited ? "ci_pending" : "merged");
  if (isAwaited) {
    await story.sweeps(1);
    expect((await story.issue())?.rule).toBe("checks_missing");
    await story.grace.merges();
    await story.inTime("done");
  }
  await story.end();
});

import { expect, test } from "vitest";
import { does, worksBut, write } from "../story/script.ts";
import { REPOSITORY } from "../story/stage.ts";
import { startStory, type Story } from "../story/story.ts";

function delegated(story: Story): void {
  story.ada.writes("Add a discount");
  story.ada.delegates();
}

const headOf = (story: Story): string => story.github.pullRequest(1).fields.headSha;

test("a red check is repaired with its log before the agent", async () => {
  const story = await startStory({
    agent: worksBut(
      does(
        { type: "ci_repair", promptIncludes: "AssertionError: 100 is not 90" },
        [write("src/repaired.txt", "green\n")],
        "Repaired with the log.",
      ),
      { when: { type: "ci_repair" }, do: [{ fail: { class: "agent", detail: "There was no log." } }] },
    ),
  });
  story.ci = async (job) => [
    {
      name: "test",
      conclusion: (await job.read("src/repaired.txt")) === null ? "failure" : "success",
      log: "AssertionError: 100 is not 90",
    },
  ];
  delegated(story);
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published", "ci_repair published"]);
  await story.end();
});

test("a check that is green when run again costs no run", async () => {
  const story = await startStory();
  story.ci = async ({ attempt, kind }) => [
    { name: "test", conclusion: attempt === 1 && kind === "pull_request" ? "failure" : "success" },
  ];
  delegated(story);
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(story.github.requests.filter(({ path }) => path.includes("rerun"))).toHaveLength(1);
  await story.end();
});

test("what is red on the base branch too costs no run, and turns green with it", async () => {
  const story = await startStory();
  let broken = true;
  story.ci = async () => [{ name: "test", conclusion: broken ? "failure" : "success" }];
  await story.grace.pushes("main", { "src/broken.txt": "broken\n" });
  await story.github.settled();
  delegated(story);
  await story.until(({ rule }) => rule === "red_on_base");
  await story.sweeps(1);
  expect(await story.ran()).toEqual(["implementation published"]);
  broken = false;
  await story.grace.pushes("main", { "src/broken.txt": "mended\n" });
  await story.inTime("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

test("a check that is cancelled again and again is a person's matter, not the agent's", async () => {
  const story = await startStory();
  story.ci = async () => [{ name: "test", conclusion: "cancelled" }];
  delegated(story);
  await story.inTime("awaiting_input");
  expect((await story.issue())?.rule).toBe("ci_blocked");
  await story.sweeps(1);
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(story.toldAs("elicitation")).toHaveLength(1);
  await story.end();
});

test("CI for push and for the pull request: the red one of two jobs of the same name is repaired", async () => {
  const story = await startStory({
    agent: worksBut(does({ type: "ci_repair" }, [write("src/repaired.txt", "green\n")], "Repaired.")),
  });
  story.github.habits.ciOnEveryPush = true;
  story.ci = async (job) => {
    const changed = (await job.read("src/discount.txt")) !== null;
    const repaired = (await job.read("src/repaired.txt")) !== null;
    const broken = job.kind === "push" && changed && !repaired;
    return [{ name: "test", conclusion: broken ? "failure" : "success" }];
  };
  delegated(story);
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published", "ci_repair published"]);
  expect(Object.keys((await story.facts()).pullRequest?.heads[headOf(story)]?.checks ?? {})).toHaveLength(2);
  await story.end();
});

test("a private repository on a free plan has no rules to read, and its pull request is read all the same", async () => {
  const story = await startStory({ protection: null });
  story.github.habits.hasBranchRules = false;
  delegated(story);
  await story.inTime("awaiting_review");
  await story.grace.approves();
  await story.until("done");
  await story.end();
});

test("commit statuses count like checks", async () => {
  const story = await startStory({ protection: { requiredChecks: ["legacy"] } });
  story.ci = async () => [];
  delegated(story);
  await story.until(({ rule }) => rule === "ci_pending");
  await story.github.setStatus(REPOSITORY, headOf(story), "legacy", "pending");
  await story.rests();
  expect((await story.issue())?.state).toBe("pr_open");
  await story.github.setStatus(REPOSITORY, headOf(story), "legacy", "success");
  await story.until("awaiting_review");
  await story.end();
});

test("the configuration may spell the repository's name in another case than GitHub does", async () => {
  const story = await startStory({
    protection: { requiredChecks: ["legacy"] },
    project: { repository: { name: "Acme/Shop" } },
  });
  story.ci = async () => [];
  delegated(story);
  await story.until(({ rule }) => rule === "ci_pending");
  await story.rests();
  await story.github.setStatus(REPOSITORY, headOf(story), "legacy", "success");
  await story.until("awaiting_review");
  await story.end();
});

test("a repository without any CI is taken as green after a while", async () => {
  const story = await startStory({ protection: null });
  story.ci = async () => [];
  const began = story.clock.now();
  delegated(story);
  await story.inTime("awaiting_review");
  expect(story.clock.now() - began).toBeGreaterThanOrEqual(5_000);
  await story.grace.approves();
  await story.until("done");
  await story.end();
});

test("a required check that has not come is waited for, and named", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test", "license"] } });
  delegated(story);
  await story.until(({ rule }) => rule === "ci_pending");
  await story.sweeps(1);
  expect((await story.issue())?.why).toContain("license");
  expect(await story.ran()).toEqual(["implementation published"]);
  const run = await story.github.startCheck(REPOSITORY, headOf(story), "license");
  await story.github.finishCheck(REPOSITORY, run, "success");
  await story.until("awaiting_review");
  await story.end();
});

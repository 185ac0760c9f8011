import { expect, test } from "vitest";
import { does, worksBut, write } from "../../story/script.ts";
import { REPOSITORY } from "../../story/stage.ts";
import { startStory, type Story } from "../../story/story.ts";

// Other people's commits stay what they are, and a branch is nobody's by its name.

const BRANCH = "patchrelay/app-1";
const QUEUE = { requiredChecks: ["test"], mergeQueue: true };

async function implemented(story: Story): Promise<void> {
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_review");
}

/** The queue lets a group pass once it holds what the repair writes. */
function rejects(story: Story): void {
  story.ci = async (job) => {
    const isUnfit = job.kind === "merge_group" && (await job.read("src/integrated.txt")) === null;
    return [{ name: "test", conclusion: isUnfit ? "failure" : "success", log: "does not fit main" }];
  };
}

/** Grace merges main into the branch and adapts a file inside of the merge commit. */
async function adapts({ github, grace }: Story): Promise<string> {
  await grace.pushes("main", { "src/tax.txt": "19\n" });
  return await github.mergeAs("grace", REPOSITORY, BRANCH, "main", { "src/price.txt": "119\n" });
}

async function keeps(story: Story, shas: readonly string[], branch = BRANCH): Promise<void> {
  const history = (await story.history(branch)).map(({ sha }) => sha);
  expect(history).toEqual(expect.arrayContaining([...shas]));
  expect(story.pushes().filter((push) => push.includes("forced"))).toEqual([]);
}

test.each([
  ["cleanly", {}],
  ["in a conflict, which the agent resolves", { "src/price.txt": "120\n" }],
])(
  "what a person adapted in a merge commit is there after the queue's rejection was repaired %s",
  async (_, main) => {
    const resolved = does(
      { type: "queue_repair" },
      [
        write("src/integrated.txt", "fits\n"),
        ...(Object.keys(main).length > 0 ? [write("src/price.txt", "119\n")] : []),
      ],
      "Made it fit.",
    );
    const story = await startStory({ protection: QUEUE, agent: worksBut(resolved) });
    rejects(story);
    await implemented(story);
    const before = (await story.history(BRANCH)).map(({ sha }) => sha);
    const theirs = await adapts(story);
    await story.sees(async () => (await story.facts()).pullRequest?.core.value.head === theirs);
    await story.grace.approves();
    await story.until("repairing_queue");
    if (Object.keys(main).length > 0) await story.stopRelay();
    await story.grace.pushes("main", { "src/shipping.txt": "5\n", ...main });
    if (Object.keys(main).length > 0) await story.startRelay();
    await story.inTime(({ state, run }) => run === null && state === "awaiting_review");
    expect((await story.ran()).at(-1)).toBe("queue_repair published");
    await keeps(story, [...before, theirs]);
    expect(await story.file(BRANCH, "src/price.txt")).toBe("119\n");
    const merge = (await story.history(BRANCH)).find(({ sha }) => sha === theirs);
    expect(merge?.author.name.toLowerCase()).toContain("grace");
    await story.grace.approves();
    await story.until("done");
    expect(await story.file("main", "src/price.txt")).toBe("119\n");
    await story.end();
  },
);

test("where the rules refuse merge commits a person is asked, and nothing is rewritten", async () => {
  const story = await startStory({ protection: QUEUE });
  rejects(story);
  await implemented(story);
  const theirs = await adapts(story);
  await story.sees(async () => (await story.facts()).pullRequest?.core.value.head === theirs);
  await story.github.refusePushes(
    REPOSITORY,
    "error: GH013: Repository rule violations found for refs/heads/patchrelay/app-1.\n- This branch must not contain merge commits.",
  );
  await story.grace.pushes("main", { "src/shipping.txt": "5\n" });
  await story.grace.approves();
  await story.inTime(({ rule }) => rule === "question_open");
  await story.rests();
  expect(story.toldAs("elicitation").at(-1)).toContain("This branch must not contain merge commits.");
  expect(await story.github.branch(REPOSITORY, BRANCH)).toBe(theirs);
  await story.github.refusePushes(REPOSITORY, null);
  story.ada.says("Push it again");
  await story.inTime(({ state, run }) => run === null && state === "awaiting_review");
  await keeps(story, [theirs]);
  await story.end();
});

/** An issue of the same key long ago: its branch was squashed into main, and main has gone on since. */
async function longAgo({ github, grace }: Story): Promise<string> {
  await github.pushAs("grace", REPOSITORY, BRANCH, { "src/old.txt": "old\n" });
  const number = await github.openPullRequest("grace", REPOSITORY, { title: "Old", head: BRANCH });
  await github.settled();
  await github.review("ada", number, { state: "APPROVED", body: "Good." });
  await github.merge("grace", number);
  const stale = (await github.branch(REPOSITORY, BRANCH)) ?? "";
  await grace.pushes("main", { "src/old.txt": null });
  return stale;
}

test("an old branch of the same key is left alone: the work starts at the base, under another name", async () => {
  const story = await startStory({ up: false });
  const stale = await longAgo(story);
  await story.startRelay();
  await implemented(story);
  expect(story.github.pullRequest(2).headRef).toBe(`${BRANCH}-2`);
  expect(await story.file(`${BRANCH}-2`, "src/old.txt")).toBeNull();
  expect((await story.history(`${BRANCH}-2`)).map(({ sha }) => sha)).not.toContain(stale);
  expect(await story.github.branch(REPOSITORY, BRANCH)).toBe(stale);
  await story.sweeps(1);
  await story.grace.approves(2);
  await story.until("done");
  // Its own earlier branch, merged by now, is no ground for more either.
  await story.passes(60);
  story.ada.says("Please do more.");
  await story.inTime(({ state, spent }) => state === "awaiting_review" && spent.runs === 2);
  expect(story.github.pullRequest(3).headRef).toBe(`${BRANCH}-3`);
  await story.end();
});

test("an old pull request of a branch that is gone is not taken for the issue's own", async () => {
  const story = await startStory({
    up: false,
    agent: [does({}, [{ wait: "interrupt" }], "never")],
  });
  await longAgo(story);
  await story.github.deleteBranch("grace", REPOSITORY, BRANCH);
  await story.startRelay();
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.works();
  await story.sweeps(2);
  expect(await story.facts()).toMatchObject({ pullRequest: null, past: [], project: { branch: BRANCH } });
  await story.stopRelay();
});

import { expect, test } from "vitest";
import { phaseWords } from "../../src/factory/words.ts";
import { does, reports, worksBut, write } from "../story/script.ts";
import { startStory, type Story } from "../story/story.ts";

// What an earlier run left in the worktree without publishing it.

const BRANCH = "patchrelay/app-1";

/** A review's fix is committed while GitHub is out, so that it cannot be pushed; a later run finds nothing to do. */
async function fixedButNotPushed(): Promise<Story> {
  const story = await startStory({
    agent: worksBut(
      does(
        { type: "review_fix", nth: 1 },
        [{ wait: 30_000 }, write("src/reviewed.txt", "as asked\n")],
        "Did it.",
      ),
      reports({ type: "review_fix" }, "no_change", "It is as you asked."),
    ),
  });
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_review");
  await story.rests();
  await story.grace.requestsChanges("Please round.");
  await story.until("changes_requested");
  await story.works();
  story.github.faults.outage = "status503";
  await story.inTime(({ why }) => why.includes(phaseWords("publish")));
  return story;
}

test("a fix whose publication an outage outlasted is published by the run after it", async () => {
  const story = await fixedButNotPushed();
  await story.outwaits(({ rule }) => rule.endsWith("/backing_off"));
  await story.passes(600);
  expect(await story.file(BRANCH, "src/reviewed.txt")).toBeNull();
  story.github.faults.outage = "none";
  await story.inTime("awaiting_review");
  expect(await story.ran()).toEqual([
    "implementation published",
    "review_fix failed infrastructure",
    "review_fix published",
  ]);
  expect(await story.file(BRANCH, "src/reviewed.txt")).toBe("as asked\n");
  expect((await story.issue())?.budgets["reviewFixes"]?.spent).toBe(1);
  await story.end();
});

test("a fix that was stopped while it was published is published after resuming", async () => {
  const story = await fixedButNotPushed();
  await story.operator("stop");
  await story.inTime(({ run }) => run === null);
  story.github.faults.outage = "none";
  await story.operator("resume");
  await story.inTime("awaiting_review");
  expect(await story.file(BRANCH, "src/reviewed.txt")).toBe("as asked\n");
  await story.end();
});

const LIMIT = { fail: { class: "capacity", retryAfterMs: 60_000 } } as const;
const FIRST = { write: { path: "src/half.txt", text: "first half\n" } };
const SECOND = does({ nth: 3 }, [write("src/rest.txt", "second half\n")], "Both halves.");

test("who has the answer goes on in the tree of the question, a failure in between or not", async () => {
  const story = await startStory({
    agent: [
      { when: { nth: 1 }, do: [FIRST, { ask: { text: "Which half next?", options: [] } }] },
      { when: { nth: 2 }, do: [LIMIT] },
      SECOND,
    ],
  });
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_input");
  story.ada.says("The second one");
  await story.inTime("awaiting_review");
  const [asked, , answered] = (await story.facts()).runs;
  expect(answered?.thread).toBe(asked?.thread);
  expect(await story.file(BRANCH, "src/half.txt")).toBe("first half\n");
  expect(await story.file(BRANCH, "src/rest.txt")).toBe("second half\n");
  await story.end();
});

test("a message's run that met a limit is gone on with in its tree and its thread", async () => {
  const story = await startStory({
    agent: [
      { when: { nth: 1 }, do: [FIRST, LIMIT] },
      { ...SECOND, when: { nth: 2 } },
    ],
  });
  story.ada.writes("Add a discount");
  story.ada.mentions("@patchrelay please do");
  await story.inTime("awaiting_review");
  const [first, second] = (await story.facts()).runs;
  expect(second?.thread).toBe(first?.thread);
  expect(await story.file(BRANCH, "src/half.txt")).toBe("first half\n");
  await story.end();
});

/** The run begun on a person's word commits what was asked, GitHub goes out before the push; the next one finds it done. */
async function committedOnly(
  nth: number,
  begin: (story: Story) => void | Promise<void>,
): Promise<readonly string[]> {
  const story = await startStory({
    agent: worksBut(
      does({ nth }, [{ wait: 30_000 }, write("src/more.txt", "as asked\n")], "Did it."),
      reports({ nth: nth + 1 }, "no_change", "It is as you asked."),
    ),
  });
  story.ada.writes("Add a discount");
  await begin(story);
  await story.works();
  story.github.faults.outage = "status503";
  await story.inTime(({ why }) => why.includes(phaseWords("publish")));
  await story.outwaits(({ rule }) => rule.endsWith("/backing_off"));
  story.github.faults.outage = "none";
  await story.inTime("awaiting_review");
  expect(await story.file(BRANCH, "src/more.txt")).toBe("as asked\n");
  const ran = await story.ran();
  await story.end();
  return ran;
}

test("what a message's run committed and could not push is published by the one that goes on in its tree", async () => {
  const ran = await committedOnly(2, async (story) => {
    story.ada.delegates();
    await story.until("awaiting_review");
    await story.rests();
    story.ada.says("Also add more.txt");
  });
  expect(ran.slice(1)).toEqual(["implementation failed infrastructure", "implementation published"]);
});

test("so is a first change, whose branch the remote has never seen", async () => {
  const ran = await committedOnly(1, (story) => {
    story.ada.mentions("@patchrelay please do");
  });
  expect(ran).toEqual(["implementation failed infrastructure", "implementation published"]);
});

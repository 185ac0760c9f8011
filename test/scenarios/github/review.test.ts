import { expect, test } from "vitest";
import { does, reports, worksBut, write } from "../../story/script.ts";
import { REPOSITORY } from "../../story/stage.ts";
import { startStory, type Story } from "../../story/story.ts";

const US = "@patchrelay-app";
const TEN = { path: "src/discount.txt", line: 1 };

async function underReview(options: Parameters<typeof startStory>[0] = {}): Promise<Story> {
  const story = await startStory(options);
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until("awaiting_review");
  await story.rests();
  return story;
}

const threads = (story: Story): readonly (readonly string[])[] =>
  story.github.pullRequest(1).threads.map(({ comments }) => comments.map(({ body }) => plain(body)));

/** Without the mark of ours and the names of commits. */
function plain(body: string): string {
  return body
    .replace(/\n\n<!-- patchrelay:[0-9a-f]{16} -->/, "")
    .replace(/\[`[0-9a-f]{8}`\]\(\S+\/acme\/shop\/pull\/1\/commits\/[0-9a-f]{40}\)/g, "<commit>");
}

const comments = (story: Story): readonly string[] =>
  story.github.pullRequest(1).comments.map(({ body }) => plain(body));

const WAYS: readonly (readonly [string, (story: Story) => Promise<unknown>])[] = [
  ["a comment", ({ github }) => github.comment("grace", 1, `${US} make it twenty`)],
  [
    "the body of a review",
    ({ github }) => github.review("grace", 1, { state: "COMMENTED", body: `${US} make it twenty` }),
  ],
  [
    "an inline comment",
    ({ github }) =>
      github.review("grace", 1, {
        state: "COMMENTED",
        comments: [{ ...TEN, body: `${US} make it twenty` }],
      }),
  ],
  [
    "an inline comment that is heard of before its review",
    ({ github }) => {
      github.habits.commentsFirst = true;
      return github.review("grace", 1, {
        state: "COMMENTED",
        comments: [{ ...TEN, body: `${US} make it twenty` }],
      });
    },
  ],
  [
    "a mention that is added to an inline comment later",
    async ({ github }) => {
      await github.review("grace", 1, { state: "COMMENTED", comments: [{ ...TEN, body: "hm" }] });
      await github.editReview("grace", 1, { thread: 0 }, `${US} make it twenty`);
    },
  ],
  [
    "a reply in a thread",
    async ({ github }) => {
      await github.review("grace", 1, { state: "COMMENTED", comments: [{ ...TEN, body: "hm" }] });
      await github.replyInThread("grace", 1, 0, `${US} make it twenty`);
    },
  ],
];

test.each(WAYS)("%s that mentions us starts one run, which answers there", async (where, says) => {
  const story = await underReview();
  await says(story);
  await story.until(({ spent, run }) => run === null && spent.runs === 2);
  await story.rests();
  await story.sweeps(2);
  expect(await story.ran()).toEqual(["implementation published", "implementation published"]);
  const [, run] = (await story.facts()).runs;
  expect(run?.cause).toMatchObject({ asks: "message", reviews: [] });
  const answer = "Did the further work.\n\nCommit: <commit>";
  const isInline = where !== "a comment" && !where.includes("body");
  expect(comments(story)).toEqual([
    ...(where === "a comment" ? [`${US} make it twenty`] : []),
    ...(isInline ? [] : [answer]),
  ]);
  expect(threads(story).map((words) => words.at(-1))).toEqual(isInline ? [answer] : []);
  await story.end();
});

test.each(WAYS.slice(0, 3))(
  "%s that mentions us is found by the sweep where its news was lost",
  async (_, says) => {
    const story = await underReview();
    story.github.faults.lose = 1;
    await says(story);
    await story.github.settled();
    story.github.faults.lose = 0;
    await story.inTime(({ spent, run }) => run === null && spent.runs === 2);
    await story.sweeps(2);
    expect(await story.ran()).toEqual(["implementation published", "implementation published"]);
    await story.end();
  },
);

test("mentions in requested changes are answered with them, in each thread, and the reviewer is asked again", async () => {
  const story = await underReview();
  const { github } = story;
  github.habits.commentsFirst = true;
  await github.review("grace", 1, {
    state: "CHANGES_REQUESTED",
    body: `${US} please:`,
    comments: [
      { ...TEN, body: `${US} why ten?` },
      { ...TEN, body: "Say it in the README." },
    ],
  });
  await story.until(({ rule }) => rule === "review_answered");
  await story.rests();
  await story.sweeps(1);
  expect(await story.ran()).toEqual(["implementation published", "review_fix published"]);
  expect(threads(story)).toEqual(
    [`${US} why ten?`, "Say it in the README."].map((word) => [
      word,
      "I pushed <commit> in answer to the review; see my comment on the pull request.",
    ]),
  );
  expect(comments(story)).toEqual(["Did what the reviewer asked for.\n\nCommit: <commit>"]);
  expect(github.pullRequest(1).requested.map(({ login }) => login)).toEqual(["grace"]);
  await story.end();
});

const WAITS = worksBut(
  does({ type: "review_fix" }, [{ wait: "steer" }, write("src/twenty.txt", "20\n")], "Made it twenty."),
);

test("a reviewer who has lost access is not asked forever: the pull request is told once, and the others are asked", async () => {
  const story = await underReview({ agent: WAITS });
  const { github, ada, grace } = story;
  await ada.requestsChanges("And round it.");
  await grace.requestsChanges("Twenty.");
  await story.works();
  github.setPermission(REPOSITORY, "grace", "none");
  await github.comment("ada", 1, `${US} go on`);
  await story.until(({ rule }) => rule === "review_answered");
  await story.rests();
  const refusal =
    "I could not request another review from grace: Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the acme/shop repository.";
  const told = comments(story).filter((text) => text === refusal);
  expect(github.pullRequest(1).requested.map(({ login }) => login)).toEqual(["ada"]);
  expect(told).toEqual([refusal]);
  await story.end();
});

test("whoever took their objection back meanwhile is asked for nothing", async () => {
  const story = await underReview({ agent: WAITS });
  const { github } = story;
  await github.review("ada", 1, { state: "CHANGES_REQUESTED", body: "Round it." });
  const review = await github.review("grace", 1, { state: "CHANGES_REQUESTED", body: "Twenty." });
  await story.works();
  await github.dismissReview("ada", 1, review.id);
  const state = async () => (await story.facts()).pullRequest?.reviews[review.id]?.state;
  await story.sees(async () => (await state()) === "dismissed");
  await github.comment("ada", 1, `${US} go on`);
  await story.until(({ rule }) => rule === "review_answered");
  await story.rests();
  expect(github.pullRequest(1).requested.map(({ login }) => login)).toEqual(["ada"]);
  await story.end();
});

test("a question on the pull request is answered there, in the thread in which it was asked", async () => {
  const story = await underReview({
    agent: worksBut(reports({ type: "implementation", nth: 2 }, "answer", "Ten is what was agreed.")),
  });
  const { github } = story;
  await github.review("grace", 1, { state: "COMMENTED", comments: [{ ...TEN, body: `${US} why ten?` }] });
  await story.until(({ spent, run }) => run === null && spent.runs === 2);
  await story.rests();
  expect(threads(story)).toEqual([[`${US} why ten?`, "Ten is what was agreed."]]);
  expect(comments(story)).toEqual([]);
  await story.end();
});

test("a mention while a run goes on is passed on to it, once, and a thread that a person resolves needs no answer", async () => {
  const story = await underReview({
    agent: worksBut(
      does(
        { type: "implementation", nth: 2 },
        [{ wait: "steer" }, write("src/twenty.txt", "{{steered}}\n"), { wait: "steer" }],
        "Made it twenty.",
      ),
    ),
  });
  const { github } = story;
  await github.comment("grace", 1, `${US} make it twenty`);
  await story.works();
  await github.review("grace", 1, {
    state: "COMMENTED",
    comments: [{ ...TEN, body: `${US} and round it` }],
  });
  await story.sees(async () => (await story.facts()).runs.at(-1)?.steered.length === 1);
  await github.resolveThread("grace", 1, 0);
  await github.comment("grace", 1, `${US} go on`);
  await story.until(({ spent, run }) => run === null && spent.runs === 2);
  await story.rests();
  await story.sweeps(1);
  expect(await story.ran()).toHaveLength(2);
  expect(await story.file("patchrelay/app-1", "src/twenty.txt")).toContain("On src/discount.txt, line 1:");
  expect(threads(story)).toEqual([[`${US} and round it`]]);
  await story.end();
});

test("what is no word to us starts nothing: code, quotes, teams, other people, bots, outsiders and ourselves", async () => {
  const story = await underReview();
  const { github } = story;
  const say = (body: string, by = "grace"): Promise<unknown> =>
    github.review(by, 1, { state: "COMMENTED", body, comments: [{ ...TEN, body }] });
  for (const body of [
    `\`\`\`\n${US} do it\n\`\`\``,
    `> ${US} do it\n\nAgreed.`,
    `Write \`${US} do it\` to ask.`,
    `@acme${US.replace("@", "/")} do it`,
    `${US}-two do it`,
    `${US} thanks!`,
  ])
    await say(body);
  await say(`${US} do it`, "mallory");
  await say(`${US} do it`, "patchrelay-app[bot]");
  await story.rests();
  await story.sweeps(2);
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(comments(story)).toEqual([]);
  await story.end();
});

test("a mention in a review of a merged pull request opens the next one", async () => {
  const story = await underReview();
  const { github, grace } = story;
  await grace.approves();
  await story.until("done");
  await story.passes(5);
  await github.review("grace", 1, { state: "COMMENTED", body: `${US} make it twenty` });
  await story.until(({ spent }) => spent.runs === 2);
  await story.inTime("awaiting_review");
  expect(github.pullRequestCount()).toBe(2);
  await story.end();
});

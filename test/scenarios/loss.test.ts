import { expect, test } from "vitest";
import { startStory, type Story } from "../story/story.ts";

/** The main story; everybody acts when GitHub and Linear show them that it is their turn. */
async function play(story: Story): Promise<void> {
  const { ada, grace } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.inTime("awaiting_review");
  await grace.requestsChanges("Please round it.");
  await story.inTime(({ rule, spent }) => rule === "review_answered" && spent.runs === 2);
  await grace.approves();
  await story.inTime("done");
  await story.rests();
}

/** What came of it: the same whatever happened to the webhooks. */
async function endOf(story: Story): Promise<object> {
  const { fields } = story.github.pullRequest(1);
  return {
    state: (await story.issue())?.state,
    ran: await story.ran(),
    pulls: story.github.pullRequestCount(),
    title: fields.title,
    body: fields.body,
    merged: fields.merged,
    pushes: story.pushes(),
    discount: await story.file("main", "src/discount.txt"),
    reviewed: await story.file("main", "src/reviewed.txt"),
    status: story.linear.issue("APP-1").state.name,
    // Whether it stood ready for a review for a while depends on when the sweep looked.
    actions: story.told().filter((line) => /^(action|response)/.test(line) && !line.includes("is ready for")),
    links: story.linear.issue("APP-1").attachments.length,
  };
}

const GOOD_END = {
  state: "done",
  ran: ["implementation published", "review_fix published"],
  pulls: 1,
  merged: true,
  pushes: ["patchrelay-app[bot] patchrelay/app-1", "patchrelay-app[bot] patchrelay/app-1"],
  discount: "10 percent\n",
  reviewed: "as asked\n",
  status: "Done",
};

test("with every webhook lost the sweep alone leads to the same end", async () => {
  const calm = await startStory();
  await play(calm);
  const wanted = await endOf(calm);
  expect(wanted).toMatchObject(GOOD_END);
  await calm.end();

  const story = await startStory();
  story.linear.faults.lose = 1;
  story.github.faults.lose = 1;
  await play(story);
  expect(await endOf(story)).toEqual(wanted);
  const answered = [...story.linear.sent, ...story.github.sent].filter(({ answers }) => answers.length > 0);
  expect(answered).toEqual([]);
  await story.end();
});

test("with every webhook doubled and out of order nothing is done twice", async () => {
  const story = await startStory();
  for (const { faults } of [story.linear, story.github]) {
    faults.duplicate = 1;
    faults.reorderMs = 3_000;
  }
  await play(story);
  expect(await endOf(story)).toMatchObject(GOOD_END);
  await story.end();
});

test("what happened while the relay was down is made up for when it starts", async () => {
  const story = await startStory({ up: false });
  const { ada, grace } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.linear.settled();
  await story.startRelay();
  await story.inTime("awaiting_review");
  await story.stopRelay();
  await grace.requestsChanges("Please round it.");
  await story.github.settled();
  await story.startRelay();
  await story.inTime(({ rule, spent }) => rule === "review_answered" && spent.runs === 2);
  await story.stopRelay();
  await grace.approves();
  await story.github.settled();
  await story.startRelay();
  await story.inTime("done");
  await story.rests();
  expect(await endOf(story)).toMatchObject(GOOD_END);
  await story.end();
});

test("our own comments, activities and state changes come back and start nothing", async () => {
  const story = await startStory();
  const { ada, grace } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_review");
  await grace.requestsChanges("Please round it.", { path: "src/discount.txt", line: 1, body: "Round this." });
  await story.until(({ rule }) => rule === "review_answered");
  await story.rests();
  const { lines } = story;
  const effects = async (): Promise<number> =>
    Object.entries((await story.engine.views.counts()).outbox).reduce((sum, [, count]) => sum + count, 0);
  const readings = async (): Promise<number> =>
    (
      await story.engine.views.outbox({ state: null, issue: null }, { limit: 500, cursor: null })
    ).items.filter(({ kind }) => kind.startsWith("read_")).length;
  const before = {
    runs: (await story.ran()).length,
    told: story.told(),
    effects: (await effects()) - (await readings()),
  };
  const ours = story.linear.sent.filter(({ body }) => body.includes('"agentActivity"'));
  for (const { id } of [...story.linear.sent, ...story.github.sent].slice(-40)) {
    await story.linear.resend(id).catch(() => 0);
    await story.github.resend(id).catch(() => 0);
  }
  await story.sweeps(3);
  await story.rests();
  expect(ours.length + lines.length).toBeGreaterThan(0);
  expect({
    runs: (await story.ran()).length,
    told: story.told(),
    effects: (await effects()) - (await readings()),
  }).toEqual(before);
  await story.end();
});

test.each([
  ["opened again", "awaiting_review", 1, (story: Story) => story.github.reopen("grace", 1)],
  [
    "spoken of again",
    "awaiting_review",
    2,
    (story: Story) => story.grace.comments("/patchrelay try another way"),
  ],
] as const)(
  "a closed pull request that is %s is taken up although no webhook tells, for some days",
  async (_, state, pulls, again) => {
    const story = await startStory();
    const { ada, grace, github } = story;
    ada.writes("Add a discount");
    ada.delegates();
    await story.until("awaiting_review");
    await grace.closes();
    await story.until("failed");
    await story.rests();
    await story.passes(3_600);
    github.faults.lose = 1;
    await again(story);
    await story.inTime(state);
    expect(github.pullRequestCount()).toBe(pulls);
    await story.end();
  },
);

test("an issue that has ended long ago is no longer read", async () => {
  const story = await startStory();
  const { ada, grace, github } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.until("awaiting_review");
  await grace.closes();
  await story.until("failed");
  await story.passes(4 * 86_400);
  const asked = github.requests.length;
  await story.sweeps(2);
  expect(github.requests.slice(asked)).toEqual([]);
  await story.end();
});

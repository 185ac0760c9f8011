import { expect, test } from "vitest";
import { phaseWords } from "../../src/factory/words.ts";
import { does, worksBut, write } from "../story/script.ts";
import { startStory, type Story, type StoryOptions } from "../story/story.ts";

const OPTIONS: StoryOptions = {
  agent: worksBut(
    does(
      { type: "implementation", nth: 1 },
      [{ wait: 30_000 }, write("src/discount.txt", "10 percent\n")],
      "Added the discount.",
    ),
  ),
};

async function working(): Promise<Story> {
  const story = await startStory(OPTIONS);
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.works();
  await story.sees(() => story.told().length > 1);
  return story;
}

test("Linear hears at once that we are on it, whatever GitHub does; the run waits for GitHub, which is not its time", async () => {
  const story = await startStory({
    config: { budgets: { runMinutes: 5 } },
    agent: worksBut(does({}, [{ wait: 120_000 }, write("src/discount.txt", "10 percent\n")], "Added it.")),
  });
  const { ada, linear, github } = story;
  await story.rests();
  github.faults.outage = "silent";
  const before = linear.calls.length;
  ada.writes("Add a discount");
  ada.delegates();
  await story.sees(() => story.told()[0]?.startsWith("thought: On it") === true);
  const writes = linear.calls.slice(before).filter(({ kind }) => kind === "mutation");
  expect(writes[0]?.fields).toEqual(["agentActivityCreate"]);
  github.faults.outage = "status503";
  await story.passes(600);
  expect(await story.issue()).toMatchObject({ state: "preparing", rule: "run_active" });
  github.faults.outage = "none";
  await story.inTime("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(story.told()[0]).toMatch(/^thought: On it/);
  await story.end();
});

test("Linear is down from the delegation on: the work is done all the same, and told later", async () => {
  const story = await startStory();
  story.linear.faults.outage = "status500";
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.inTime("awaiting_review");
  expect(story.told()).toEqual(["status: Todo"]);
  story.linear.faults.outage = "none";
  await story.rests();
  expect(story.told().slice(1, 3)).toEqual(CONCLUSIONS.slice(0, 2));
  expect(story.told()[0]).toMatch(/^thought: On it/);
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

test("Linear is down for six hours in mid-work: every conclusion is told once, and no word that has passed", async () => {
  const waits = [{ say: "Reading." }, { wait: 9 * 60_000 }, { say: "Writing." }, { wait: 9 * 60_000 }];
  const story = await startStory({
    agent: worksBut(
      does(
        { type: "implementation", nth: 1 },
        [...waits, write("src/discount.txt", "10 percent\n")],
        "Added the discount.",
      ),
    ),
    config: { runs: { stallSeconds: 7_200 } },
  });
  const { ada, linear } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.works();
  await story.sees(() => story.told().length > 2);
  linear.faults.outage = "status503";
  await story.outwaits("awaiting_review");
  await story.passes(6 * 3_600);
  const words = (await story.engine.views.outbox({ state: null, issue: "APP-1" }, PAGE)).items;
  expect(words.map(({ key }) => key).join()).toContain(":glimpse:");
  linear.faults.outage = "none";
  await story.rests();
  expect(story.told()).toEqual([
    expect.stringMatching(/^thought: On it/),
    ...CONCLUSIONS,
    "status: In Progress",
  ]);
  await story.end();
});

const PAGE = { limit: 50, cursor: null };

/** Between beginning to work and the end: what Linear is told when nothing is in the way. */
const CONCLUSIONS = [
  "action: Implementing the issue in acme/shop",
  "action: Pushed <commit> → Added the discount.",
  [
    "response: Pull request #1 is ready for review. <url>",
    "",
    "- Implementation: Added the discount.",
    "",
    "All required checks pass, but nobody with write access has approved this commit yet. I'm waiting for an approving review.",
  ].join("\n"),
];

test("the token ends in mid-work: another takes its place, and Linear hears all of it once", async () => {
  const story = await working();
  story.linear.oauth.expireTokens();
  await story.inTime("awaiting_review");
  await story.rests();
  const told = story.told().filter((line) => !line.startsWith("status") && !line.includes("On it"));
  expect(told).toEqual(CONCLUSIONS);
  await story.end();
});

test("the token ends and the application gives no other for hours: told once a person has seen to it", async () => {
  const story = await working();
  const { oauth } = story.linear;
  oauth.settings.clientCredentials = false;
  oauth.expireTokens();
  await story.inTime("awaiting_review");
  await story.passes(6 * 3_600);
  expect(story.told().filter((line) => CONCLUSIONS.slice(1).includes(line))).toEqual([]);
  oauth.settings.clientCredentials = true;
  await story.passes(3_600);
  await story.rests();
  const told = story.told().filter((line) => !line.startsWith("status") && !line.includes("On it"));
  expect(told).toEqual(CONCLUSIONS);
  await story.end({ errors: /gives the application no token/ });
});

// Of each service some kinds; that the others are taken alike is what test/conformance and test/forges show.
test.each(["silent", "html502", "lost_reply"] as const)(
  "Linear answers nothing (%s) while the work is done: told later, in order, once",
  async (kind) => {
    const story = await working();
    story.linear.faults.outage = kind;
    await story.inTime("awaiting_review");
    await story.passes(3_600);
    story.linear.faults.outage = "none";
    await story.rests();
    const told = story.told().filter((line) => !line.startsWith("status") && !line.includes("On it"));
    expect(told).toEqual(CONCLUSIONS);
    expect(await story.ran()).toEqual(["implementation published"]);
    await story.end();
  },
);

test.each(["reset", "status500", "lost_reply"] as const)(
  "GitHub answers nothing (%s) while the work is published: one push, one pull request",
  async (kind) => {
    const story = await working();
    story.github.faults.outage = kind;
    await story.inTime(({ why }) => why.includes(phaseWords("publish")));
    await story.passes(300);
    expect((await story.issue())?.run?.type).toBe("implementation");
    story.github.faults.outage = "none";
    await story.outwaits("awaiting_review");
    // The agent is not asked twice for what it has done.
    expect(await story.ran()).toEqual(["implementation published"]);
    expect(story.pushes()).toHaveLength(1);
    expect(story.github.pullRequestCount()).toBe(1);
    expect(await story.file("patchrelay/app-1", "src/discount.txt")).toBe("10 percent\n");
    await story.end();
  },
);

test("an outage of GitHub that outlasts the run: tried again later, and nothing is lost or doubled", async () => {
  const story = await working();
  story.github.faults.outage = "status503";
  await story.inTime(({ why }) => why.includes(phaseWords("publish")));
  await story.outwaits(({ rule }) => rule.endsWith("/backing_off"));
  await story.passes(3_600);
  story.github.faults.outage = "none";
  await story.inTime("awaiting_review");
  expect((await story.ran()).at(-1)).toBe("implementation published");
  expect((await story.issue())?.budgets["implementations"]?.spent).toBe(1);
  expect(story.pushes()).toHaveLength(1);
  expect(story.github.pullRequestCount()).toBe(1);
  await story.end();
});

test("rate limits of both are waited out without an attempt or a charge", async () => {
  const story = await working();
  story.linear.faults.rateLimitNext = 3;
  story.github.faults.rateLimitNext = 3;
  await story.inTime("awaiting_review");
  await story.rests();
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(story.told().filter((line) => line.startsWith("action"))).toEqual(CONCLUSIONS.slice(0, 2));
  story.github.rateLimitKind = "secondary";
  story.github.faults.rateLimitNext = 2;
  await story.grace.approves();
  await story.inTime("done");
  expect(story.github.pullRequestCount()).toBe(1);
  await story.end();
});

test("a merge whose answer was lost is not asked for twice", async () => {
  const story = await working();
  await story.inTime("awaiting_review");
  await story.rests();
  story.github.faults.outage = "lost_reply";
  await story.grace.approves();
  await story.passes(120);
  story.github.faults.outage = "none";
  await story.inTime("done");
  await story.rests();
  expect(story.toldAs("response")).toHaveLength(2);
  await story.end();
});

test("reads that lag behind do not undo what was seen", async () => {
  const story = await startStory();
  story.github.faults.staleReadsMs = 4_000;
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.inTime("awaiting_review");
  await story.grace.requestsChanges("Please round it.");
  await story.inTime(({ rule, spent }) => rule === "review_answered" && spent.runs === 2);
  await story.grace.approves();
  await story.inTime("done");
  expect(await story.ran()).toEqual(["implementation published", "review_fix published"]);
  await story.end();
});

import { expect, test } from "vitest";
import { does, write } from "../story/script.ts";
import { startStory, type Story } from "../story/story.ts";

async function implemented(story: Story): Promise<void> {
  story.ada.writes("Add a discount");
  story.ada.delegates();
  await story.until(({ state }) => ["awaiting_review", "awaiting_queue", "done"].includes(state));
}

test("where the rules want more than our approval, auto-merge waits for it", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test"], requiredApprovals: 2 } });
  await implemented(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "merge_asked");
  expect(story.github.pullRequest(1).fields.autoMerge).not.toBeNull();
  expect(story.github.pullRequest(1).fields.merged).toBe(false);
  await story.ada.approves();
  await story.until("done");
  await story.end();
});

test("the log tells at level info what an issue comes to, by its key, and what its runs came to", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test"] } });
  await implemented(story);
  await story.grace.approves();
  await story.until("done");
  await story.end();
  const told = story.log.infos.join("\n");
  for (const [from, to] of [
    ["preparing", "implementing"],
    ["awaiting_review", "awaiting_queue"],
    ["awaiting_queue", "done"],
  ])
    expect(told).toContain(
      `issue moved on {"part":"engine","issue":"APP-1","from":"${from}","to":"${to}","why":"`,
    );
  expect(told).toMatch(/run under way .*"run":1/);
  expect(told).toMatch(/run ended .*"run":1,"outcome":"published"/);
});

test.each([
  ["undelegated", "paused", ({ ada }: Story) => ada.undelegates()],
  ["canceled in Linear", "failed", ({ ada }: Story) => ada.moves("canceled")],
  ["removed from Linear", "failed", ({ ada }: Story) => ada.removes()],
  ["closed by an operator", "done", (story: Story) => story.operator("close")],
] as const)("%s while auto-merge is on: it is taken back, and nothing is merged", async (_, state, ends) => {
  const story = await startStory({ protection: { requiredChecks: ["test"], requiredApprovals: 2 } });
  await implemented(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "merge_asked");
  await ends(story);
  await story.until(state);
  await story.inTime(() => story.github.pullRequest(1).fields.autoMerge === null);
  await story.ada.approves();
  await story.sweeps(1);
  expect(story.github.pullRequest(1).fields.merged).toBe(false);
  await story.end();
});

test("where auto-merge is not allowed, the next approval is waited for, however late it comes", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test"], requiredApprovals: 2 } });
  story.github.allowAutoMerge("acme/shop", false);
  await implemented(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "merge_held");
  expect((await story.issue())?.why).toContain("require another approval");
  await story.passes(3 * 3_600);
  expect((await story.issue())?.rule).toBe("merge_held");
  await story.ada.approves();
  await story.until("done");
  await story.end();
});

test("auto-merge is off before a run of ours pushes: what it pushes waits for an approval", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test"], requiredApprovals: 2 } });
  await implemented(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "merge_asked");
  await story.agentPlays([
    {
      when: { type: "queue_repair" },
      do: [{ write: { path: "src/discount.txt", text: "15 percent\n" } }],
      report: { outcome: "done", summary: "Met in the middle.", question: null, threads: [] },
    },
  ]);
  await story.grace.pushes("main", { "src/discount.txt": "20 percent\n" });
  await story.ada.approves();
  await story.inTime(({ state, spent }) => state === "awaiting_review" && spent.runs === 2);
  await story.passes(600);
  expect(story.github.pullRequest(1).fields).toMatchObject({ merged: false, autoMerge: null });
  await story.grace.approves();
  await story.ada.approves();
  await story.until("done");
  await story.end();
});

test("auto-merge that a person turns off stays off until a person's word", async () => {
  const story = await startStory({ protection: { requiredChecks: ["test"], requiredApprovals: 2 } });
  await implemented(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "merge_asked");
  await story.passes(120);
  await story.github.disableAutoMerge("grace", 1);
  await story.until(({ rule }) => rule === "auto_merge_off");
  await story.ada.approves();
  await story.passes(3_600);
  expect((await story.issue())?.rule).toBe("auto_merge_off");
  expect(await story.operator("retry")).toBe(202);
  await story.until("done");
  await story.end();
});

test("when_rules_allow merges without a review", async () => {
  const story = await startStory({ project: { merge: { policy: "when_rules_allow" } } });
  await implemented(story);
  await story.until("done");
  expect(story.github.pullRequest(1).reviews).toEqual([]);
  await story.end();
});

test("person: the relay tells that it is ready and leaves the merge alone", async () => {
  const story = await startStory({ project: { merge: { policy: "person" } } });
  await implemented(story);
  await story.until(({ rule }) => rule === "person_merges");
  await story.sweeps(1);
  expect(story.github.pullRequest(1).fields.merged).toBe(false);
  expect(story.toldAs("response").at(-1)).toContain("response: Pull request #1 is ready to be merged.");
  await story.grace.merges();
  await story.until("done");
  await story.end();
});

test("external: the label is set for the other system, which merges", async () => {
  const story = await startStory({ project: { merge: { policy: "external", label: "ready" } } });
  await implemented(story);
  await story.until(({ rule }) => rule === "merge_asked");
  expect(story.github.pullRequest(1).fields.labels).toEqual(["ready"]);
  await story.grace.merges();
  await story.until("done");
  await story.end();
});

const QUEUE = { requiredChecks: ["test"], mergeQueue: true };

test("what the merge queue rejects is repaired and queued again after another approval", async () => {
  const story = await startStory({ protection: QUEUE });
  story.ci = async (job) => [
    {
      name: "test",
      conclusion:
        job.kind === "merge_group" && (await job.read("src/integrated.txt")) === null ? "failure" : "success",
      log: "does not fit main",
    },
  ];
  await implemented(story);
  await story.grace.approves();
  await story.until("repairing_queue");
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published", "queue_repair published"]);
  await story.grace.approves();
  await story.until("done");
  await story.end();
});

test.each([
  ["requests changes", ({ grace }: Story) => grace.requestsChanges("Not like this.")],
  [
    "dismisses the approval",
    async ({ github }: Story) => {
      const approval = github.pullRequest(1).reviews.find(({ state }) => state === "APPROVED");
      await github.dismissReview("ada", 1, approval?.id ?? 0);
    },
  ],
] as const)("who %s while the merge queue has it takes it out, before it merges", async (_, objects) => {
  const story = await startStory({ protection: QUEUE });
  story.ci = async ({ kind }) =>
    kind === "merge_group" ? await new Promise(() => undefined) : [{ name: "test", conclusion: "success" }];
  await implemented(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "in_queue");
  await objects(story);
  await story.sees(() => story.github.pullRequest(1).queueEvents.at(-1)?.kind === "removed");
  const last = story.github.pullRequest(1).queueEvents.at(-1);
  expect([last?.kind, last?.actor.login]).toEqual(["removed", story.github.credentials.botLogin]);
  // It was not a person who took it out: with the objection gone it goes back by itself.
  await story.until("awaiting_review");
  await story.grace.approves();
  await story.until(({ rule }) => rule === "in_queue");
  expect(story.github.pullRequest(1).fields.merged).toBe(false);
  await story.stopRelay();
});

test("a pull request that a person takes out of the queue stays out until a person's word", async () => {
  const story = await startStory({ protection: QUEUE });
  // The queue's checks never end, so that it stays in it.
  story.ci = async ({ kind }) =>
    kind === "merge_group" ? await new Promise(() => undefined) : [{ name: "test", conclusion: "success" }];
  await implemented(story);
  await story.grace.approves();
  await story.until(({ rule }) => rule === "in_queue");
  await story.github.dequeue("grace", 1);
  await story.until("awaiting_input");
  expect((await story.issue())?.rule).toBe("dequeued_by_person");
  await story.passes(1_000);
  expect((await story.issue())?.rule).toBe("dequeued_by_person");
  expect(await story.operator("retry")).toBe(202);
  await story.until(({ rule }) => rule === "in_queue");
  story.ada.moves("canceled");
  await story.until("failed");
  await story.stopRelay();
});

test("a conflict with the base branch is integrated and the pull request goes on", async () => {
  const story = await startStory();
  await implemented(story);
  await story.grace.pushes("main", { "src/discount.txt": "20 percent\n" });
  await story.agentPlays([
    {
      when: { type: "queue_repair" },
      do: [{ write: { path: "src/discount.txt", text: "15 percent\n" } }],
      report: { outcome: "done", summary: "Met in the middle.", question: null, threads: [] },
    },
  ]);
  await story.inTime(({ state, spent }) => state === "awaiting_review" && spent.runs === 2);
  expect((await story.ran()).at(-1)).toBe("queue_repair published");
  await story.grace.approves();
  await story.until("done");
  expect(await story.file("main", "src/discount.txt")).toBe("15 percent\n");
  await story.end();
});

const MEETS_IN_THE_MIDDLE = does(
  { type: "queue_repair" },
  [write("src/discount.txt", "15 percent\n")],
  "Met in the middle.",
);

test("what the base branch itself changed meanwhile is not held against the repair", async () => {
  const story = await startStory();
  await implemented(story);
  await story.grace.pushes("main", {
    "src/discount.txt": "20 percent\n",
    ".github/workflows/ci.yml": "on: push\n",
    "src/key.txt": `ghp_${"a".repeat(36)}\n`,
  });
  await story.agentPlays([MEETS_IN_THE_MIDDLE]);
  await story.inTime(({ run, spent }) => run === null && spent.runs === 2);
  expect((await story.ran()).at(-1)).toBe("queue_repair published");
  expect(await story.file("patchrelay/app-1", ".github/workflows/ci.yml")).toBe("on: push\n");
  await story.end();
});

test("a repair that turns a guarded file of the base branch back is not published", async () => {
  const story = await startStory({ files: { ".github/workflows/ci.yml": "on: push\n" } });
  await implemented(story);
  await story.grace.pushes("main", {
    "src/discount.txt": "20 percent\n",
    ".github/workflows/ci.yml": "on: [push, pull_request]\n",
  });
  await story.agentPlays([
    does(
      { type: "queue_repair" },
      [write("src/discount.txt", "15 percent\n"), write(".github/workflows/ci.yml", "on: push\n")],
      "Met in the middle.",
    ),
  ]);
  await story.inTime(({ run, spent }) => run === null && spent.runs >= 2);
  expect((await story.ran())[1]).toBe("queue_repair failed policy");
  expect((await story.runs())[1]?.why).toContain("it changes .github/workflows/ci.yml");
  await story.end();
});

test("a repair that asks goes on with the conflict it was in, and is judged by its own doing", async () => {
  const story = await startStory();
  await implemented(story);
  await story.grace.pushes("main", {
    "src/discount.txt": "20 percent\n",
    ".github/workflows/ci.yml": "on: push\n",
  });
  await story.agentPlays([
    // The answer is our side of the conflict: no file of the branch changes.
    does({ promptIncludes: "You asked before" }, [write("src/discount.txt", "10 percent\n")], "Kept ours."),
    { when: {}, do: [{ ask: { text: "10 or 20?", options: ["10", "20"] } }], report: null },
  ]);
  await story.inTime("awaiting_input");
  story.ada.says("10");
  await story.inTime(
    ({ run, state, spent }) => run === null && state !== "awaiting_input" && spent.runs >= 3,
  );
  expect((await story.ran()).slice(1)).toEqual(["queue_repair asked", "implementation published"]);
  expect(await story.file("patchrelay/app-1", "src/discount.txt")).toBe("10 percent\n");
  expect(await story.file("patchrelay/app-1", ".github/workflows/ci.yml")).toBe("on: push\n");
  await story.end();
});

test("a pull request that a person aims at another branch is repaired on that one", async () => {
  const story = await startStory();
  await implemented(story);
  await story.grace.pushes("release", { "src/discount.txt": "release\n" });
  await story.grace.pushes("main", { "src/only-on-main.txt": "new\n" });
  await story.agentPlays([MEETS_IN_THE_MIDDLE]);
  await story.github.edit("grace", 1, { base: "release" });
  await story.inTime(({ run, spent }) => run === null && spent.runs === 2);
  expect((await story.ran()).at(-1)).toBe("queue_repair published");
  expect(await story.file("patchrelay/app-1", "src/discount.txt")).toBe("15 percent\n");
  expect(await story.file("patchrelay/app-1", "src/only-on-main.txt")).toBeNull();
  await story.end();
});

test.each([
  ["canceled in Linear", "failed", ({ ada }: Story) => ada.moves("canceled")],
  ["closed by an operator", "done", (story: Story) => story.operator("close")],
] as const)(
  "%s while the merge waits out an outage of GitHub: it is not merged after it",
  async (_, state, ends) => {
    const story = await startStory({ protection: { requiredChecks: ["test"] } });
    await implemented(story);
    await story.rests();
    story.engine.subscribe((line) => {
      if (line.kind === "journal" && "rule" in line.line && line.line.rule === "merge")
        story.github.faults.outage = "status503";
    });
    await story.grace.approves();
    await story.until(({ rule }) => rule === "merge");
    await ends(story);
    await story.until(state);
    story.github.faults.outage = "none";
    await story.sweeps(2);
    expect(story.github.pullRequest(1).fields.merged).toBe(false);
    expect((await story.issue())?.state).toBe(state);
    await story.end();
  },
);

import { expect, test } from "vitest";
import { does, worksBut, write, type AgentRules } from "../story/script.ts";
import { GITHUB_SECRET } from "../../src/demo/webhook-secrets.ts";
import { startStory, type Story, type StoryOptions } from "../story/story.ts";

function withHooks(hooks: Readonly<Record<string, string>>, options: StoryOptions = {}): Promise<Story> {
  const files = Object.entries(hooks).map(
    ([moment, body]) => [`.patchrelay/hooks/${moment}`, `#!/bin/sh\n${body}\n`] as const,
  );
  return startStory({
    ...options,
    files: {
      "README.md": "# shop\n",
      "src/price.txt": "100\n",
      "test/price.test.js": "ok\n",
      ...Object.fromEntries(files),
    },
  });
}

function delegated(story: Story): void {
  story.ada.writes("Add a discount");
  story.ada.delegates();
}

test("a hook prepare-worktree that fails twice and then works costs nothing", async () => {
  const story = await withHooks({
    "prepare-worktree": 'echo x >> "$HOME/tries"; test "$(wc -l < "$HOME/tries")" -ge 3',
  });
  delegated(story);
  await story.inTime("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  await story.end();
});

test("a hook prepare-worktree that fails costs no attempt, and is tried again after a pause", async () => {
  const story = await withHooks(
    { "prepare-worktree": "echo the registry is gone; exit 7" },
    { config: { budgets: { implementations: 1 } } },
  );
  delegated(story);
  await story.inTime(({ rule }) => rule.endsWith("/backing_off"));
  expect(await story.ran()).toEqual(["implementation failed infrastructure"]);
  expect((await story.issue())?.budgets["implementations"]).toMatchObject({ spent: 0, limit: 1 });
  await story.ada.pushes("main", { ".patchrelay/hooks/prepare-worktree": "#!/bin/sh\ntrue\n" });
  await story.inTime("awaiting_review");
  expect((await story.ran()).at(-1)).toBe("implementation published");
  await story.end();
});

test("a hook prepare-worktree that never works hands over with what it said, after as long as an outage may last", async () => {
  const story = await withHooks(
    { "prepare-worktree": "echo the registry is gone; exit 7" },
    { config: { budgets: { implementations: 1 } } },
  );
  delegated(story);
  await story.passes(6 * 3_600);
  await story.inTime("escalated");
  await story.rests();
  expect(new Set(await story.ran())).toEqual(new Set(["implementation failed infrastructure"]));
  expect((await story.ran()).length).toBeGreaterThanOrEqual(5);
  expect(story.toldAs("elicitation")[0]).toContain("the registry is gone");
  expect(story.pushes()).toEqual([]);
  await story.end();
});

test("what verify finds goes back to the agent, in the same run, until it passes", async () => {
  const story = await withHooks(
    { verify: "test -e src/mended.txt || { echo mended.txt is missing; exit 1; }" },
    {
      agent: worksBut(
        does({ promptIncludes: "mended.txt is missing" }, [write("src/mended.txt", "yes\n")], "Mended."),
      ),
    },
  );
  delegated(story);
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(story.pushes()).toHaveLength(1);
  expect(await story.file("patchrelay/app-1", "src/mended.txt")).toBe("yes\n");
  await story.end();
});

test("what verify refuses to the end is never published", async () => {
  const story = await withHooks(
    { verify: "echo never; exit 1" },
    { config: { budgets: { implementations: 1 } } },
  );
  delegated(story);
  await story.inTime("escalated");
  expect(await story.ran()).toEqual(["implementation failed test"]);
  expect(story.pushes()).toEqual([]);
  await story.end();
});

const LEFT_OVER: AgentRules[number] = {
  when: {},
  do: [write("src/left-over.txt", "left over\n")],
  report: { outcome: "no_change", summary: "Nothing needs changing.", question: null, threads: [] },
};

test("what an agent leaves and calls no change is not published, and it is asked which of both is meant", async () => {
  const story = await withHooks({ verify: "echo never; exit 1" }, { agent: [LEFT_OVER] });
  delegated(story);
  await story.until("awaiting_input");
  await story.rests();
  expect(await story.ran()).toEqual(["implementation no_change"]);
  expect(story.toldAs("elicitation")[0]).toContain("Nothing needs changing.");
  expect(story.pushes()).toEqual([]);
  expect(story.github.pullRequestCount()).toBe(0);
  await story.end();
});

test("an agent that meant its change after all has it verified and published", async () => {
  const meant = does(
    { promptIncludes: "src/left-over.txt" },
    [write("src/verified.txt", "yes\n")],
    "Meant it.",
  );
  const story = await withHooks({ verify: "test -e src/verified.txt" }, { agent: [meant, LEFT_OVER] });
  delegated(story);
  await story.until("awaiting_review");
  expect(await story.ran()).toEqual(["implementation published"]);
  expect(await story.file("patchrelay/app-1", "src/left-over.txt")).toBe("left over\n");
  expect(await story.file("patchrelay/app-1", "src/verified.txt")).toBe("yes\n");
  await story.end();
});

test("an integration of the base that the agent calls no change is verified before it is published", async () => {
  const story = await withHooks(
    { verify: "test ! -e src/on-main.txt || { echo does not fit; exit 1; }" },
    {
      agent: worksBut({
        when: { type: "queue_repair" },
        do: [write("src/discount.txt", "15 percent\n")],
        report: { outcome: "no_change", summary: "It fits as it is.", question: null, threads: [] },
      }),
      config: { budgets: { queueRepairs: 1 } },
    },
  );
  delegated(story);
  await story.until("awaiting_review");
  await story.grace.pushes("main", { "src/discount.txt": "20 percent\n", "src/on-main.txt": "new\n" });
  await story.inTime("escalated");
  expect((await story.ran()).at(-1)).toBe("queue_repair failed test");
  expect(story.pushes()).toHaveLength(1);
  await story.end();
});

test("a hook before-publish that refuses keeps the change back and says why", async () => {
  const story = await withHooks(
    { "before-publish": "echo the freeze is on; exit 1" },
    { config: { budgets: { implementations: 1 } } },
  );
  delegated(story);
  await story.inTime("escalated");
  await story.rests();
  expect(story.toldAs("elicitation")[0]).toContain("the freeze is on");
  expect(story.pushes()).toEqual([]);
  await story.end();
});

test.each([
  ["a workflow of CI", [write(".github/workflows/ci.yml", "on: push\n")], "ci.yml"],
  ["a hook of the relay", [write(".patchrelay/hooks/verify", "#!/bin/sh\n")], ".patchrelay/hooks/verify"],
  ["a secret", [write("src/key.txt", `ghp_${"a1B2".repeat(10)}\n`)], "a GitHub token"],
])("%s is not published, and a person is told", async (_, steps, objection) => {
  const story = await withHooks(
    {},
    { agent: [does({}, steps, "Changed it.")], config: { budgets: { implementations: 1 } } },
  );
  delegated(story);
  await story.inTime("escalated");
  await story.rests();
  expect(await story.ran()).toEqual(["implementation failed policy"]);
  expect(story.toldAs("elicitation")[0]).toContain(objection);
  expect(story.told().join("\n")).not.toContain("ghp_");
  expect(story.pushes()).toEqual([]);
  expect(story.github.pullRequestCount()).toBe(0);
  await story.end();
});

test("a secret in what the agent says, or an image that could carry one away, reaches nobody", async () => {
  const secrets = [`ghp_${"a1B2".repeat(10)}`, `lin_wh_${"a1B2".repeat(10)}`, GITHUB_SECRET];
  const words = `Did it: ${secrets.join(" ")} ![x](https://evil.example/?d=1)`;
  const fit =
    "Did it: [removed: a GitHub token] [removed: a Linear key] [removed: a credential of the relay] ! [x](https://evil.example/?d=1)";
  const report = {
    outcome: "question",
    summary: words,
    question: { text: words, options: [words] },
    threads: [],
  };
  const story = await withHooks(
    {},
    {
      agent: [
        { when: { nth: 1 }, do: [], report },
        does({ type: "implementation" }, [write("src/discount.txt", "10 percent\n")], words),
        { when: {}, do: [], report: { outcome: "no_change", summary: words, question: null, threads: [] } },
      ],
    },
  );
  const { ada, grace } = story;
  delegated(story);
  await story.until("awaiting_input");
  expect((await story.issue())?.question).toMatchObject({ text: fit, options: [fit] });
  ada.says("Go on.");
  await story.until("awaiting_review");
  await grace.requestsChanges("Why?");
  await story.sees(() => story.commentsOn().length > 0);
  await story.rests();
  // Addresses are left out of the transcripts.
  const start = fit.slice(0, fit.indexOf("(https"));
  expect(story.commentsOn()[0]).toContain(start);
  expect(story.github.pullRequest(1).fields.body).toContain(fit);
  expect(await story.message("patchrelay/app-1")).toContain(fit);
  expect(story.told().filter((line) => line.includes(start)).length).toBeGreaterThan(1);
  const everything = [...story.told(), ...story.commentsOn(), story.github.pullRequest(1).fields.body].join(
    "\n",
  );
  for (const secret of [...secrets, "!["]) expect(everything).not.toContain(secret);
  await story.end();
});

test("a repair that deletes the failing test is not published", async () => {
  const story = await withHooks(
    {},
    {
      agent: worksBut(does({ type: "ci_repair" }, [{ delete: "test/price.test.js" }], "Now it is green.")),
      config: { budgets: { ciRepairs: 1 }, ci: { reruns: 0 } },
    },
  );
  story.ci = async (job) => [
    { name: "test", conclusion: (await job.read("test/price.test.js")) === null ? "success" : "failure" },
  ];
  delegated(story);
  await story.inTime("escalated");
  await story.rests();
  expect(await story.ran()).toEqual(["implementation published", "ci_repair failed policy"]);
  expect(story.toldAs("elicitation")[0]).toContain("it deletes the test test/price.test.js");
  expect(await story.file("patchrelay/app-1", "test/price.test.js")).toBe("ok\n");
  await story.end();
});

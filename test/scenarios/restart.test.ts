import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { phaseWords } from "../../src/factory/words.ts";
import { arm, disarmAll } from "../../src/lib/failpoints.ts";
import { does, worksBut, write } from "../story/script.ts";
import { startStory } from "../story/story.ts";

const FILES = {
  "README.md": "# shop\n",
  ".patchrelay/hooks/prepare-worktree": "#!/bin/sh\nexec test -d .\n",
  ".patchrelay/hooks/verify": "#!/bin/sh\nexec test -d src\n",
};

test.each(["prepare", "work", "verify", "publish"] as const)(
  "a restart while a run is at step %s: it goes on, with one push and one pull request",
  async (phase) => {
    const story = await startStory({ files: FILES });
    const { ada, grace } = story;
    ada.writes("Add a discount");
    ada.delegates();
    await story.until(({ why }) => why.includes(phaseWords(phase)));
    await story.restart();
    await story.until("awaiting_review");
    expect(await story.ran()).toEqual(["implementation published"]);
    expect(story.pushes()).toHaveLength(1);
    expect(story.github.pullRequestCount()).toBe(1);
    expect(story.toldAs("thought").filter((line) => line.includes("On it"))).toHaveLength(1);

    await grace.requestsChanges("Please round it.");
    await story.until(({ why }) => why.includes(`(review fix) is in progress: ${phaseWords(phase)}`));
    await story.restart();
    await story.until(({ rule }) => rule === "review_answered");
    expect(await story.ran()).toEqual(["implementation published", "review_fix published"]);
    expect(story.pushes()).toHaveLength(2);
    await grace.approves();
    await story.until("done");
    expect(await story.file("main", "src/reviewed.txt")).toBe("as asked\n");
    await story.end();
  },
);

test("a restart in the middle of the agent's turn plays nothing twice and charges one attempt", async () => {
  const story = await startStory({
    agent: worksBut(
      does(
        { type: "implementation", nth: 1 },
        [
          write("src/once.txt", "once\n"),
          { spend: { input: 100, cached: 0, output: 10, usd: 0.5 } },
          { wait: 60_000 },
          write("src/twice.txt", "twice\n"),
        ],
        "Did both.",
      ),
    ),
  });
  const { ada } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.sees(
    async () => ((await story.issue())?.spent.tokens ?? 0) > 0 || (await story.runs())[0]?.turn != null,
  );
  await story.restart();
  expect((await story.issue())?.run?.type).toBe("implementation");
  await story.inTime("awaiting_review");
  expect(await story.file("patchrelay/app-1", "src/once.txt")).toBe("once\n");
  expect(await story.file("patchrelay/app-1", "src/twice.txt")).toBe("twice\n");
  expect((await story.issue())?.budgets["runs"]?.spent).toBe(1);
  expect(story.pushes()).toHaveLength(1);
  await story.end();
});

test.each([
  ["asked", does({}, [{ ask: { text: "Gross or net?" } }], "never")],
  ["failed test", does({}, [{ fail: "test" }], "never")],
])(
  "a kill after the agent's turn has %s, while the hook after-run works, pays for no second turn",
  async (outcome, rule) => {
    const story = await startStory({
      files: {
        "README.md": "# shop\n",
        // The first time it hangs until it is killed with the relay.
        ".patchrelay/hooks/after-run":
          '#!/bin/sh\ntest -e hung && exit 0\nmkfifo "$HOME/pipe"\ntouch hung\ncat "$HOME/pipe"\n',
      },
      agent: [{ ...rule, do: [{ spend: { input: 100, output: 10 } }, ...(rule.do ?? [])] }],
      config: { budgets: { implementations: 1 } },
    });
    const { ada } = story;
    ada.writes("Add a discount");
    ada.delegates();
    await story.sees(async () => existsSync(join((await story.issue())?.worktree ?? "", "hung")));
    // As a killed process does, it leaves before the end of the run is written down.
    arm("run.settle_in_tx", { kind: "throw" });
    onTestFinished(disarmAll);
    await story.restart();
    await story.inTime(({ run }) => run === null);
    await story.rests();
    expect(await story.ran()).toEqual([`implementation ${outcome}`]);
    expect((await story.issue())?.spent.tokens).toBe(110);
    await story.end();
  },
);

test("a stop that comes while the relay is down is heard before anything is published", async () => {
  const story = await startStory({
    agent: worksBut(
      does({ type: "implementation", nth: 1 }, [{ wait: 60_000 }, write("src/a.txt", "a\n")], "Done."),
    ),
  });
  const { ada } = story;
  ada.writes("Add a discount");
  ada.delegates();
  await story.works();
  await story.stopRelay();
  ada.undelegates();
  await story.linear.settled();
  await story.startRelay();
  await story.inTime(({ state, run }) => state === "paused" && run === null);
  expect(story.pushes()).toEqual([]);
  await story.end();
});

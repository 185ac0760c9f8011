import { expect, test } from "vitest";
import type { AgentEvent } from "../../src/agents/agent.ts";
import { Fenced, type RunHandle } from "../../src/engines/engine.ts";
import type { Run } from "../../src/factory/facts/run.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { withGlimpse } from "../../src/factory/observe/run.ts";
import { glimpsesOf } from "../../src/runs/words/glimpses.ts";
import { scrubber } from "../../src/runs/words/scrub.ts";
import { handClock } from "../agents/hand-clock.ts";

const MINUTE = 60_000;

/** A run that is watched, and what people see of it: minute by minute, words or plan. */
function watched(fault: Error | null = null) {
  const clock = handClock();
  let run = { number: 1, fence: 1, phase: "work", glimpse: null } as Run;
  const shown: string[] = [];
  const events: string[] = [];
  const record = async (observations: readonly Observation[]): Promise<void> => {
    if (fault !== null) throw fault;
    for (const seen of observations) {
      if (seen.kind !== "run_glimpsed") throw new Error(`unexpected ${seen.kind}`);
      run = withGlimpse(run, seen);
      const at = Math.round(clock.monotonic() / MINUTE);
      const plan = seen.plan?.map(({ content, status }) => `${content} ${status}`).join(", ");
      shown.push(`${at} ${[seen.words, plan].filter((part) => part != null).join(" | ")}`);
    }
  };
  const handle = { record, event: (_: string, text: string) => events.push(text) };
  const glimpses = glimpsesOf({
    handle: handle as unknown as RunHandle,
    run: async () => run,
    parts: { clock, scrub: scrubber(["a-secret-of-ours"]) },
  });
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve();
  };
  return {
    shown,
    events,
    glimpses,
    passes: async (minutes: number) => {
      for (let minute = 0; minute < minutes; minute += 1) {
        clock.advance(MINUTE);
        await settled();
      }
    },
    sees: async (event: AgentEvent) => {
      glimpses.note(event);
      await settled();
    },
    at: (phase: Run["phase"]) => {
      run = { ...run, phase };
    },
  };
}

const says = (text: string): AgentEvent => ({ kind: "message", text });
const plans = (...steps: readonly string[]): AgentEvent => ({
  kind: "plan",
  items: steps.map((content, index) => ({ content, status: index === 0 ? "inProgress" : "pending" })),
});

test("of many messages the newest is shown every few minutes", async () => {
  const { shown, passes, sees } = watched();
  for (let minute = 0; minute < 9; minute += 1) {
    await sees(says(`I am at part ${minute}.\nMore of it.`));
    await passes(1);
  }
  expect(shown).toEqual(["4 I am at part 3. …", "8 I am at part 7. …"]);
});

test("a silent agent is shown once, and again before the tracker takes the session for dead", async () => {
  const { shown, passes } = watched();
  await passes(55);
  expect(shown).toEqual(["4 The agent is working.", "24 The agent is working.", "44 The agent is working."]);
});

test("what it said last stands while it is silent", async () => {
  const { shown, passes, sees } = watched();
  await sees(says("I am reading."));
  await passes(26);
  expect(shown).toEqual(["4 I am reading.", "24 I am reading."]);
});

test("its first plan is shown at once, later ones with the next word, the same one never twice", async () => {
  const { shown, passes, sees } = watched();
  await sees(plans("Read", "Write"));
  await sees(plans("Write"));
  await sees(plans("Write", "Test"));
  await passes(9);
  expect(shown).toEqual(["0 Read inProgress, Write pending", "4 Write. | Write inProgress, Test pending"]);
});

test("outside of the agent's work the phase is what people see", async () => {
  const { shown, passes, sees, at } = watched();
  await sees(says("I am done."));
  at("verify");
  await passes(4);
  at("publish");
  await passes(4);
  expect(shown).toEqual(["4 The repository's own checks are running.", "8 The change is being published."]);
});

test("a secret, an image and the closing report are not shown", async () => {
  const { shown, passes, sees } = watched();
  await sees(says("The key is a-secret-of-ours ![x](https://evil.example/?q=1)"));
  await sees(says('{"outcome":"done"}'));
  await sees(plans("Use a-secret-of-ours"));
  await passes(4);
  expect(shown).toEqual([
    "0 Use [removed: a credential of the relay] inProgress",
    "4 The key is [removed: a credential of the relay] ! [x](https://evil.example/?q=1).",
  ]);
});

test("a word that cannot be kept costs the run nothing, and nothing comes after the end", async () => {
  const broken = watched(new Error("the disk is full"));
  await broken.passes(4);
  expect(broken.events).toEqual(["Could not show the progress: the disk is full"]);
  const superseded = watched(new Fenced("no longer the current one"));
  await superseded.passes(4);
  expect(superseded.events).toEqual([]);
  const ended = watched();
  await ended.glimpses.end();
  await ended.sees(plans("Read"));
  await ended.passes(60);
  expect(ended.shown).toEqual([]);
});

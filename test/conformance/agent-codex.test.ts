import { join } from "node:path";
import { test } from "vitest";
import { createCodexAgent } from "../../src/agents/codex/codex.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { scriptedModelConfig } from "../../world/model/config.ts";
import { call, msg, patch, shell } from "../../world/model/items.ts";
import { startScriptedModel } from "../../world/model/server.ts";
import type { Scenario } from "../../world/model/server.ts";
import { realCodex } from "../agents/real-codex.ts";
import { agentConformance } from "./agent.ts";

const report = (outcome: string, question: unknown = null): string =>
  JSON.stringify({ outcome, summary: "I did it.", question, threads: [] });
const done = msg(report("done"), "final_answer");
const busy = shell("sleep 300", 60_000);

const scenarios: Record<string, Scenario> = {
  edit: ({ step }) =>
    [
      [
        msg("I will.", "commentary"),
        call("update_plan", { plan: [{ step: "Write it", status: "in_progress" }] }),
      ],
      [shell("true")],
      [patch("*** Add File: hello.txt", "+hello")],
    ][step] ?? [done],
  steer: ({ step, steered, outputs }) => {
    const said = steered.filter((text) => !text.includes("interrupted before you were done")).at(-1);
    if (said === undefined)
      return step === 0 ? [msg("Waiting.", "commentary"), shell("sleep 0.2")] : [shell("sleep 0.2")];
    const written = outputs.some((output) => output.includes("steered.txt"));
    return written ? [done] : [patch("*** Add File: steered.txt", `+${said}`)];
  },
  hang: () => [msg("On it.", "commentary"), busy],
  question: () => [msg(report("question", { text: "Which?", options: ["A", "B"] }), "final_answer")],
  words: () => [msg("just words", "final_answer")],
  // Codex tells what a response used once its commands are done.
  spend: ({ step }) =>
    step === 0 ? { items: [shell("true")], usage: { input: 5_000, cached: 0, output: 20 } } : { end: "hang" },
};

const bin = await realCodex();
if (bin === null) {
  // In CI a missing program is an error of realCodex.
  test("the Codex agent keeps what an agent promises", ({ skip }) =>
    skip("there is no Codex program: set PATCHRELAY_TEST_CODEX to one"));
} else {
  agentConformance("the Codex agent", async (state, keep) => {
    const model = await startScriptedModel({ scenarios, clock: systemClock });
    keep(() => model.close());
    const { config, modelsJson } = scriptedModelConfig(model.url);
    return createCodexAgent({
      bin,
      home: join(state, "home"),
      config,
      models: modelsJson,
      env: { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8" },
      model: null,
      startMs: 20_000,
      prices: {},
      clock: systemClock,
      randomness: systemRandomness,
      log: silentLog,
    });
  });
}

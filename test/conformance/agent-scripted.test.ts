import { join } from "node:path";
import { createScriptedAgent } from "../../src/agents/scripted/scripted.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { agentConformance } from "./agent.ts";

const done = { outcome: "done" as const, summary: "I did it.", question: null, threads: [] };
const story = (name: string) => ({ promptIncludes: `[[scn:${name}]]` });

agentConformance("the scripted agent", (state) =>
  Promise.resolve(
    createScriptedAgent({
      clock: systemClock,
      memoryFile: join(state, "memory.json"),
      script: {
        rules: [
          {
            when: story("edit"),
            do: [
              { say: "I will." },
              { plan: [{ step: "Write it", status: "inProgress" }] },
              { run: ["node", "--version"] },
              { write: { path: "hello.txt", text: "hello\n" } },
              { spend: { input: 100, output: 20 } },
            ],
            report: done,
          },
          {
            when: story("steer"),
            do: [
              { say: "Waiting." },
              { wait: "steer" },
              { write: { path: "steered.txt", text: "{{steered}}\n" } },
            ],
            report: done,
          },
          { when: story("hang"), do: [{ say: "On it." }, { wait: "interrupt" }] },
          { when: story("question"), do: [{ ask: { text: "Which?", options: ["A", "B"] } }] },
          { when: story("words"), do: [{ say: "just words" }] },
          { when: story("spend"), do: [{ spend: { input: 5_000 } }, { wait: "interrupt" }] },
        ],
      },
    }),
  ),
);

import { DEMO_AGENTS, demoAgent, isProgram } from "../demo/agents.ts";
import type { Command } from "./usage/command.ts";
import { wrongUsage } from "./usage/failure.ts";

export const command: Command = {
  arguments: [],
  options: {
    agent: { value: "AGENT", says: "who does the work; default scripted", oneOf: DEMO_AGENTS },
    "codex-bin": { value: "FILE", says: "the codex program for --agent codex; default: the one on PATH" },
    quick: { value: null, says: "quick mode: with a person's keys, no application and no webhooks" },
    keep: { value: null, says: "keep relay and dashboard running afterwards, until Ctrl-C" },
  },
  about: [
    "Everything happens on this machine: stand-ins for Linear and GitHub, a real relay, real git, a repository with real tests. No account, no network, no key.",
  ],
  examples: [
    { says: "from a delegated issue to a merged pull request", line: "demo" },
    { says: "the same without an admin of the workspace, as a person", line: "demo --quick" },
    { says: "and look around in the dashboard afterwards", line: "demo --keep" },
  ],
  async run(context) {
    const agent = demoAgent(context.value("agent"));
    const codexBin = context.value("codex-bin");
    if (codexBin !== null && !isProgram(agent)) throw wrongUsage("--codex-bin goes with --agent codex");
    const signal = context.interrupted();
    const [{ runDemo }, { packageVersion }] = await Promise.all([
      import("../demo/demo.ts"),
      import("./host/version.ts"),
    ]);
    return await runDemo({
      agent,
      codexBin,
      quick: context.flag("quick"),
      keep: context.flag("keep"),
      json: context.json,
      color: context.color,
      version: packageVersion(),
      pid: context.host.pid,
      signal,
      write: context.say,
    });
  },
};

// Loaded with the help of `patchrelay demo`: nothing else may come along.

/** Who can do the demo's work; the first does when nobody says. */
export const DEMO_AGENTS = ["scripted", "codex"] as const;
export type DemoAgent = (typeof DEMO_AGENTS)[number];

/** The agent of that name; null is the first. Another name has been refused by the check of arguments. */
export function demoAgent(name: string | null): DemoAgent {
  return DEMO_AGENTS.find((agent) => agent === name) ?? DEMO_AGENTS[0];
}

/** Whether it is a program of the person's own, that `--codex-bin` can name. */
export function isProgram(agent: DemoAgent): boolean {
  return agent === "codex";
}

import type { ScriptedAgentScriptInput } from "../../src/agents/scripted/script.ts";

export type AgentRules = ScriptedAgentScriptInput["rules"];
type Rule = AgentRules[number];
type Step = NonNullable<Rule["do"]>[number];

/** A rule of the agent's script that ends its turn well. */
export function does(when: Rule["when"], steps: readonly Step[], summary: string): Rule {
  return {
    when,
    do: [...steps],
    report: { outcome: "done", summary, question: null, threads: [] },
  };
}

export const write = (path: string, text: string): Step => ({ write: { path, text } });

/** An agent that does each kind of work once, in a file of its own, so that nothing it does conflicts. */
export const WORKS: AgentRules = [
  does(
    { type: "implementation", nth: 1 },
    [write("src/discount.txt", "10 percent\n")],
    "Added the discount.",
  ),
  does({ type: "implementation" }, [write("src/more.txt", "{{steered}}more\n")], "Did the further work."),
  does({ type: "ci_repair" }, [write("src/repaired.txt", "green\n")], "Repaired the failing check."),
  does({ type: "review_fix" }, [write("src/reviewed.txt", "as asked\n")], "Did what the reviewer asked for."),
  does({ type: "queue_repair" }, [write("src/integrated.txt", "fits\n")], "Made it fit the base branch."),
];

/** The same, except that the rules given come first. */
export function worksBut(...rules: AgentRules): AgentRules {
  return [...rules, ...WORKS];
}

/** Ends its turn without touching a file. */
export function reports(when: Rule["when"], outcome: "no_change" | "answer", summary: string): Rule {
  return { when, do: [], report: { outcome, summary, question: null, threads: [] } };
}

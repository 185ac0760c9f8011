import type { ScriptedAgentScriptInput } from "../agents/scripted/script.ts";
import { SUBTRACT, SUBTRACT_TEST } from "./repository.ts";

// What the agent of the demo does in each kind of run: once for the agent that plays a file, and once (model.ts)
// as the words of a model that the real Codex listens to. The edits are the same.

export interface Part {
  readonly says: string;
  /** Edits of one file: its path, a text to find (null = the file is new or whole), and what to put there. */
  readonly edits: readonly { readonly path: string; readonly find: string | null; readonly put: string }[];
  readonly summary: string;
  readonly answersThreads: boolean;
}

const SORTED = "// Keep the functions sorted by how often the shop uses them.\n";

export const PARTS: Readonly<Record<"implementation" | "ci_repair" | "review_fix" | "queue_repair", Part>> = {
  implementation: {
    says: "I add subtract beside add, with a test of its own.",
    edits: [
      { path: "src/calc.js", find: SORTED, put: SORTED + SUBTRACT },
      { path: "test/subtract.test.js", find: null, put: SUBTRACT_TEST },
    ],
    summary: "Added subtract() to src/calc.js with a test. The repository's tests pass.",
    answersThreads: false,
  },
  ci_repair: {
    says: "The check wants a line in the changelog for the new function.",
    edits: [{ path: "CHANGELOG.md", find: "## Unreleased\n", put: "## Unreleased\n\n- Added `subtract`.\n" }],
    summary: "The check `changelog` wants every new export in CHANGELOG.md; added the line for subtract.",
    answersThreads: false,
  },
  review_fix: {
    says: "The reviewer is right: a - b does not say which is taken from which.",
    edits: [
      {
        path: "src/calc.js",
        find: "export function subtract(a, b) {\n  return a - b;\n",
        put: "export function subtract(minuend, subtrahend) {\n  return minuend - subtrahend;\n",
      },
    ],
    summary: "Named the parameters minuend and subtrahend, as the reviewer asked.",
    answersThreads: true,
  },
  queue_repair: {
    says: "Main now guards every number; subtract has to as well.",
    edits: [
      {
        path: "src/calc.js",
        find: "  return minuend - subtrahend;\n",
        put: "  return number(minuend) - number(subtrahend);\n",
      },
    ],
    summary: "main now checks every argument with number(); subtract does so too.",
    answersThreads: false,
  },
};

/** The script of the agent that plays a file. */
export function agentScript(threadsOf: readonly string[] = []): ScriptedAgentScriptInput {
  return {
    rules: Object.entries(PARTS).map(([type, part]) => ({
      when: { type: type as keyof typeof PARTS },
      do: [
        { say: part.says },
        ...part.edits.map(({ path, find, put }) =>
          find === null ? { write: { path, text: put } } : { replace: { path, from: find, to: put } },
        ),
        { run: ["node", "--test"] },
        { spend: { input: 5200, cached: 3900, output: 640, usd: 0.02 } },
      ],
      report: {
        outcome: "done" as const,
        summary: part.summary,
        question: null,
        threads: part.answersThreads
          ? threadsOf.map((id) => ({ id, outcome: "fixed" as const, reply: part.summary }))
          : [],
      },
    })),
  };
}

import type { Clock } from "../lib/clock.ts";
import { call, msg, patch, shell, type ModelItem } from "../../world/model/items.ts";
import { startScriptedModel, type ScriptedModel } from "../../world/model/server.ts";
import type { ModelRequest } from "../../world/model/conversation.ts";
import { PARTS, type Part } from "./script.ts";

/** A model on loopback that makes the real Codex do the same edits as the scripted agent. */
export async function startDemoModel(clock: Clock): Promise<ScriptedModel> {
  return startScriptedModel({ scenarios: {}, answer, clock });
}

const TASKS: readonly (readonly [string, keyof typeof PARTS])[] = [
  ["Carry out issue", "implementation"],
  ["Make the failing checks", "ci_repair"],
  ["Answer the review of issue", "review_fix"],
  ["The merge queue or the base branch rejected", "queue_repair"],
];

/** Keeps nothing: what was done so far stands in the history that Codex sends along. */
function answer(request: ModelRequest): readonly ModelItem[] {
  const history = JSON.stringify(request.body["input"] ?? []);
  const type = TASKS.find(([words]) => history.includes(words))?.[1];
  const part = type === undefined ? null : PARTS[type];
  if (part === null)
    return [
      msg(
        JSON.stringify({
          outcome: "no_change",
          summary: "I do not know this task.",
          question: null,
          threads: [],
        }),
        "final_answer",
      ),
    ];
  const outputs = (request.body["input"] as readonly { readonly type?: unknown }[]).filter((item) =>
    String(item.type).endsWith("_output"),
  );
  const steps: readonly (readonly ModelItem[])[] = [
    [
      msg(part.says, "commentary"),
      call("update_plan", {
        plan: [
          { step: "Change the code", status: "in_progress" },
          { step: "Run the tests", status: "pending" },
        ],
      }),
    ],
    [patch(...patchLines(part))],
    [shell("node --test 2>&1 | tail -20")],
  ];
  const next = steps[outputs.length];
  if (next !== undefined) return next;
  const threads = part.answersThreads
    ? [...history.matchAll(/Review thread ([A-Za-z0-9_=-]+)/g)].map(([, id]) => ({
        id,
        outcome: "fixed",
        reply: part.summary,
      }))
    : [];
  return [
    msg(JSON.stringify({ outcome: "done", summary: part.summary, question: null, threads }), "final_answer"),
  ];
}

/** The edits in the form of Codex's own patch tool. */
function patchLines(part: Part): readonly string[] {
  const lines: string[] = [];
  for (const { path, find, put } of part.edits) {
    if (find === null) {
      lines.push(`*** Add File: ${path}`, ...body(put).map((line) => `+${line}`));
    } else {
      lines.push(
        `*** Update File: ${path}`,
        "@@",
        ...body(find).map((line) => `-${line}`),
        ...body(put).map((line) => `+${line}`),
      );
    }
  }
  return lines;
}

function body(text: string): readonly string[] {
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}

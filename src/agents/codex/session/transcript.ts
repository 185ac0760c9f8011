import type { PlanItem } from "../../../factory/facts/run.ts";
import { clip } from "../../../lib/text.ts";
import type { AgentEvent } from "../../agent.ts";
import { parseReport } from "../../report.ts";
import { readItem } from "../process/protocol.ts";
import type { ThreadItem } from "../process/protocol.ts";

const KEPT_OUTPUT = 32 * 1024;
const KEPT_PATHS = 500;

/**
 * What bubblewrap prints when it could not even start the command: the sandbox is broken, not the work. Codex
 * completes such a turn as if nothing had been the matter.
 */
const UNSTARTABLE = /^(?:\/\S*\/)?bwrap: |codex-linux-sandbox: No such file/u;

/** What one turn has said and done so far. */
export class Transcript {
  ran = 0;
  unstartable = 0;
  /** The first line of the sandbox's error; empty = none. */
  sandboxError = "";
  #finalWords: string | null = null;
  #lastWords = "";

  /** The agent's last words: its final answer when it marked one, else whatever it said last. */
  get words(): string {
    return this.#finalWords ?? this.#lastWords;
  }

  /** Takes an item that is complete; the events to tell, in order. Items of no use to us give none. */
  take(value: unknown): readonly AgentEvent[] {
    const item = readItem(value);
    return item === null ? [] : this.#take(item);
  }

  #take(item: ThreadItem): readonly AgentEvent[] {
    switch (item.type) {
      case "agentMessage": {
        this.#lastWords = item.text;
        if (item.phase === "final_answer") this.#finalWords = item.text;
        // A report is for the relay; people read its summary.
        const text = parseReport(item.text)?.summary ?? item.text;
        return text === "" ? [] : [{ kind: "message", text: clip(text, KEPT_OUTPUT) }];
      }
      case "reasoning":
        return item.summary.map((text) => ({ kind: "reasoning", text: clip(text, KEPT_OUTPUT) }));
      case "commandExecution":
        return this.#command(item);
      case "fileChange":
        return item.status === "completed"
          ? [{ kind: "files", paths: item.changes.slice(0, KEPT_PATHS).map((change) => change.path) }]
          : [];
      case "userMessage":
      default:
        return [];
    }
  }

  #command(item: Extract<ThreadItem, { type: "commandExecution" }>): readonly AgentEvent[] {
    const output = item.aggregatedOutput ?? "";
    const exitCode = item.exitCode ?? null;
    if (exitCode !== 0 && UNSTARTABLE.test(output)) {
      this.unstartable += 1;
      this.sandboxError ||= clip(output.split("\n")[0] ?? "", 300);
    } else if (item.status !== "declined") this.ran += 1;
    return [
      {
        kind: "command",
        command: clip(item.command, KEPT_OUTPUT),
        exitCode,
        output: output.slice(-KEPT_OUTPUT),
        durationMs: item.durationMs ?? null,
      },
    ];
  }
}

/** Codex's plan as ours. */
export function planOf(plan: readonly { readonly step: string; readonly status: string }[]): AgentEvent {
  const items = plan.slice(0, 100).map((entry): PlanItem => {
    const status = PLAN_STATUS[entry.status] ?? "pending";
    return { content: clip(entry.step, 1_000), status };
  });
  return { kind: "plan", items };
}

const PLAN_STATUS: Readonly<Record<string, PlanItem["status"]>> = {
  pending: "pending",
  inProgress: "inProgress",
  completed: "completed",
};

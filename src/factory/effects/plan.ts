import type { Decision } from "../rules/decision.ts";
import type { PlanItem } from "./effect.ts";
import type { Facts } from "../facts/facts.ts";
import { STAGES } from "./texts/tracker.ts";
import { TERMINAL } from "../facts/state.ts";

/** How far each state is through the stages: all before are completed, this one is in progress. */
const STAGE_OF: Readonly<Record<Decision["state"], number>> = {
  delegated: 0,
  preparing: 0,
  implementing: 0,
  pr_open: 2,
  repairing_ci: 2,
  awaiting_review: 3,
  changes_requested: 3,
  awaiting_queue: 4,
  repairing_queue: 4,
  awaiting_input: 0,
  escalated: 0,
  done: 5,
  failed: 0,
  paused: 0,
};

function stage(facts: Facts, decision: Decision): number {
  const stated = STAGE_OF[decision.state];
  return stated === 0 && facts.pullRequest !== null ? 2 : stated;
}

/** The plan as the tracker shows it. */
export function planOf(facts: Facts, decision: Decision): readonly PlanItem[] {
  const reached = stage(facts, decision);
  const ended = TERMINAL.has(decision.state) && decision.state !== "done";
  return STAGES.map((content, index) => ({
    content,
    status:
      index < reached
        ? "completed"
        : ended
          ? "canceled"
          : index === reached && decision.state !== "delegated"
            ? "inProgress"
            : "pending",
  }));
}

/** Names the picture that `planOf` draws. */
export function planKey(facts: Facts, decision: Decision): string {
  // The same picture again after another one in between is news again, so head and runs count too.
  const ended = facts.runs.filter((run) => run.end !== null).length;
  const head = facts.pullRequest?.core.value.head.slice(0, 12) ?? "none";
  const mark = TERMINAL.has(decision.state) ? decision.state : decision.state === "delegated" ? "d" : "";
  return `${stage(facts, decision)}${mark}:${facts.runs.length}.${ended}:${head}`;
}

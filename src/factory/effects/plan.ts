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

/** The picture that `planOf` draws, in a line: the same picture is not shown twice in a row. */
export function pictureOf(items: readonly PlanItem[]): string {
  return items.map(({ status }) => MARKS[status]).join("");
}

const MARKS: Readonly<Record<PlanItem["status"], string>> = {
  pending: ".",
  inProgress: ">",
  completed: "x",
  canceled: "-",
};

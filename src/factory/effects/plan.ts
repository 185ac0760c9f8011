import type { Decision } from "../rules/decision.ts";
import { type Facts, activeRun } from "../facts/facts.ts";
import type { PlanItem } from "../facts/run.ts";
import { digest } from "../facts/hash.ts";
import { STAGE_WAITS, STAGES } from "./texts/tracker.ts";
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

/** The plan as the tracker shows it. While an agent works, its own plan stands for the stage that it works on. */
export function planOf(facts: Facts, decision: Decision): readonly PlanItem[] {
  const reached = stage(facts, decision);
  const ended = TERMINAL.has(decision.state) && decision.state !== "done";
  // Between two runs of one stage nothing has gone back to where it was.
  const begun = decision.state !== "delegated" || facts.runs.some((run) => run.startedAt !== null);
  return STAGES.flatMap((content, index): readonly PlanItem[] => {
    if (index < reached) return [{ content, status: "completed" }];
    if (ended) return [{ content, status: "canceled" }];
    if (index > reached || !begun) return [{ content, status: "pending" }];
    const own = activeRun(facts)?.glimpse?.plan?.items ?? [];
    if (own.length > 0) return own;
    const waits = STAGE_WAITS[decision.state];
    return [{ content: waits === undefined ? content : `${content} (${waits})`, status: "inProgress" }];
  });
}

/** The picture that `planOf` draws, in a line: the same picture is not shown twice in a row. */
export function pictureOf(items: readonly PlanItem[]): string {
  const marks = items.map(({ status }) => MARKS[status]).join("");
  const names = items.map(({ content }) => content).filter((content) => !isStage(content));
  return names.length === 0 ? marks : `${marks} ${digest(names)}`;
}

function isStage(content: string): boolean {
  return (STAGES as readonly string[]).includes(content);
}

const MARKS: Readonly<Record<PlanItem["status"], string>> = {
  pending: ".",
  inProgress: ">",
  completed: "x",
  canceled: "-",
};

import type { Facts, Prompt, Run } from "../../facts/facts.ts";
import { RUN_TYPES, type RunType } from "../../facts/run-types.ts";
import type { Decision } from "../../rules/decision.ts";
import { firstLine } from "../../words.ts";

/**
 * What the tracker is told, word for word; when it is told is decided in narration.ts. Sentences of a decision
 * (`why`, `waitsFor`) come from the rules and are passed on as they are.
 */

/** The stages of the plan, in order. */
export const STAGES = [
  "Implement",
  "Open a pull request",
  "Make the checks pass",
  "Answer the review",
  "Merge",
] as const;

/** What a run of each type does, as the title of an action. */
export const DOING: Readonly<Record<RunType, string>> = {
  implementation: "Implementing",
  ci_repair: "Repairing CI",
  review_fix: "Answering the review",
  queue_repair: "Repairing for the merge queue",
};

/** The first word in a session; the key of the issue, once it is known. */
export function acknowledgement(key: string | undefined): string {
  return `On it${key === undefined ? "" : `: ${key}`}. I'll post progress here, and ask when a decision is yours to make.`;
}

export function changedNothing({ number }: Run, summary: string): string {
  return `Run ${number} changed nothing: ${summary}`;
}

export function runFailed({ number }: Run, failureClass: string, summary: string): string {
  return `Run ${number} failed (${failureClass}): ${summary}`;
}

export function pullRequestLabel(number: number): string {
  return `Pull request #${number}`;
}

export function notStarted(why: string): string {
  return `Not started yet: ${why}`;
}

/** The issue has ended without a merge. */
export function stopped(why: string): string {
  return `${why} I have stopped. Delegate the issue again or write here to continue.`;
}

/** A person has taken the issue away. */
export function pausedByPerson(why: string): string {
  return `${why} Nothing is running, and nothing will be published until you delegate the issue again or write here.`;
}

export function awaitsWord({ why, waitsFor }: Decision): string {
  return `${why} I'm waiting for ${waitsFor ?? "you"}.`;
}

export function whatNext(why: string): string {
  return `${why}\n\nWhat should I do?`;
}

/** The issue is done; `unheard` are messages that came too late for it. */
export function conclusion(facts: Facts, decision: Decision, unheard: readonly Prompt[]): string {
  if (decision.rule !== "merged") return `${decision.why} My work here is done.`;
  const done = facts.runs
    .filter((run) => run.end?.outcome === "published")
    .map((run) => `- ${typeName(run)}: ${run.end?.summary ?? ""}`);
  const late = unheard.map(({ text }) => `- ${firstLine(text)}`);
  return [
    `${decision.why} ${facts.pullRequest?.url ?? ""}`.trim(),
    ...(done.length > 0 ? ["", "What was done:", ...done] : []),
    ...(late.length > 0
      ? [
          "",
          "These messages came too late for this pull request; write again here to have them done:",
          ...late,
        ]
      : []),
  ].join("\n");
}

/** How many attempts are listed when an issue is handed over. */
const MOST_TRIED = 6;

/** What was tried, and what a person has to do. */
export function handOver(facts: Facts, decision: Decision): string {
  const tried = facts.runs
    .slice(-MOST_TRIED)
    .map(
      (run) =>
        `- run ${run.number}, ${typeName(run)}: ${run.end?.outcome.replace("_", " ") ?? run.state}${run.end?.summary ? `: ${run.end.summary}` : ""}`,
    );
  return [
    `I'm handing this over. ${decision.why}`,
    "",
    "What was tried:",
    ...tried,
    "",
    `I'm waiting for ${decision.waitsFor ?? "a person"}.`,
  ].join("\n");
}

function typeName({ type }: Run): string {
  return RUN_TYPES[type].type.replace("_", " ");
}

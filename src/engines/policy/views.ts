import type { Facts } from "../../factory/facts/facts.ts";
import type { Question } from "../../factory/facts/ticket.ts";
import type { Policy } from "../../factory/facts/policy.ts";
import { RUN_TYPES } from "../../factory/facts/run-types.ts";
import { openQuestions } from "../../factory/judge/authority.ts";
import type { QueueDocument } from "../documents.ts";

/** Whether a run that waits reworks what was published or is new work. `priority`: as `placeOf` gave it. */
export function queueClass(priority: number): QueueDocument["items"][number]["class"] {
  return priority < RUN_TYPES.implementation.priority ? "rework" : "backlog";
}

/**
 * What an issue has used in its whole life; a budget counts from the last reset instead (factory/judge/budget.ts).
 * `usd` (US dollars) is null when no run's price is known.
 */
export function spentInAll({ runs }: Pick<Facts, "runs">): {
  readonly runs: number;
  readonly tokens: number;
  readonly usd: number | null;
} {
  const prices = runs.flatMap(({ spent }) => (spent.usd === null ? [] : [spent.usd]));
  return {
    runs: runs.length,
    tokens: runs.reduce((sum, { spent }) => sum + spent.input + spent.output, 0),
    usd: prices.length === 0 ? null : prices.reduce((sum, usd) => sum + usd, 0),
  };
}

/** The question a person is shown: the one that an answer would be taken for. `policy`: null = none is known. */
export function shownQuestion(facts: Facts, policy: Policy | null): Question | null {
  if (policy !== null) return openQuestions(facts, policy)[0] ?? null;
  const unanswered = Object.values(facts.questions).filter(({ answer }) => answer === null);
  return unanswered.toSorted((a, b) => a.askedAt - b.askedAt)[0] ?? null;
}

/** What all issues together may spend in a day, US dollars: the smallest limit of a project; null = none has one. */
export function dayLimit(policy: Policy | null): number | null {
  const limits = (policy?.projects ?? []).flatMap(({ budgets }) => budgets.usdPerDay ?? []);
  return limits.length === 0 ? null : Math.min(...limits);
}

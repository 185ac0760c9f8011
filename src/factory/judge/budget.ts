import { type Facts, generationOf } from "../facts/facts.ts";
import { NOTHING_SPENT, type Run, type RunCause } from "../facts/run.ts";
import { failedTooOften, isCharged, runsSinceReset, runsSinceWord } from "./charging.ts";
import { ownAutoMerge } from "./merging.ts";
import { machinesSince, personHead } from "./pushes.ts";
import type { Budgets, Conditions, ProjectPolicy } from "../facts/policy.ts";
import { counted, listed, operatorRuns, sentence, sentences, withReason } from "../words.ts";
import { RUN_TYPES, type BudgetName, type RunType } from "../facts/run-types.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long a start waits for the first reading of an issue, ms. */
const READING_MS = 60_000;

const RECHECK_MS = 60_000;

export interface Refusal {
  readonly name: RefusalName;
  readonly kind: "wait" | "escalate";
  /** Whole sentences, which follow those of the rule. */
  readonly why: string;
  /** A phrase to follow "waiting for". */
  readonly waitsFor: string;
  readonly until: number | null;
  /** Whether a person is asked to have it tried again. */
  readonly asks?: true;
  /** What has to be done first; absent = only waiting helps. */
  readonly step?: { readonly kind: "cancel_merge"; readonly request: string };
}

/** Every reason for which a run that is called for does not start. The order is the order of asking. */
export const REFUSALS = {
  disk_low: "free disk is below `storage.stopRunsBelowMiB`",
  blockers_unread:
    "what blocks the issue has not been read yet; where it cannot be read within a minute, work begins all the same",
  blocked: "the tracker says that another open issue blocks this one",
  sub_issues_open: "the issue has open sub-issues, and policy (`subIssues`) has it wait for them",
  agent_not_ready: "the agent cannot start: it is not installed, not logged in or offline",
  backing_off: "the last attempt failed through no fault of the work and is retried later",
  failing:
    "five attempts in a row failed through no fault of the work; an outage that uses no tokens gets six hours",
  budget_spent: "the budget for this kind of run on this cause is spent",
  runs_spent: "the issue has had `budgets.runs` attempts since the last `retry`",
  tokens_spent: "the issue has used `budgets.tokensPerIssue` since the last `retry`",
  money_spent: "the issue has used `budgets.usdPerIssue` since the last `retry`",
  day_spent: "all issues together have used `budgets.usdPerDay` today",
  too_fast: "`limits.runsPerIssuePerHour` runs within an hour: something is going in circles",
  auto_merge_on: "our auto-merge would merge what the run pushes: it is turned off first",
} as const;
export type RefusalName = keyof typeof REFUSALS;

export interface Reservation {
  readonly facts: Facts;
  readonly project: ProjectPolicy;
  readonly runsPerHour: number;
  readonly conditions: Conditions;
  readonly type: RunType;
  readonly cause: RunCause;
  readonly now: number;
}

/**
 * The one way to a run: takes an attempt from the budget, or says why not. What is spent is counted from the
 * rows of runs, so that it can neither drift nor go below zero.
 */
export function reserve(ask: Reservation): { readonly run: Run } | { readonly refusal: Refusal } {
  const refusal = refuse(ask);
  if (refusal !== null) return { refusal };
  const { facts, type, cause, now } = ask;
  const number = (facts.runs.at(-1)?.number ?? 0) + 1;
  return {
    run: {
      number,
      type,
      generation: generationOf(facts),
      fence: number,
      state: "queued",
      phase: "reserve",
      queuedAt: now,
      startedAt: null,
      endedAt: null,
      cause,
      personHead: personHead(facts),
      headBefore: facts.pullRequest?.core.value.head ?? null,
      headAfter: null,
      thread: null,
      turn: null,
      steered: [],
      stop: null,
      end: null,
      spent: NOTHING_SPENT,
      glimpse: null,
    },
  };
}

function refuse(ask: Reservation): Refusal | null {
  const { facts, project, runsPerHour, conditions, type, now } = ask;
  const wait = (name: RefusalName, why: string, waitsFor: string, until: number | null): Refusal => ({
    name,
    kind: "wait",
    why,
    waitsFor,
    until,
  });
  const handOver = (name: RefusalName, why: string, helps: string): Refusal => ({
    name,
    kind: "escalate",
    why,
    waitsFor: helps,
    until: null,
  });
  // A push and a message renew what the same trouble may cost; what the issue as a whole may cost, neither changes.
  const commit = facts.pullRequest === null ? "" : "a new commit, ";
  const aWord = `${commit}a message that says what to do, or ${operatorRuns("retry", facts)}`;
  const more = (setting: string): string =>
    `${operatorRuns("retry", facts)}, or a higher \`budgets.${setting}\``;

  if (conditions.disk !== null)
    return wait("disk_low", sentence(conditions.disk), "free disk space", now + RECHECK_MS);
  // A message may be answered all the same.
  if (type === "implementation" && ask.cause.asks === "issue" && facts.pullRequest === null) {
    const readBy = facts.createdAt + READING_MS;
    if (facts.ticket.blockers === null && now < readBy) {
      const why = "What blocks it has not been read yet.";
      return wait("blockers_unread", why, "the issue to be read", readBy);
    }
    const blockers = listed(openBlockers(facts, false));
    if (blockers !== "")
      return wait("blocked", `It is blocked by ${blockers}.`, `${blockers} to be completed`, null);
    const parts = project.subIssues === "wait" ? openBlockers(facts, true) : [];
    if (parts.length > 0) {
      const names = listed(parts);
      const many = parts.length > 1;
      const why = `Its sub-issue${many ? "s" : ""} ${names} ${many ? "are" : "is"} not done.`;
      return wait("sub_issues_open", why, `${names} to be completed`, null);
    }
  }
  const notReady = conditions.agents[project.agent] ?? null;
  if (notReady !== null) {
    return wait(
      "agent_not_ready",
      withReason(`The agent ${project.agent} is not ready`, notReady),
      `the agent ${project.agent} to be ready`,
      now + RECHECK_MS,
    );
  }
  const last = runsSinceReset(facts).at(-1);
  const retryAt = last?.end?.retryAt ?? null;
  if (last !== undefined && retryAt !== null && retryAt > now) {
    return wait(
      "backing_off",
      withReason(`Run ${last.number} failed and will be tried again`, last.end?.summary ?? ""),
      "the pause before the next attempt to end",
      retryAt,
    );
  }
  const failures = failedTooOften(facts, ask.cause, now);
  if (failures !== null) {
    const why = sentences(
      `${counted(failures, "attempt")} in a row failed.`,
      withReason("The last one ended with", last?.end?.summary || "no reason given"),
    );
    return { ...handOver("failing", why, aWord), asks: true };
  }
  const limit = project.budgets[RUN_TYPES[type].budget];
  const used = spentOn(facts, type, ask.cause);
  if (used >= limit) {
    const budget = `The ${RUN_TYPES[type].words} budget`;
    if (limit === 0) return handOver("budget_spent", `${budget} allows no attempts.`, aWord);
    const why = sentences(
      `${budget} (${counted(limit, "attempt")}) is used up.`,
      ...(type === "implementation" ? [] : betweenOurs(facts)),
    );
    return { ...handOver("budget_spent", why, aWord), asks: true };
  }
  const runs = chargedRuns(facts);
  if (runs >= project.budgets.runs)
    return handOver(
      "runs_spent",
      `The issue has used its budget of ${counted(project.budgets.runs, "run")}.`,
      more("runs"),
    );
  const tokens = tokensOf(facts);
  if (tokens >= project.budgets.tokensPerIssue) {
    return handOver(
      "tokens_spent",
      `The issue has used ${counted(tokens, "token")}, and its budget is ${project.budgets.tokensPerIssue}.`,
      more("tokensPerIssue"),
    );
  }
  const usd = usdOf(facts);
  const { usdPerIssue, usdPerDay } = project.budgets;
  if (usdPerIssue !== null && (usd ?? 0) >= usdPerIssue) {
    return handOver(
      "money_spent",
      `The issue has cost ${(usd ?? 0).toFixed(2)} US dollars, and its budget is ${usdPerIssue.toFixed(2)}.`,
      more("usdPerIssue"),
    );
  }
  if (usdPerDay !== null && conditions.usdToday >= usdPerDay) {
    const midnight = (Math.floor(now / DAY_MS) + 1) * DAY_MS;
    return wait(
      "day_spent",
      `Today's budget of ${usdPerDay.toFixed(2)} US dollars is spent.`,
      "midnight UTC",
      midnight,
    );
  }
  const recent = runsSinceReset(facts).filter((run) => run.queuedAt > now - HOUR_MS);
  if (recent.length >= runsPerHour) {
    const until = (recent.at(-runsPerHour)?.queuedAt ?? now) + HOUR_MS;
    return wait(
      "too_fast",
      `It has had ${counted(recent.length, "run")} within an hour, which looks like a loop.`,
      `the hour to pass, or ${operatorRuns("retry", facts)}`,
      until,
    );
  }
  return mergesWhatWePush(facts, project);
}

/** Who else kept pushing, although no person did: two machines may be undoing each other's work. */
function betweenOurs(facts: Facts): readonly string[] {
  return machinesSince(facts).map(({ name, times, same }) =>
    same
      ? `${name} has pushed the same files again, which renews no budget.`
      : `${name} has pushed ${counted(times, "time")} in between, which renews no budget.`,
  );
}

/** Auto-merge stays on when the head moves, and would merge what nobody has looked at yet. */
function mergesWhatWePush(facts: Facts, project: ProjectPolicy): Refusal | null {
  const merge = ownAutoMerge(facts, project);
  if (merge === null) return null;
  const name = "auto_merge_on";
  if (merge.refused !== null)
    return {
      name,
      kind: "escalate",
      why: withReason("Auto-merge is on and could not be turned off", merge.refused),
      waitsFor: `a person to turn auto-merge off, or ${operatorRuns("retry", facts)}`,
      until: null,
    };
  return {
    name,
    kind: "wait",
    why: "Auto-merge has to be turned off first.",
    waitsFor: "auto-merge to be turned off",
    until: null,
    step: { kind: "cancel_merge", request: merge.request },
  };
}

/**
 * Attempts spent on the same trouble: repairs count per commit by which a person spoke, an implementation per
 * request. So neither our own pushes give a new budget nor those of other machines, and a person's do.
 */
function spentOn(facts: Facts, type: RunType, cause: RunCause): number {
  const word = personHead(facts);
  return runsSinceWord(facts).filter(
    (run) =>
      run.type === type &&
      isCharged(run) &&
      (type === "implementation"
        ? run.cause.key === cause.key
        : run.personHead === word && run.generation === generationOf(facts)),
  ).length;
}

/** Whether what this cause may be attempted for is spent, and by which run last. */
export function lastOfSpent(
  facts: Facts,
  project: ProjectPolicy,
  type: RunType,
  cause: RunCause,
): Run | null {
  if (spentOn(facts, type, cause) < project.budgets[RUN_TYPES[type].budget]) return null;
  return facts.runs.findLast((run) => run.type === type && run.cause.key === cause.key) ?? null;
}

function chargedRuns(facts: Facts): number {
  return runsSinceReset(facts).filter(isCharged).length;
}

function openBlockers(facts: Facts, subIssues: boolean): readonly string[] {
  return (facts.ticket.blockers?.value ?? [])
    .filter((blocker) => !blocker.done && blocker.isSubIssue === subIssues)
    .map((blocker) => blocker.key);
}

function tokensOf(facts: Facts): number {
  return runsSinceReset(facts).reduce((sum, run) => sum + run.spent.input + run.spent.output, 0);
}

/** Null when no run's price is known. */
function usdOf(facts: Facts): number | null {
  const known = runsSinceReset(facts).flatMap((run) => (run.spent.usd === null ? [] : [run.spent.usd]));
  return known.length === 0 ? null : known.reduce((sum, usd) => sum + usd, 0);
}

/** Spent and limit by name, for people: documents, dashboard, `why`. */
export function budgetsOf(
  facts: Facts,
  budgets: Budgets | null,
): Readonly<Record<string, { spent: number; limit: number | null }>> {
  const attempts = (name: BudgetName, type: RunType): { spent: number; limit: number | null } => {
    const last = runsSinceReset(facts).findLast((run) => run.type === type);
    return {
      spent: last === undefined ? 0 : spentOn(facts, type, last.cause),
      limit: budgets?.[name] ?? null,
    };
  };
  return {
    implementations: attempts("implementations", "implementation"),
    ciRepairs: attempts("ciRepairs", "ci_repair"),
    reviewFixes: attempts("reviewFixes", "review_fix"),
    queueRepairs: attempts("queueRepairs", "queue_repair"),
    runs: { spent: chargedRuns(facts), limit: budgets?.runs ?? null },
    tokens: { spent: tokensOf(facts), limit: budgets?.tokensPerIssue ?? null },
    usd: { spent: usdOf(facts) ?? 0, limit: budgets?.usdPerIssue ?? null },
  };
}

import { type Facts, generationOf } from "../facts/facts.ts";
import { personHead } from "./pushes.ts";
import type { FailureClass, Outcome, Run, RunCause, RunEnd, RunReport } from "../facts/run.ts";

/** What follows from how a run ended. */
export interface Terms {
  /** Whether the attempt is taken from its budget for good; else it is given back. */
  readonly charged: boolean;
  /** `now`: at once, as far as this end goes. `later`: at the time that the report names. */
  readonly again: "now" | "later";
  /**
   * Among the failures in a row after which a person is asked: `ends` the row, `counts`, or counts only `if_paid`,
   * when the attempt used tokens.
   */
  readonly inARow: "ends" | "counts" | "if_paid";
}

/** It says something about the work. */
const THE_WORK: Terms = { charged: true, again: "now", inARow: "ends" };
/** A person decided so. */
const NOBODYS_FAULT: Terms = { charged: false, again: "now", inARow: "ends" };
/** Overtaken, or ours as a rule; but it could repeat forever. */
const CUT_OFF: Terms = { charged: false, again: "now", inARow: "counts" };
/** An outage that costs nothing gets hours, not minutes: it must not hand everything over at once. */
const THE_WORLD: Terms = { charged: false, again: "later", inARow: "if_paid" };

const BY_OUTCOME: Readonly<Record<Exclude<Outcome, "failed">, Terms>> = {
  published: THE_WORK,
  no_change: THE_WORK,
  answered: THE_WORK,
  asked: NOBODYS_FAULT,
  interrupted: CUT_OFF,
  superseded: CUT_OFF,
  stopped: NOBODYS_FAULT,
};

const BY_CLASS: Readonly<Record<FailureClass, Terms>> = {
  agent: THE_WORK,
  capacity: THE_WORLD,
  infrastructure: THE_WORLD,
  test: THE_WORK,
  build: THE_WORK,
  lint: THE_WORK,
  ci: THE_WORK,
  conflict: THE_WORK,
  policy: THE_WORK,
  unknown: THE_WORK,
};

/** A failure of which nobody says what it was is one of class `unknown`. */
export function classOf({ failureClass }: Pick<RunReport, "failureClass">): FailureClass {
  return failureClass ?? "unknown";
}

/** What follows from an end. */
export function termsOf(end: Pick<RunReport, "outcome" | "failureClass">): Terms {
  return end.outcome === "failed" ? BY_CLASS[classOf(end)] : BY_OUTCOME[end.outcome];
}

/** The end as it is kept: what the run reported, and whether the attempt is charged. */
export function settled(report: RunReport): RunEnd {
  const { charged, again } = termsOf(report);
  return { ...report, retryAt: again === "later" ? report.retryAt : null, charged };
}

/** A run takes from its budget from the moment it is reserved until it is refunded. */
export function isCharged(run: Pick<Run, "end">): boolean {
  return run.end === null || run.end.charged;
}

/** The pauses before the world's faults are tried again, when nobody says how long they last: soon, then less often (ms). */
const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 600_000;

/**
 * When an attempt that failed for a reason which is not the work's is made again (Unix ms): `reported` by whoever knows
 * how long the fault lasts; else after a pause that doubles with such failures in a row. `runs`: those of the issue,
 * the failed one not ended yet; `fraction` in [0,1) spreads the pause over its second half.
 */
export function retryAtOf(
  reported: number | null,
  runs: readonly Pick<Run, "end">[],
  fraction: number,
  now: number,
): number {
  if (reported !== null) return reported;
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** failuresInARow(runs));
  return now + Math.round(pause * (0.5 + fraction / 2));
}

/** How many of the newest ended runs, in a row, failed for reasons that are not the work's. */
function failuresInARow(runs: readonly Pick<Run, "end">[]): number {
  const ends = runs.flatMap(({ end }) => (end === null ? [] : [end])).toReversed();
  const other = ends.findIndex((end) => termsOf(end).again !== "later");
  return other === -1 ? ends.length : other;
}

/** Failures in a row after which a person is asked instead of trying forever. */
const MOST_FAILURES_IN_A_ROW = 5;
/** Faults of the world that last this long are handed over all the same. */
const LONGEST_OUTAGE_MS = 6 * 3_600_000;

/** How many attempts in a row came to nothing without being charged, once that is a person's matter; else null. */
export function failedTooOften(facts: Facts, cause: RunCause, now: number): number | null {
  const row: Run[] = [];
  for (const run of runsSinceWord(facts).toReversed()) {
    if (run.end === null || termsOf(run.end).inARow === "ends") break;
    if (isBeforeAWord(facts, cause, run)) break;
    row.push(run);
  }
  const counted = row.filter(isCounted);
  if (counted.length >= MOST_FAILURES_IN_A_ROW) return row.length;
  const isLong = now - (row.at(-1)?.queuedAt ?? now) >= LONGEST_OUTAGE_MS;
  return row.length >= MOST_FAILURES_IN_A_ROW && isLong ? row.length : null;
}

/** An attempt that used tokens was paid for, whatever ended it. */
function isCounted({ end, spent }: Run): boolean {
  return end !== null && (termsOf(end).inARow === "counts" || spent.input + spent.output > 0);
}

/** Whether a person has pushed or said something since that run, by what the runs were given and not by a clock. */
function isBeforeAWord(facts: Facts, cause: RunCause, run: Run): boolean {
  const word = personHead(facts);
  return (
    run.generation !== generationOf(facts) ||
    (word !== null && run.personHead !== word) ||
    cause.prompts.some((prompt) => !run.cause.prompts.includes(prompt) && !run.steered.includes(prompt))
  );
}

/** Runs since a person last gave a new budget. */
export function runsSinceReset(facts: Facts): readonly Run[] {
  const after = facts.budgetReset?.afterRun ?? 0;
  return facts.runs.filter((run) => run.number > after);
}

/** The same, or since a person had it tried again: what counts against one trouble. */
export function runsSinceWord(facts: Facts): readonly Run[] {
  return runsSinceReset(facts).filter((run) => run.number > facts.triedAfterRun);
}

import { describe, expect, test } from "vitest";
import {
  type FailureClass,
  NOTHING_SPENT,
  type Outcome,
  type Run,
  type RunReport,
} from "../../src/factory/facts/run.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import { failedTooOften, isCharged, retryAtOf, settled, termsOf } from "../../src/factory/judge/charging.ts";
import { observe } from "../../src/factory/observe/observe.ts";
import { story } from "./story.ts";
import { commit, pullReading } from "./world.ts";

// One line per end of a run: how it ended | charged or refunded | tried again | among the failures in a row.
const TERMS = `
published             | charged  | now   | ends
no_change             | charged  | now   | ends
answered              | charged  | now   | ends
asked                 | refunded | now   | ends
interrupted           | refunded | now   | counts
superseded            | refunded | now   | counts
stopped               | refunded | now   | ends
failed agent          | charged  | now   | ends
failed capacity       | refunded | later | if_paid
failed infrastructure | refunded | later | if_paid
failed test           | charged  | now   | ends
failed build          | charged  | now   | ends
failed lint           | charged  | now   | ends
failed ci             | charged  | now   | ends
failed conflict       | charged  | now   | ends
failed policy         | charged  | now   | ends
failed unknown        | charged  | now   | ends
failed                | charged  | now   | ends
`;

// The ends of the runs of an issue, oldest first, each with the minute it was reserved in, `$` for tokens used and
// `!` for what came before a person's push | how many failed in a row | handed over to a person at the last minute.
const ROWS = `
                                                                   | 0 | no
infrastructure@1 infrastructure@2                                  | 2 | no
infrastructure@1 capacity@2 infrastructure@3                       | 3 | no
infrastructure@1 test@2 capacity@3                                 | 1 | no
infrastructure@1 published@2                                       | 0 | no
infrastructure@1 interrupted@2                                     | 0 | no
infrastructure@1 infrastructure@2 running@3                        | 2 | no
infrastructure@1 capacity@2 infrastructure@3 capacity@4 infrastructure@5 | 5 | no
infrastructure@1 capacity@2 infrastructure@3 capacity@4 infrastructure@360 | 5 | no
infrastructure@1 capacity@2 infrastructure@3 capacity@4 infrastructure@361 | 5 | 5
infrastructure@1 infrastructure@361                                | 2 | no
infrastructure@1! capacity@2 infrastructure@3 capacity@4 infrastructure@361 | 5 | no
infrastructure@1$ capacity@2$ infrastructure@3$ capacity@4$ infrastructure@5$ | 5 | 5
infrastructure@1$ capacity@2$ infrastructure@3$ capacity@4$ infrastructure@5 | 5 | no
infrastructure@1 capacity@2$ infrastructure@3$ capacity@4$ infrastructure@5$ infrastructure@6$ | 6 | 6
interrupted@1 interrupted@2 interrupted@3 interrupted@4 interrupted@5 | 0 | 5
interrupted@1 interrupted@2 stopped@3 interrupted@4 interrupted@5 interrupted@6 | 0 | no
test@1 test@2 test@3 test@4 test@5                                 | 0 | no
`;

const cells = (table: string): readonly (readonly string[])[] =>
  table
    .split("\n")
    .filter((line) => line.includes("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()));

function report(words: string, retryAt: number | null = null): RunReport {
  const [outcome = "", failureClass] = words.split(" ");
  return {
    outcome: outcome as Outcome,
    failureClass: (failureClass ?? null) as FailureClass | null,
    summary: "",
    retryAt,
    replies: [],
  };
}

/** What a person pushed, after the runs that are marked with `!`. */
const PUSHED = commit("p1", 0);

const CAUSE = {
  key: "k",
  asks: "issue",
  head: null,
  checks: [],
  reviews: [],
  ejection: null,
  prompts: [],
} as const;
const MINUTE = 60_000;

function runOf(words: string, number: number): Run {
  const [, what = "", minute = "", marks = ""] = /^(\w+)@(\d+)(.*)$/.exec(words) ?? [];
  const outcome = /^(infrastructure|capacity|test)$/.test(what) ? `failed ${what}` : what;
  return {
    number,
    type: "implementation",
    generation: 1,
    fence: number,
    state: what === "running" ? "running" : "ended",
    phase: "settle",
    queuedAt: Number(minute) * MINUTE,
    startedAt: null,
    endedAt: null,
    cause: CAUSE,
    personHead: marks.includes("!") ? null : PUSHED.key,
    headBefore: null,
    headAfter: null,
    thread: null,
    turn: null,
    steered: [],
    stop: null,
    end: what === "running" ? null : settled(report(outcome)),
    spent: marks.includes("$") ? { ...NOTHING_SPENT, input: 10 } : NOTHING_SPENT,
    glimpse: null,
  };
}

function factsOf(row: string): Facts {
  const words = row === "" ? [] : row.split(" ");
  const pull = observe(story("delegated; pull p1").life.facts, pullReading("p1", { commits: [PUSHED] }));
  return { ...pull, runs: words.map((word, at) => runOf(word, at + 1)) };
}

describe("what an end costs", () => {
  test.each(cells(TERMS))("%s: %s, tried again %s, %s", (end = "", charge, again, inARow) => {
    const kept = settled(report(end, 5_000));
    expect([kept.charged ? "charged" : "refunded", termsOf(kept).again, termsOf(kept).inARow]).toEqual([
      charge,
      again,
      inARow,
    ]);
    // Only what is tried again later waits for the time that the report names.
    expect(kept.retryAt).toBe(again === "later" ? 5_000 : null);
    expect(isCharged({ end: kept })).toBe(charge === "charged");
  });

  test("a run takes from its budget as long as it has not ended", () => {
    expect(isCharged({ end: null })).toBe(true);
  });

  test("what the report says beside it is kept as it is", () => {
    const told = { ...report("published"), summary: "did it", replies: [] };
    expect(settled(told)).toEqual({ ...told, charged: true });
  });
});

describe("failures in a row", () => {
  test.each(cells(ROWS))("%s: %s in a row, handed over: %s", (row = "", inARow, handedOver) => {
    const facts = factsOf(row);
    expect(retryAtOf(null, facts.runs, 1, 0)).toBe(Math.min(600_000, 15_000 * 2 ** Number(inARow)));
    const now = facts.runs.at(-1)?.queuedAt ?? 0;
    // One that is under way is neither a failure nor asked about.
    expect(String(failedTooOften(facts, CAUSE, now) ?? "no")).toBe(handedOver);
  });

  test("who knows how long it lasts is believed; else the pause is spread over its second half", () => {
    const { runs } = factsOf("capacity@1 infrastructure@2");
    expect(retryAtOf(7_000, runs, 0.5, 1_000)).toBe(7_000);
    expect([0, 0.5, 1].map((fraction) => retryAtOf(null, runs, fraction, 1_000))).toEqual([
      31_000, 46_000, 61_000,
    ]);
  });

  test("a person's message, and a new budget, begin a new row", () => {
    const facts = factsOf("interrupted@1 interrupted@2 interrupted@3 interrupted@4 interrupted@5");
    expect(failedTooOften(facts, CAUSE, 0)).toBe(5);
    expect(failedTooOften(facts, { ...CAUSE, prompts: ["p1"] }, 0)).toBeNull();
    expect(failedTooOften({ ...facts, budgetReset: { at: 0, afterRun: 1 } }, CAUSE, 0)).toBeNull();
  });
});

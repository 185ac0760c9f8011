import { describe, expect, test } from "vitest";
import { EFFECTS } from "../../src/factory/effects/effect.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import type { ForgeRequest } from "../../src/factory/facts/request.ts";
import { type Facts, emptyFacts } from "../../src/factory/facts/facts.ts";
import { NOTHING_SPENT, type Run } from "../../src/factory/facts/run.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { settled } from "../../src/factory/judge/charging.ts";
import { brokenOff, endOfBroken, stoppedBeforeItBegan } from "../../src/engines/policy/broken-run.ts";
import {
  ACKNOWLEDGING,
  acknowledges,
  afterCutShort,
  afterDone,
  afterFailure,
  afterKilled,
  classOf,
  EFFECT_CLASSES,
  freePlaces,
  longestWaitMs,
  mayRetry,
  nextTry,
  SETTLED_WITH_RUN,
  waitsForNothing,
  WORK_CLASSES,
} from "../../src/engines/policy/effects.ts";
import type { EffectClass, WorkClass } from "../../src/engines/policy/effects.ts";
import { afterFailedAdvance, LONGEST_PARKED_MS, parked } from "../../src/engines/policy/parking.ts";
import { inherited } from "../../src/engines/policy/order.ts";
import { pauseMs } from "../../src/engines/policy/rounds.ts";
import { currentRun } from "../../src/engines/policy/fence.ts";
import { assignSlots, placeOf } from "../../src/engines/policy/slots.ts";
import { endOfQueued, endOfUnstartable, nextStart, startOf } from "../../src/engines/policy/start.ts";
import {
  longestPeriodMs,
  periodOf,
  plannedIn,
  readingsOf,
  sweepAt,
  tickMs,
} from "../../src/engines/policy/sweep.ts";
import { timerAt } from "../../src/engines/policy/timer.ts";
import { ExternalError } from "../../src/lib/external.ts";
import type { ExternalFault } from "../../src/lib/external.ts";
import { EFFECT_STATES } from "../../src/engines/documents.ts";
import { issueOf } from "./parts.ts";

// What every engine does alike, as tables: one line per case, times in seconds.

const SECOND = 1_000;
const NOW = 1_000_000_000;

const rows = (table: string): readonly (readonly string[])[] =>
  table
    .split("\n")
    .filter((line) => line.includes("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()));

const seconds = (at: number | null): string => (at === null ? "-" : String(Math.round((at - NOW) / SECOND)));

describe("slots", () => {
  // waiting: issue:project[+seconds to wait], in order | in use | conditions | what each is told, * = it starts.
  const TABLE = `
    a:app b:app c:web           |                   |              | * ; * ; *
    a:app b:app c:app           |                   |              | * ; * ; project app uses 2 of its 2 slots
    a:app b:web c:web d:app     |                   |              | * ; * ; * ; all 3 slots are in use
    a:app                       | x:web y:web z:web |              | all 3 slots are in use
    a:app                       | x:app y:app       |              | project app uses 2 of its 2 slots
    a:- b:- c:-                 |                   |              | * ; * ; project (none) uses 2 of its 2 slots
    a:app a:app                 |                   |              | * ; the previous run is still finishing
    a:app b:app                 | a:app             |              | the previous run is still finishing ; *
    a:app+5 b:app               |                   |              | waits after a failed start: gone ; *
    a:app+0                     |                   |              | *
    a:app b:web                 |                   | codex=out    | the agent codex is not ready: out ; *
    a:app                       |                   | disk=full    | full
    a:app                       | x:web y:web z:web | disk=full    | full
  `;
  const projects = [
    { id: "app", agent: "codex" },
    { id: "web", agent: "scripted" },
  ] as unknown as Parameters<typeof assignSlots>[3]["projects"];

  test.each(rows(TABLE))("%s | %s | %s → %s", (waiting = "", used = "", conditions = "", told = "") => {
    const placed = (text: string) =>
      text
        .split(" ")
        .filter((word) => word !== "")
        .map((word) => {
          const [, issue = "", name = "", wait] = /^(\w+):([\w-]+)(?:\+(\d+))?$/.exec(word) ?? [];
          const project = name === "-" ? null : name;
          return { issue, project, notBefore: NOW + Number(wait ?? 0) * SECOND, failure: "gone" };
        });
    const { codex = null, disk = null } = Object.fromEntries(
      conditions === "" ? [] : [conditions.split("=") as [string, string]],
    );
    const reasons = assignSlots(
      placed(waiting),
      placed(used),
      { slots: 3, slotsPerProject: 2 },
      { projects },
      { agents: { codex, scripted: null }, disk },
      NOW,
    );
    expect(reasons.map((reason) => reason ?? "*").join(" ; ")).toBe(told);
  });

  test("rework stands before new work, and only runs stand in the queue", () => {
    const start = (run: number): Effect => ({ kind: "start_run", key: "k", issue: issueOf("a"), run });
    const facts = {
      project: { id: "app" },
      runs: [
        { number: 1, type: "implementation" },
        { number: 2, type: "ci_repair" },
      ],
    } as unknown as Facts;
    const [first, second] = [placeOf(start(1), facts), placeOf(start(2), facts)];
    expect(second.priority).toBeLessThan(first.priority);
    expect(first.project).toBe("app");
    expect(
      placeOf(
        { kind: "read_ticket", key: "k", issue: issueOf("a"), background: false, workspace: null },
        facts,
      ).priority,
    ).toBe(0);
  });
});

describe("effects", () => {
  // kind | class | goes at once | the factory hears that it came to nothing
  const KINDS = `
    start_run          | start           | no  | no
    stop_run           | control         | yes | no
    steer_run          | control         | yes | no
    tell               | tracker         | no  | no
    tell first         | acknowledgement | yes | no
    show_plan          | tracker         | no  | no
    link               | tracker         | no  | no
    set_status         | tracker         | no  | no
    take_delegation    | tracker         | no  | no
    remove_worktree    | work            | no  | no
    merge              | work            | no  | yes
    cancel_merge       | work            | no  | yes
    rerun_checks       | work            | no  | yes
    update_branch      | work            | no  | yes
    comment            | work            | no  | no
    reply_threads      | work            | no  | no
    request_reviews    | work            | no  | no
    close_pull_request | work            | no  | no
    read_ticket        | reading         | no  | no
    read_pull_request  | reading         | no  | no
  `;
  const effectOf = (words: string): Effect => {
    const [kind = "", first] = words.split(" ");
    const acknowledges = first === undefined ? {} : { acknowledges: true };
    return { kind, key: "k", issue: issueOf("a"), ...acknowledges } as unknown as Effect;
  };

  test.each(rows(KINDS))("%s is %s, at once: %s, reported: %s", (words = "", kind, atOnce, reported) => {
    const effect = effectOf(words);
    expect(classOf(effect)).toBe(kind);
    expect(waitsForNothing(classOf(effect)) ? "yes" : "no").toBe(atOnce);
    const report = { kind: "effect_settled", at: NOW, effect, ok: false, because: null };
    const failed = afterFailure(effect, "refused", NOW);
    expect(failed).toEqual(reported === "yes" ? [{ ...report, detail: "refused" }] : []);
    const done = afterDone(effect, [], NOW);
    const unwanted = { ...report, detail: "no longer wanted", because: "unwanted" };
    expect(done).toEqual(reported === "yes" ? [unwanted] : []);
  });

  test("the table has every kind", () => {
    const named = new Set(rows(KINDS).map(([words = ""]) => words.split(" ")[0]));
    expect(named).toEqual(new Set(Object.keys(EFFECTS)));
  });

  test("what the performer says of its own effect is the report; of another it is not", () => {
    const told = (key: string): Observation => ({
      kind: "effect_settled",
      at: NOW,
      effect: { ...effectOf("merge"), key } as ForgeRequest,
      ok: true,
      detail: "merged",
      because: null,
    });
    expect(afterDone(effectOf("merge"), [told("k")], NOW)).toEqual([told("k")]);
    expect(afterDone(effectOf("merge"), [told("other")], NOW)).toHaveLength(2);
  });

  test("the end of a run leaves nothing to start or to say, and lets a stop be seen through", () => {
    expect([...SETTLED_WITH_RUN].toSorted()).toEqual(["start_run", "steer_run"]);
  });

  test("each class has places of its own", () => {
    const many = (kind: WorkClass): WorkClass[] => Array.from({ length: 50 }, () => kind);
    for (const kind of WORK_CLASSES) {
      const alone = freePlaces(kind, []);
      expect(alone).toBe(kind === "reading" ? 40 : 8);
      expect(freePlaces(kind, [kind])).toBe(alone - 1);
      expect(freePlaces(kind, many(kind))).toBe(0);
      const others = WORK_CLASSES.filter((other) => other !== kind).flatMap(many);
      expect(freePlaces(kind, others)).toBe(alone);
    }
  });

  // class | fault[+the seconds it names] | tries before | tries that count and seconds to the next, or failed
  const FAULTS = `
    tracker         | unavailable         | 0   | 1 in 2
    tracker         | unavailable         | 1   | 2 in 4
    tracker         | unavailable         | 2   | 3 in 8
    tracker         | unavailable         | 400 | 401 in 900
    work            | unavailable+3600    | 0   | 1 in 3600
    work            | unavailable+1       | 3   | 4 in 16
    work            | unavailable+99999   | 0   | 1 in 7200
    reading         | rate_limited        | 0   | 0 in 2
    reading         | rate_limited+600    | 7   | 7 in 600
    tracker         | unauthorized        | 9   | 10 in 900
    tracker         | not_found           | 0   | failed
    tracker         | refused             | 0   | failed
    tracker         | conflict            | 0   | failed
    tracker         | bug                 | 0   | 1 in 2
    tracker         | bug                 | 2   | 3 in 8
    tracker         | bug                 | 3   | failed
    acknowledgement | unavailable         | 3   | 4 in 16
    acknowledgement | unavailable         | 4   | 5 in 30
    acknowledgement | unavailable         | 400 | 401 in 30
    acknowledgement | rate_limited+120    | 0   | 0 in 120
  `;
  const settings = { outboxAttempts: 4, outboxFirstRetryMs: 2_000, outboxMaxRetryMs: 900_000 };
  test.each(rows(FAULTS))("%s, %s, tried %s before: %s", (kind, fault = "", before, then) => {
    const [what = "", wait] = fault.split("+");
    const retryAt = wait === undefined ? null : NOW + Number(wait) * SECOND;
    const error =
      what === "bug" ? new TypeError("bug") : new ExternalError(what as ExternalFault, "x", { retryAt });
    const going = { stopping: false, storageFailed: false };
    const failed = { class: kind as EffectClass, error, attempts: Number(before), now: NOW, ...going };
    const next = nextTry({ ...failed, fraction: 1 }, settings);
    expect(next === null ? "failed" : `${next.attempts} in ${seconds(next.at)}`).toBe(then);
    // Never sooner than half of it, and as soon as that only when the world has named no time.
    const soonest = nextTry({ ...failed, fraction: 0 }, settings);
    expect(next?.failed ?? true).toBe(true);
    if (next === null || soonest === null) expect(soonest).toBe(next);
    else expect(soonest.at - NOW).toBeGreaterThanOrEqual((next.at - NOW) / 2);
  });

  // stopping | its storage failed | what came of the call
  test.each([
    [true, false, new ExternalError("unavailable", "x")],
    [true, false, new ExternalError("refused", "x")],
    [true, false, new TypeError("bug")],
    [false, true, new Error("SQLITE_FULL")],
    [true, true, new Error("SQLITE_IOERR")],
  ])(
    "cut short (stopping %s, storage failed %s) it costs no attempt, whatever it was",
    (stopping, storageFailed, error) => {
      for (const before of [0, 3, 400]) {
        const failed = { class: "tracker", error, attempts: before, now: NOW, fraction: 0.5 } as const;
        const next = nextTry({ ...failed, stopping, storageFailed }, settings);
        expect(next).toEqual({ attempts: before, at: NOW, failed: false });
        expect(next).toEqual(afterCutShort(before, NOW));
      }
    },
  );

  test.each([
    ["tracker", 0, "1 in 0"],
    ["tracker", 2, "3 in 0"],
    ["tracker", 3, "4 in 900"],
    ["work", 400, "401 in 900"],
    ["acknowledgement", 3, "4 in 30"],
  ] as const)("%s, tried %s before, killed: %s", (kind, attempts, then) => {
    const next = afterKilled({ class: kind, attempts, now: NOW }, settings);
    expect(`${next.attempts} in ${seconds(next.at)}`).toBe(then);
    expect(next.failed).toBe(false);
  });

  test("a newer wish takes over the longest wait and the most tries of those it replaces", () => {
    const old = [
      { attempts: 3, nextAt: 10 },
      { attempts: 1, nextAt: 20 },
    ];
    expect(inherited(old)).toEqual({ attempts: 3, nextAt: 20 });
    expect(inherited(old.toReversed())).toEqual({ attempts: 3, nextAt: 20 });
    expect(inherited([])).toBeNull();
  });

  test("a person may retry what is over and was not done", () => {
    expect(EFFECT_STATES.filter(mayRetry)).toEqual(["failed", "dropped"]);
  });

  test("one class alone goes before the rest of its lane", () => {
    expect(EFFECT_CLASSES.filter(acknowledges)).toEqual([ACKNOWLEDGING]);
    expect(waitsForNothing(ACKNOWLEDGING)).toBe(true);
  });

  test("nothing is planned further ahead than the clock's rollback allows for", () => {
    expect(longestWaitMs({ outboxMaxRetryMs: 900_000 })).toBe(7_200_000);
    expect(longestWaitMs({ outboxMaxRetryMs: 9_000_000 })).toBe(9_000_000);
  });
});

describe("advances that fail", () => {
  test("observations that were parked are tried again at once, and it counts as a try", () => {
    expect(parked(NOW)).toEqual({ attempts: 1, at: NOW + 2_000 });
  });

  // tries before | tries, seconds to the next, or quarantined
  const TRIES = `
    0  | 1 in 2
    1  | 2 in 4
    3  | 4 in 16
    4  | quarantined after 5
    40 | quarantined after 41
  `;
  test.each(rows(TRIES))("after %s: %s", (before, then) => {
    const next = afterFailedAdvance(Number(before), { inboxAttempts: 5 }, NOW, 1);
    const { attempts, at, quarantined } = next;
    expect(quarantined ? `quarantined after ${attempts}` : `${attempts} in ${seconds(at)}`).toBe(then);
    expect(at - NOW).toBeLessThanOrEqual(LONGEST_PARKED_MS);
    expect(afterFailedAdvance(Number(before), { inboxAttempts: 5 }, NOW, 0).at).toBeLessThan(at);
  });

  // faults before | fault | milliseconds
  const PAUSES = `
    0  | bug              | 250
    1  | bug              | 500
    6  | bug              | 16000
    7  | bug              | 30000
    99 | bug              | 30000
    0  | unavailable      | 250
    0  | unavailable+60   | 60000
    99 | rate_limited+1   | 30000
    0  | refused+60       | 250
  `;
  test.each(rows(PAUSES))("a round after %s faults and %s rests %s ms", (before, fault = "", ms) => {
    const [what = "", wait] = fault.split("+");
    const retryAt = wait === undefined ? null : NOW + Number(wait) * SECOND;
    const error =
      what === "bug" ? new Error("bug") : new ExternalError(what as ExternalFault, "x", { retryAt });
    expect(pauseMs(Number(before), error, NOW)).toBe(Number(ms));
  });

  // what the decision asks for | observation | when the timer fires
  const TIMERS = `
    -   | time_passed | -
    60  | time_passed | 60
    -5  | time_passed | 30
    0   | time_passed | 30
    -5  | ticket_read | -5
  `;
  test.each(rows(TIMERS))("a timer for %s after %s fires at %s", (until = "", kind, at) => {
    const asked = until === "-" ? null : NOW + Number(until) * SECOND;
    expect(seconds(timerAt(asked, [{ kind } as unknown as Observation], NOW))).toBe(at);
  });
});

describe("runs that break", () => {
  const run = (number: number, end: string | null): Run =>
    ({
      number,
      fence: 10 + number,
      spent: { ...NOTHING_SPENT, input: number },
      end:
        end === null
          ? null
          : settled({
              outcome: end === "published" || end === "interrupted" ? end : "failed",
              failureClass: end === "published" || end === "interrupted" ? null : (end as "test"),
              summary: "",
              retryAt: null,
              replies: [],
            }),
    }) as unknown as Run;

  // how the runs before it ended | seconds to the next try
  const BROKEN = `
                                                | 15
    infrastructure                              | 30
    infrastructure infrastructure               | 60
    infrastructure capacity infrastructure      | 120
    infrastructure test                         | 15
    test infrastructure                         | 30
    infrastructure published infrastructure     | 30
    infrastructure interrupted                  | 15
  `;
  test.each(rows(BROKEN))("after %s it is tried again in %s s", (before = "", wait) => {
    const ends = before.split(" ").filter((word) => word !== "");
    const own = run(ends.length + 1, null);
    const all = [...ends.map((end, at) => run(at + 1, end)), own];
    const end = brokenOff(own, "the process is gone", { runs: all, now: NOW, fraction: 1 });
    expect(end).toEqual({
      kind: "run_ended",
      at: NOW,
      run: own.number,
      fence: own.fence,
      question: null,
      spent: own.spent,
      end: {
        outcome: "failed",
        failureClass: "infrastructure",
        summary: "the process is gone",
        retryAt: NOW + Number(wait) * SECOND,
        replies: [],
      },
    });
  });

  test("one that is stopped before it began ends stopped, to be tried again at any time", () => {
    expect(stoppedBeforeItBegan(run(3, null), "undelegated", NOW)).toMatchObject({
      kind: "run_ended",
      run: 3,
      fence: 13,
      end: {
        outcome: "stopped",
        summary: "Stopped before it started because the issue was undelegated.",
        retryAt: null,
      },
    });
  });

  const STARTS = `
    0 | 1 in 2
    1 | 2 in 4
    2 | 3 in 8
    3 | it ends
    8 | it ends
  `;
  test.each(rows(STARTS))("a start that failed %s times before: %s", (before, then) => {
    const next = nextStart(Number(before), { outboxAttempts: 4 }, NOW);
    expect(next === null ? "it ends" : `${next.attempts} in ${seconds(next.at)}`).toBe(then);
  });

  const kept = (state: Run["state"], stop: Run["stop"] = null): Facts => ({
    ...emptyFacts(issueOf("a"), 0),
    runs: [
      { ...run(1, "test"), state: "ended" },
      { ...run(2, null), state, stop },
    ],
  });
  const STOPPED = { at: NOW, reason: "undelegated" } as const;

  // the run's state, +stop where it was told to | its number | with a slot | as it is stopped | given up | under way
  const TURNS = `
    queued       | 2 | begins  | ends | ends | -
    queued+stop  | 2 | ends    | ends | ends | -
    queued       | 1 | dropped | -    | -    | -
    queued       | 3 | dropped | -    | -    | -
    running      | 2 | dropped | -    | -    | 2
    running+stop | 2 | dropped | -    | -    | 2
    running      | 1 | dropped | -    | -    | -
    ended        | 2 | dropped | -    | -    | -
    unkept       | 2 | dropped | -    | -    | -
  `;
  test.each(rows(TURNS))("run of %s, asked of as number %s: %s, %s, %s, %s", (what = "", asked, ...then) => {
    const [state = "", stop] = what.split("+");
    const facts =
      state === "unkept" ? null : kept(state as Run["state"], stop === undefined ? null : STOPPED);
    const number = Number(asked);
    const by = { now: NOW, fraction: 1 };
    expect([
      startOf(facts, number, NOW).result,
      endOfQueued(facts, number, "stopped", NOW) === null ? "-" : "ends",
      endOfUnstartable(facts, number, "no memory", by) === null ? "-" : "ends",
      String(currentRun(facts, number)?.number ?? "-"),
    ]).toEqual(then);
  });

  test("what comes of a start is told of that run, with its fence", () => {
    const about = { at: NOW, run: 2, fence: 12 };
    expect(startOf(kept("queued"), 2, NOW)).toMatchObject({ seen: { kind: "run_started", ...about } });
    expect(startOf(kept("queued", STOPPED), 2, NOW)).toMatchObject({
      run: { number: 2 },
      seen: { kind: "run_ended", ...about, end: { outcome: "stopped" } },
    });
    expect(startOf(null, 2, NOW)).toEqual({ result: "dropped", why: "this run is no longer wanted" });
    expect(endOfUnstartable(kept("queued"), 2, "no memory", { now: NOW, fraction: 1 })).toMatchObject({
      seen: {
        ...about,
        end: { failureClass: "infrastructure", summary: "It could not be started: no memory" },
      },
    });
  });

  test("a pipeline that breaks ends its own attempt only", () => {
    const by = { now: NOW, fraction: 1 };
    const end = endOfBroken(kept("running"), { number: 2, fence: 12 }, "gone", by);
    expect(end?.seen).toMatchObject({ kind: "run_ended", run: 2, fence: 12, end: { summary: "gone" } });
    expect(endOfBroken(kept("running"), { number: 2, fence: 11 }, "gone", by)).toBeNull();
    expect(endOfBroken(kept("ended"), { number: 2, fence: 12 }, "gone", by)).toBeNull();
    expect(endOfBroken(null, { number: 2, fence: 12 }, "gone", by)).toBeNull();
    expect(currentRun(kept("running"), 2, 12)?.number).toBe(2);
    expect(currentRun(kept("running"), 2, 11)).toBeNull();
  });
});

describe("sweep", () => {
  const sweep = { activeMs: 60_000, waitingMs: 300_000, idleMs: 1_800_000, pollMs: null };
  const polled = { ...sweep, pollMs: 15_000 };
  const DAY = 86_400;
  const facts = (closedDaysAgo: number | null, merged = false): Facts =>
    ({
      ...emptyFacts(issueOf("a"), 0),
      pullRequest:
        closedDaysAgo === null
          ? null
          : {
              core: {
                at: NOW,
                value: { state: "closed", merged, closedAt: NOW - closedDaysAgo * DAY * SECOND },
              },
            },
    }) as unknown as Facts;

  // state | seconds between two readings | when an advance that leaves it there plans the next: new, changed, long planned, planned sooner, never planned
  const STATES = `
    delegated         | 300  | 300  | 300  | 300  | 10 | 300
    preparing         | 60   | 60   | 60   | 60   | 10 | 60
    implementing      | 60   | 60   | 60   | 60   | 10 | 60
    pr_open           | 60   | 60   | 60   | 60   | 10 | 60
    repairing_ci      | 60   | 60   | 60   | 60   | 10 | 60
    awaiting_review   | 300  | 300  | 300  | 300  | 10 | 300
    changes_requested | 60   | 60   | 60   | 60   | 10 | 60
    awaiting_queue    | 60   | 60   | 60   | 60   | 10 | 60
    repairing_queue   | 60   | 60   | 60   | 60   | 10 | 60
    awaiting_input    | 300  | 300  | 300  | 300  | 10 | 300
    escalated         | 1800 | 1800 | 1800 | 1800 | 10 | 1800
    paused            | 1800 | 1800 | 1800 | 1800 | 10 | 1800
    done              | -    | 60   | 60   | 60   | 10 | -
    failed            | -    | 60   | 60   | 60   | 10 | -
    unheard_of        | 300  | 300  | 300  | 300  | 10 | 300
  `;
  test.each(rows(STATES))("%s every %s s", (state = "", every, fresh, changed, late, soon, never) => {
    const period = periodOf(state, facts(null), sweep, NOW);
    expect(seconds(period === null ? null : NOW + period)).toBe(every);
    const planned = (kept: Parameters<typeof sweepAt>[0]): string =>
      seconds(sweepAt(kept, state, facts(null), sweep, NOW));
    expect([
      planned(null),
      planned({ state: "another", sweepAt: NOW + 5 * SECOND }),
      planned({ state, sweepAt: NOW + DAY * SECOND }),
      planned({ state, sweepAt: NOW + 10 * SECOND }),
      planned({ state, sweepAt: null }),
    ]).toEqual([fresh, changed, late, soon, never]);
  });

  test("without webhooks the forge is polled while something is awaited there, and nobody is left for half an hour", () => {
    const seconds = (state: string) => (periodOf(state, facts(null), polled, NOW) ?? 0) / SECOND;
    for (const state of ["pr_open", "awaiting_review", "awaiting_queue"]) expect(seconds(state)).toBe(15);
    for (const state of ["implementing", "repairing_ci", "changes_requested"])
      expect(seconds(state)).toBe(60);
    for (const state of ["escalated", "paused", "awaiting_input"]) expect(seconds(state)).toBe(300);
    expect(periodOf("done", facts(0, true), polled, NOW)).toBeNull();
    expect(periodOf("failed", facts(0), polled, NOW)).toBe(1_800_000);
    expect(tickMs(polled)).toBe(5_000);
  });

  test("a pull request that was closed without a merge is watched for three days", () => {
    expect(periodOf("failed", facts(0), sweep, NOW)).toBe(1_800_000);
    expect(periodOf("failed", facts(2.9), sweep, NOW)).toBe(1_800_000);
    expect(periodOf("failed", facts(3), sweep, NOW)).toBeNull();
    expect(periodOf("done", facts(0, true), sweep, NOW)).toBeNull();
  });

  test("a tick is at most a quarter of a minute, and the next one soon when one did not come through", () => {
    expect(tickMs(sweep)).toBe(15_000);
    expect(tickMs({ ...sweep, activeMs: 4_000 })).toBe(4_000);
    expect(tickMs({ ...sweep, activeMs: 10 })).toBe(1_000);
    expect(tickMs(sweep, true)).toBe(1_000);
    expect(longestPeriodMs(sweep)).toBe(1_800_000);
  });

  test("each sweep asks once for the ticket, and for the pull request once there can be one", () => {
    const kinds = (known: Partial<Facts>, sweepNumber = 1) =>
      readingsOf(issueOf("a"), { ...facts(null), ...known }, swept(sweepNumber), sweep).map(
        ({ kind }) => kind,
      );
    const project = { id: "app", branch: "patchrelay/a" } as unknown as Facts["project"];
    expect(kinds({})).toEqual(["read_ticket"]);
    expect(kinds({ project })).toEqual(["read_ticket"]);
    expect(kinds({ project, runs: [run()] })).toEqual(["read_ticket", "read_pull_request"]);
    expect(kinds({ project, pullRequest: facts(0).pullRequest })).toContain("read_pull_request");
    const keys = [1, 1, 2].map((at) =>
      readingsOf(issueOf("a"), { ...facts(null), project, runs: [run()] }, swept(at), sweep).map(
        ({ key }) => key,
      ),
    );
    expect(keys[0]).toEqual(keys[1]);
    expect(new Set(keys.flat()).size).toBe(4);
  });

  test("polling the forge asks for the ticket only now and then", () => {
    const known = { ...facts(0), project: { id: "app", branch: "b" } as unknown as Facts["project"] };
    const kinds = (state: string) =>
      Array.from({ length: 40 }, (_, number) => readingsOf(issueOf("a"), known, { state, number }, polled))
        .flat()
        .map(({ kind }) => kind);
    const count = (state: string, kind: string) => kinds(state).filter((each) => each === kind).length;
    expect([count("pr_open", "read_pull_request"), count("pr_open", "read_ticket")]).toEqual([40, 2]);
    expect(count("implementing", "read_ticket")).toBe(40);
  });

  test("where only the forge is awaited the ticket is read every waiting period, however often the pull request is", () => {
    const known = { ...facts(0), project: { id: "app", branch: "b" } as unknown as Facts["project"] };
    const tickets = (state: string): number =>
      Array.from({ length: 40 }, (_, number) => readingsOf(issueOf("a"), known, { state, number }, sweep))
        .flat()
        .filter(({ kind }) => kind === "read_ticket").length;
    expect(["pr_open", "awaiting_review", "implementing"].map(tickets)).toEqual([8, 40, 40]);
  });

  test("a sweep is planned ahead of its period, because its tick comes late", () => {
    expect([60, 300, 1_800].map((period) => plannedIn(period * SECOND, sweep) / SECOND)).toEqual([
      54, 285, 1_785,
    ]);
  });

  const swept = (number: number) => ({ state: "implementing", number });
  const run = (): Run => ({ number: 1 }) as unknown as Run;
});

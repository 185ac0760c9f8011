import { describe, expect, test } from "vitest";
import { type Facts, emptyFacts } from "../../src/factory/facts/facts.ts";
import { NOTHING_SPENT } from "../../src/factory/facts/run.ts";
import type { Question } from "../../src/factory/facts/ticket.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import type { Policy } from "../../src/factory/facts/policy.ts";
import { RUN_TYPES } from "../../src/factory/facts/run-types.ts";
import { openQuestions } from "../../src/factory/judge/authority.ts";
import { deliveryName, splitDeliveryName } from "../../src/engines/engine.ts";
import type { Interpreter, Lookup } from "../../src/engines/engine.ts";
import { outcomeOf } from "../../src/engines/policy/delivery.ts";
import {
  discoveryMs,
  firstLook,
  isAsked,
  startsOver,
  takeFrom,
  withAnswer,
} from "../../src/engines/policy/discovery.ts";
import type { Look } from "../../src/engines/policy/discovery.ts";
import { isJournaled } from "../../src/engines/policy/journaling.ts";
import { dayLimit, queueClass, shownQuestion, spentInAll } from "../../src/engines/policy/views.ts";
import { ExternalError } from "../../src/lib/external.ts";
import { issueOf } from "./parts.ts";

// What every engine makes alike of what comes in, and of what it shows.

const NOW = 1_000_000_000;
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe("a delivery", () => {
  const lookup = {} as Lookup;
  const seen = (at: number): Observation => ({ kind: "time_passed", at, reason: "x" });
  const arrived = { source: "test", event: "Issue", receivedAt: NOW };
  const says =
    (observations: ReturnType<Interpreter>["observations"], ignored: string | null = null): Interpreter =>
    () => ({ action: "said", observations, ignored });
  const outcome = (body: string | null, interpreter?: Interpreter) => {
    const { news, ...rest } = outcomeOf(
      arrived,
      interpreter,
      () => (body === null ? null : Buffer.from(body)),
      lookup,
    );
    return { ...rest, news: [...news] };
  };

  test.each([
    ["{}", undefined, "no source named test is configured"],
    [null, says([]), "its body is no longer stored"],
    ["{", says([]), "the body is not a JSON object"],
    ["[]", says([]), "the body is not a JSON object"],
    ["null", says([]), "the body is not a JSON object"],
  ] as const)("with the body %s is quarantined", (body, interpreter, why) => {
    expect(outcome(body, interpreter)).toEqual({ state: "quarantined", why, action: null, news: [] });
  });

  test("that nobody can read has its body left alone", () => {
    const body = (): never => expect.fail("the body was asked for");
    expect(outcomeOf(arrived, undefined, body, lookup).state).toBe("quarantined");
  });

  test("that says nothing is ignored, with the reason of its source if it gives one", () => {
    const ignored = { state: "ignored", action: "said", news: [] };
    expect(outcome("{}", says([], "a draft"))).toEqual({ ...ignored, why: "a draft" });
    expect(outcome("{}", says([]))).toEqual({ ...ignored, why: "it concerns no issue known here" });
  });

  test("that says something is applied, each issue hearing its own in order", () => {
    const [a, b] = [issueOf("a"), issueOf("b")];
    const read = says([
      { issue: a, observation: seen(1) },
      { issue: b, observation: seen(2) },
      { issue: a, observation: seen(3) },
    ]);
    expect(outcome("{}", read)).toEqual({
      state: "applied",
      why: null,
      action: "said",
      news: [
        [a, [seen(1), seen(3)]],
        [b, [seen(2)]],
      ],
    });
  });
});

describe("an advance", () => {
  test("is journaled when it changed something or a person commanded it", () => {
    const commanded = { kind: "commanded" } as Observation;
    const passed: Observation = { kind: "time_passed", at: NOW, reason: "x" };
    expect([
      isJournaled(true, [passed]),
      isJournaled(false, [passed, commanded]),
      isJournaled(false, [passed]),
    ]).toEqual([true, true, false]);
  });
});

describe("discovery", () => {
  const sweep = { activeMs: 60_000, waitingMs: 300_000, idleMs: 1_800_000, pollMs: null };
  const polled = { ...sweep, pollMs: 15_000 };
  const by = { kind: "person", id: "p" } as unknown as Parameters<
    typeof withAnswer
  >[1]["issues"][number]["by"];
  const place = (rest: string) => ({ tracker: "test", rest });
  const answer = (count: number, rest: string | null) => ({
    issues: Array.from({ length: count }, (_, index) => ({
      issue: issueOf(`i${index}`),
      workspace: "w",
      by,
      at: NOW + index,
      isOurs: true,
    })),
    rest: rest === null ? null : place(rest),
  });
  const look = (changes: Partial<Look> = {}): Look => ({ ...firstLook(null, NOW), ...changes });

  test("looks back to the last look, or a week, and ten minutes more", () => {
    expect(firstLook(NOW - MINUTE, NOW).since).toBe(NOW - 11 * MINUTE);
    expect(firstLook(null, NOW).since).toBe(NOW - 7 * DAY - 10 * MINUTE);
    expect(firstLook(NOW + 1, NOW).since).toBe(NOW - 7 * DAY - 10 * MINUTE);
  });

  test("a list that has not ended after fifty answers is not read on", () => {
    const next = withAnswer(look({ answers: 48 }), answer(2, "x"));
    expect(next).toMatchObject({ endless: false, look: { answers: 49, rest: place("x") } });
    expect(next.look.left).toHaveLength(2);
    const last = withAnswer(next.look, answer(1, "y"));
    expect(last).toMatchObject({ endless: true, look: { answers: 50, rest: null } });
    expect(withAnswer(next.look, answer(1, null)).endless).toBe(false);
  });

  test("only a refusal in the middle of a list makes it start over", () => {
    const refused = new ExternalError("refused", "no such cursor");
    expect(startsOver(look({ rest: place("x") }), refused)).toBe(true);
    expect(startsOver(look(), refused)).toBe(false);
    expect(startsOver(look({ rest: place("x") }), new ExternalError("unavailable", "down"))).toBe(false);
  });

  test("a round asks about two hundred lost issues, once per change, and keeps the rest", () => {
    const { left } = withAnswer(look(), answer(402, null)).look;
    const states = (issue: string) =>
      issue === left[0]?.issue || issue === left[1]?.issue ? "implementing" : null;
    const one = takeFrom(look({ left }), states, sweep);
    expect(one.readings).toHaveLength(200);
    expect(one.readings[0]).toEqual({
      kind: "read_ticket",
      key: `discover:${left[2]?.issue}:${NOW + 2}`,
      issue: left[2]?.issue,
      background: false,
      workspace: "w",
    });
    expect(one.through).toBe(false);
    const two = takeFrom(one.next, states, sweep);
    expect(two.readings).toHaveLength(200);
    expect(two).toMatchObject({ through: true, next: { left: [] } });
    expect(takeFrom(look({ left: [], rest: place("x") }), states, sweep).through).toBe(false);
  });

  test("the next look is after an idle period, or soon when one is not through", () => {
    expect(discoveryMs(sweep, true)).toBe(1_800_000);
    expect(discoveryMs(sweep, false)).toBe(60_000);
    expect(discoveryMs(polled, true)).toBe(15_000);
    expect(discoveryMs({ ...polled, pollMs: 300_000 }, false)).toBe(60_000);
  });

  const STATES = [null, "paused", "done", "failed", "delegated", "implementing", "escalated"];
  test.each([
    ["ours", "by webhooks", true, sweep, [true, true, true, true, false, false, false]],
    ["changed", "by webhooks", false, sweep, [false, false, false, false, false, false, false]],
    ["ours", "by polling", true, polled, [true, true, true, true, true, true, true]],
    ["changed", "by polling", false, polled, [false, true, true, true, true, true, true]],
  ] as const)(
    "of issues that are %s, where news comes %s, some are asked about",
    (_, __, isOurs, by, asked) => {
      expect(STATES.map((state) => isAsked({ isOurs }, state, by))).toEqual(asked);
    },
  );
});

describe("what people are shown", () => {
  const policy = (...usdPerDay: (number | null)[]): Policy =>
    ({ projects: usdPerDay.map((limit) => ({ budgets: { usdPerDay: limit } })) }) as unknown as Policy;

  test("every repair is rework, and only an implementation is backlog", () => {
    const classes = Object.values(RUN_TYPES).map(({ type, priority }) => [type, queueClass(priority)]);
    expect(Object.fromEntries(classes)).toEqual({
      queue_repair: "rework",
      ci_repair: "rework",
      review_fix: "rework",
      implementation: "backlog",
    });
  });

  test("the limit of a day is the smallest of any project", () => {
    expect(dayLimit(policy(null, 20, 5))).toBe(5);
    expect(dayLimit(policy(null))).toBeNull();
    expect(dayLimit(null)).toBeNull();
  });

  test("what was spent counts every run; without any known price there is no sum of money", () => {
    const runs = (...usd: (number | null)[]) =>
      ({
        runs: usd.map((price) => ({ spent: { ...NOTHING_SPENT, input: 3, output: 4, usd: price } })),
      }) as unknown as Facts;
    expect(spentInAll(runs(1, null, 0.5))).toEqual({ runs: 3, tokens: 21, usd: 1.5 });
    expect(spentInAll(runs(null))).toEqual({ runs: 1, tokens: 7, usd: null });
  });

  test("of several open questions it is the one that the rules wait for, also when no policy is known", () => {
    const question = (id: string, askedAt: number, answer: Question["answer"] = null): Question =>
      ({ id, text: id, options: [], askedAt, answer, known: [] }) as unknown as Question;
    const asked = [question("c", 3), question("b", 2), question("a", 1, { text: "yes" } as never)];
    const facts: Facts = {
      ...emptyFacts(issueOf("a"), 0),
      questions: Object.fromEntries(asked.map((one) => [one.id, one])),
    };
    expect(shownQuestion(facts, policy())?.id).toBe("b");
    expect(shownQuestion(facts, policy())).toBe(openQuestions(facts, policy())[0]);
    expect(shownQuestion(facts, null)?.id).toBe("b");
    expect(shownQuestion(emptyFacts(issueOf("a"), 0), null)).toBeNull();
  });
});

describe("the name of a delivery", () => {
  test.each([
    ["linear", "d1"],
    ["observation", "12"],
    ["test", "with:colon"],
    ["test", ""],
  ])("%s and %s come out of it as they went in", (source, deliveryId) => {
    expect(splitDeliveryName(deliveryName({ source, deliveryId }))).toEqual({ source, deliveryId });
  });

  test.each(["d1", ":d1", ""])("%j names no source", (name) => {
    expect(splitDeliveryName(name)).toBeNull();
  });
});

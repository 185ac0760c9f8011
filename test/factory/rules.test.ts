import { describe, expect, test } from "vitest";
import { REFUSALS } from "../../src/factory/judge/budget.ts";
import { RULES } from "../../src/factory/rules/rules.ts";
import { situationOf } from "../../src/factory/rules/situation.ts";
import { Story } from "./story.ts";
import { CASES } from "./table.ts";

describe("each row of the table holds where it should, and says what it waits for", () => {
  test.each(CASES)("$rule: $told", ({ rule, told, state, step, waitsFor }) => {
    const decision = new Story().decideAfter(told);
    const next = decision.step;
    const words =
      next.kind === "run"
        ? `run ${next.type}`
        : next.kind === "stop_run"
          ? `stop_run ${next.reason}`
          : next.kind;
    expect({
      rule: decision.rule,
      state: decision.state,
      step: words,
      waitsFor: decision.waitsFor ?? "-",
    }).toEqual({
      rule,
      state,
      step,
      waitsFor,
    });
    expect(decision.why).not.toBe("");
    if (!rule.includes("/"))
      expect(RULES.find((row) => row.name === rule)?.states, "the row lists the state").toContain(
        decision.state,
      );
  });
});

test("every row of RULES and every refusal of REFUSALS has a case", () => {
  const walked = new Set(CASES.flatMap(({ rule }) => rule.split("/")));
  const names = [...RULES.map((rule) => rule.name), ...Object.keys(REFUSALS)];
  const missing = names.filter((name) => !walked.has(name));
  expect(missing, `no case in the table of this file walks: ${missing.join(", ")}`).toEqual([]);
});

test("rows have names of their own, a sentence and at least one state", () => {
  expect(new Set(RULES.map((rule) => rule.name)).size).toBe(RULES.length);
  for (const rule of RULES) {
    expect(rule.says, rule.name).toMatch(/\.$/);
    expect(rule.states.length, rule.name).toBeGreaterThan(0);
  }
});

test("the last row holds always, so that there is always a decision", () => {
  const last = RULES.at(-1);
  expect(last?.name).toBe("merge");
  const { facts, policy } = new Story().life;
  expect(last?.answer(situationOf(facts, policy, facts.createdAt))).not.toBeNull();
});

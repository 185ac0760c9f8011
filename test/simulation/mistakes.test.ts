import { describe, expect, test } from "vitest";
import { MISTAKES, type Mistake } from "./mistakes.ts";
import { simulate, told, type Report } from "./simulate.ts";

// A simulation that cannot find planted mistakes proves nothing.

const MOST_SEEDS = 500;

function firstCaught(mistake: Mistake): Report | null {
  for (let seed = 1; seed <= MOST_SEEDS; seed += 1) {
    const report = simulate(seed, [mistake]);
    if (report.violations.length > 0) return report;
  }
  return null;
}

describe("each planted mistake is found, and by the invariant it breaks", () => {
  test.each(Object.keys(MISTAKES) as Mistake[])("%s", { timeout: 240_000 }, async (mistake) => {
    const caught = firstCaught(mistake);
    expect(caught, `${mistake} (${MISTAKES[mistake].says}) survived ${MOST_SEEDS} seeds`).not.toBeNull();
    if (caught === null) return;
    const broken = caught.violations.map((violation) => violation.invariant);
    expect(MISTAKES[mistake].breaks, told(caught)).toContain(broken[0]);
    const control = simulate(caught.seed);
    expect(control.violations, `without the mistake: ${told(control)}`).toEqual([]);
  });
});

test("where each mistake was found can be read", () => {
  const report = simulate(1, ["burnt_budget"]);
  expect(told(report)).toMatch(/^seed 1: R8 at 2026-01-05T.*: run \d+ is charged/);
  expect(told(report)).toContain("npx tsx test/simulation/run.ts --seed 1");
});

import { describe, expect, test } from "vitest";
import { CORPUS } from "./corpus.ts";
import { simulate, told, type Report } from "./simulate.ts";

// Whole histories in virtual time: people, services, an agent, a bad network and a process that dies, around
// the real factory. The invariants of docs/reliability.md are asked after every step (oracle.ts).

const SEEDS = 300;

describe("old failing seeds", () => {
  test.each(CORPUS)("seed $seed: $why", ({ seed }) => {
    const report = simulate(seed);
    expect(report.violations, told(report)).toEqual([]);
  });
});

describe("many lives", () => {
  const reports: Report[] = [];

  test(`${SEEDS} seeds keep every invariant and come to rest`, { timeout: 240_000 }, () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const report = simulate(seed);
      expect(report.violations, told(report)).toEqual([]);
      reports.push(report);
    }
  });

  test("they are not all the same life: each way to end happens, and runs of all kinds do", () => {
    const ends = new Set(reports.flatMap((report) => report.ends.map((end) => end.split(" ")[0])));
    expect(ends).toEqual(new Set(["awaiting_input", "done", "escalated", "failed", "paused"]));
    const runs = reports.reduce((sum, report) => sum + report.runs, 0);
    expect(runs).toBeGreaterThan(3 * SEEDS);
  });

  test("a seed is the whole history: played again it is the same, and another seed is another", () => {
    const traces = [1, 2, 3, 4, 5].map((seed) => simulate(seed).trace);
    expect([1, 2, 3, 4, 5].map((seed) => simulate(seed).trace)).toEqual(traces);
    expect(new Set(traces).size).toBe(traces.length);
  });
});

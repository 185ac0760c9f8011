import { describe, expect, test } from "vitest";
import { CORPUS } from "./corpus.ts";
import { simulate, told, type Report } from "./simulate.ts";

// Whole histories in virtual time: people, services, an agent, a bad network and a process that dies, around
// the real engine, performers and run pipeline. The invariants of docs/reliability.md are asked all along (oracle.ts). More seeds: `npm run sim`.

const SEEDS = 10;

describe("old failing seeds", () => {
  test.each(CORPUS)("seed $seed: $why", { timeout: 120_000 }, async ({ seed }) => {
    const report = await simulate(seed);
    expect(report.violations, told(report)).toEqual([]);
  });
});

describe("many lives", () => {
  const reports: Report[] = [];

  test(`${SEEDS} seeds keep every invariant and come to rest`, { timeout: 300_000 }, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      const report = await simulate(seed);
      expect(report.violations, told(report)).toEqual([]);
      reports.push(report);
    }
  });

  test("they are not all the same life: they end in many ways, die now and then, and runs of all kinds happen", () => {
    const ends = new Set(reports.flatMap((report) => report.ends.map((end) => end.split(" ")[0])));
    expect([...ends]).toEqual(expect.arrayContaining(["done", "escalated"]));
    const sum = (of: (report: Report) => number): number =>
      reports.reduce((total, report) => total + of(report), 0);
    expect(sum(({ runs }) => runs)).toBeGreaterThan(3 * SEEDS);
    expect(sum(({ lives }) => lives)).toBeGreaterThan(2 * SEEDS);
  });

  test("a seed is the whole history: played again it is the same", { timeout: 120_000 }, async () => {
    const [first, second] = reports;
    expect(await simulate(2)).toEqual(second);
    expect(second?.trace).not.toBe(first?.trace);
  });
});

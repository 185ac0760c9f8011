import { describe, expect, test } from "vitest";
import type { WorkRequest } from "../../src/agents/agent.ts";
import { Agenda } from "./time/agenda.ts";
import { createFakeAgent } from "./outside/agent.ts";
import { Chance } from "./chance.ts";
import { CORPUS } from "./corpus.ts";
import type { Life } from "./life.ts";
import { Oracle } from "./oracle/oracle.ts";
import { Outside } from "./outside/outside.ts";
import { settingOf } from "./settings.ts";
import { simulate, told, type Report } from "./simulate.ts";

// Whole histories in virtual time: people, services, an agent, a bad network and a process that dies, around
// the real engine, performers and run pipeline. The invariants of docs/reliability.md are asked all along (oracle.ts). More seeds: `npm run sim`.

const SEEDS = 12;

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

test("the signal ends the turn of the fake agent as that of every agent, also while a message is handed in", async () => {
  const [agenda, chance] = [new Agenda(0), new Chance(1)];
  const setting = settingOf(chance, new Chance(2), new Set());
  const outside = new Outside(agenda, chance, setting);
  const life = {
    agenda,
    chance,
    setting,
    outside,
    oracle: new Oracle(),
    alive: true,
    boundary: () => undefined,
  };
  const agent = createFakeAgent(life as Partial<Life> as Life, { trees: new Map(), tips: new Map() });
  const stop = new AbortController();
  const request = {
    run: "r",
    directory: "app-1",
    thread: null,
    promptId: "p",
    onThread: async () => {},
    onTurn: async () => {},
  };
  const working = agent.work(request as Partial<WorkRequest> as WorkRequest, stop.signal);
  agenda.step();
  const session = await working;
  const steering = session.steer("more", "p2");
  stop.abort(new Error("the relay is stopping"));
  expect(await steering).toBe(false);
  expect(await session.result).toMatchObject({ how: "interrupted" });
});

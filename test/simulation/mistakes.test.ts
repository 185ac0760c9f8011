import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { MISTAKES, type Mistake } from "./mistakes.ts";
import { simulate, told, type Report } from "./simulate.ts";

// A simulation that cannot find planted mistakes proves nothing.

/** Where the seed that is named no longer tells the story, some more are tried. */
const FURTHER_SEEDS = 25;

async function firstCaught(mistake: Mistake): Promise<Report | null> {
  const further = Array.from({ length: FURTHER_SEEDS }, (_, index) => index + 1);
  for (const seed of [MISTAKES[mistake].seed, ...further]) {
    const report = await simulate(seed, [mistake]);
    if (report.violations.length > 0) return report;
  }
  return null;
}

/** The same histories with nothing planted, each played once. */
const controls = new Map<number, Promise<Report>>();

async function withoutMistake(seed: number): Promise<Report> {
  const control = controls.get(seed) ?? simulate(seed);
  controls.set(seed, control);
  return await control;
}

describe("each planted mistake is found, and by the invariant it breaks", () => {
  test.each(Object.keys(MISTAKES) as Mistake[])("%s", { timeout: 300_000 }, async (mistake) => {
    const caught = await firstCaught(mistake);
    expect(caught, `${mistake} (${MISTAKES[mistake].says}) survived`).not.toBeNull();
    if (caught === null) return;
    const broken = caught.violations.map((violation) => violation.invariant);
    expect(MISTAKES[mistake].breaks, told(caught)).toContain(broken[0]);
    const control = await withoutMistake(caught.seed);
    expect(control.violations, `without the mistake: ${told(control)}`).toEqual([]);
  });
});

test("where each mistake was found can be read", async () => {
  const { seed } = MISTAKES.self_trigger;
  const report = await simulate(seed, ["self_trigger"]);
  expect(told(report)).toMatch(/^seed \d+: R9 at 2026-01-\d\dT.*: run \d+ follows echo-/);
  expect(told(report)).toContain(`npm run sim -- --seed ${seed}`);
});

/** Around what each function of planted.ts is put; all that is in outside/ is a fake. */
const PLANTED: Readonly<Record<string, string>> = {
  plantedFactory: "real",
  plantPerformers: "real",
  plantHandle: "real",
  plantDiscovery: "real",
  plantSettings: "real",
  applyApart: "real",
  plantForge: "fake",
  plantWorktrees: "fake",
  plantAccept: "edge",
};

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The mistakes that a piece of code asks for. */
function askedIn(text: string): readonly string[] {
  return [...text.matchAll(/\b(?:life|mistakes)\.has\("(\w+)"\)/g)].map(([, name = ""]) => name);
}

test("which mistakes act on real parts is as the table and the decision say", () => {
  const functions = readFileSync(here("planted.ts"), "utf8").split(/^(?:export )?(?:async )?function /m);
  const fakes = readdirSync(here("outside")).map((name) => readFileSync(here(`outside/${name}`), "utf8"));
  const found = [
    ...functions.flatMap((text) => {
      const name = /^\w+/.exec(text)?.[0] ?? "";
      return askedIn(text).map((mistake) => `${mistake}: ${PLANTED[name] ?? name}`);
    }),
    ...fakes.flatMap(askedIn).map((mistake) => `${mistake}: fake`),
  ];
  const table = Object.entries(MISTAKES).map(([mistake, { on }]) => `${mistake}: ${on}`);
  expect([...new Set(found)].toSorted()).toEqual(table.toSorted());

  const decision = readFileSync(here("../../docs/decisions/0013-simulation.md"), "utf8");
  const [edge = "", fake = ""] = (decision.split("## Consequences")[1] ?? "").split("Four more act on fakes");
  const told = (text: string, on: string): readonly string[] =>
    Object.keys(MISTAKES)
      .filter((mistake) => text.includes(`\`${mistake}\``))
      .map((mistake) => `${mistake}: ${on}`);
  expect([...told(edge, "edge"), ...told(fake, "fake")].toSorted()).toEqual(
    table.filter((row) => !row.endsWith("real")).toSorted(),
  );
});

test("the product has no switch for any of them", () => {
  const src = fileURLToPath(new URL("../../src/", import.meta.url));
  const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.endsWith(".ts"),
  );
  expect(files.length).toBeGreaterThan(100);
  const names = new RegExp(Object.keys(MISTAKES).join("|"));
  expect(files.filter((path) => names.test(readFileSync(join(src, path), "utf8")))).toEqual([]);
});

import { parseArgs } from "node:util";
import { MISTAKES, type Mistake } from "./mistakes.ts";
import { simulate, told } from "./simulate.ts";

// `npm run sim -- [--seed N] [--seeds M] [--mistake NAME]`: M histories from seed N on.

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    mistake: { type: "string", multiple: true, default: [] },
  },
});
const first = Number(values.seed);
const count = Number(values.seeds);
const mistakes = values.mistake.map((name): Mistake => {
  if (!Object.hasOwn(MISTAKES, name))
    throw new Error(`no mistake "${name}"; there are ${Object.keys(MISTAKES).join(", ")}`);
  return name as Mistake;
});
const ends = new Map<string, number>();
let failed = 0;
let steps = 0;
const began = performance.now();
for (let seed = first; seed < first + count; seed += 1) {
  const report = await simulate(seed, mistakes);
  steps += report.steps;
  for (const end of report.ends) ends.set(end, (ends.get(end) ?? 0) + 1);
  if (report.violations.length > 0) {
    failed += 1;
    process.stdout.write(`${told(report)}\n`);
  } else if (count === 1) {
    process.stdout.write(
      `${told(report)}; ${report.steps} steps, ${report.runs} runs, ${report.lives} lives, ${report.ends.join("; ")}\n`,
    );
  }
}
if (count > 1) {
  const list = [...ends].toSorted((a, b) => b[1] - a[1]).map(([end, times]) => `${times} ${end}`);
  const perMinute = Math.round((count * 60_000) / (performance.now() - began));
  process.stdout.write(
    `${count} seeds, ${perMinute} per minute, ${steps} steps, ${failed} failed\n  ${list.join("\n  ")}\n`,
  );
}
process.exitCode = failed === 0 ? 0 : 1;

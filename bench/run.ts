// `npm run bench [-- --short] [--only intake|rest] [--profile FOLDER]`: what the claims about speed rest on. Every ratio comes from rounds that
// alternate within one run, because absolute figures drift with the machine. `--against FOLDER` measures another checkout, built
// and with its dependencies, and this one in turns.
import { parseArgs } from "node:util";
import { delay, systemClock } from "../src/lib/clock.ts";
import { compare } from "./against.ts";
import { startServer } from "./child.ts";
import { fill, measureDecisions } from "./decision.ts";
import { measureIntake } from "./intake.ts";
import { quantile } from "./numbers.ts";
import { setStage } from "./stage.ts";
import type { Stage } from "./stage.ts";
import { measureStart } from "./start.ts";

const ISSUES = 1_000;
/** Memory is looked at when what the start needed has been given back. */
const SETTLE_MS = 3_000;

interface Row {
  readonly what: string;
  readonly figures: string;
  readonly goal: string;
  readonly reached: boolean | null;
}

const { values } = parseArgs({
  options: {
    short: { type: "boolean", default: false },
    only: { type: "string" },
    profile: { type: "string" },
    against: { type: "string" },
  },
});
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};
const stage = await setStage();
try {
  if (values.against === undefined) await measure();
  else {
    for (const { what, unit, other, own } of await compare(stage, values.against, values.short))
      say(
        `${what.padEnd(48)}  there ${other.toFixed(2)} ${unit}, here ${own.toFixed(2)} ${unit}: ${(own / other).toFixed(2)} x`,
      );
  }
} finally {
  await stage.close();
}

async function measure(): Promise<void> {
  const rows: Row[] = [];
  if (values.only !== "intake") rows.push(...(await idleRows(stage, values.short)));
  if (values.only !== "rest") rows.push(...(await intakeRows(stage, values.short, values.profile ?? null)));
  print(rows);
}

async function idleRows(stage: Stage, short: boolean): Promise<readonly Row[]> {
  const configFile = await stage.relayFolder("idle");
  const relay = await startServer(stage.programs.relay, [configFile], stage.env);
  let stopped = false;
  try {
    await delay(systemClock, SETTLE_MS);
    const resident = relay.residentMiB();
    const count = short ? 60 : 150;
    // The first ones run code that is not compiled yet.
    await measureDecisions(relay, 0, 20);
    const times = await measureDecisions(relay, 20, count);
    await fill(relay, 20 + count, ISSUES - 20 - count);
    await delay(systemClock, 1_000);
    const rounds = short ? 9 : 25;
    const up = await measureStart(stage, configFile, rounds);
    await relay.stop();
    stopped = true;
    const down = await measureStart(stage, configFile, rounds);
    const p50 = quantile(times, 0.5);
    return [
      {
        what: "idle memory",
        figures: `${resident.toFixed(0)} MiB resident`,
        goal: "<= 120 MB",
        reached: resident * 1.048_576 <= 120,
      },
      {
        what: "webhook to committed decision, idle",
        figures: `p50 ${p50.toFixed(2)} ms, p99 ${quantile(times, 0.99).toFixed(2)} ms (${times.length} delegations)`,
        goal: "p50 <= 5 ms",
        reached: p50 <= 5,
      },
      ...[
        { what: "issue list, relay up", start: up },
        { what: "issue list, relay down", start: down },
      ].map(({ what, start }) => ({
        what: `${what} (first page of ${start.rows} issues)`,
        figures: `${start.list.toFixed(0)} ms, node -e 0 ${start.node.toFixed(0)} ms: ${start.ratio.toFixed(2)} x; the whole list ${start.whole.toFixed(0)} ms`,
        goal: "<= 1.5 x",
        reached: start.ratio <= 1.5,
      })),
    ];
  } finally {
    if (!stopped) await relay.stop();
  }
}

async function intakeRows(stage: Stage, short: boolean, profile: string | null): Promise<readonly Row[]> {
  const measured = await measureIntake(stage, {
    connections: [1, 16, 128],
    rounds: short ? 2 : 5,
    ms: short ? 1_000 : 2_000,
    profile,
  });
  return measured.map(({ connections, bare, relay, ratio }) => ({
    what: `intake, ${connections} connection${connections === 1 ? "" : "s"}`,
    figures: [
      `${relay.perSecond.toFixed(0)}/s p50 ${relay.p50.toFixed(1)} p99 ${relay.p99.toFixed(1)} ms, ${relay.processorUs.toFixed(0)} µs of processor`,
      `bare ${bare.perSecond.toFixed(0)}/s p50 ${bare.p50.toFixed(1)} p99 ${bare.p99.toFixed(1)} ms, ${bare.processorUs.toFixed(0)} µs: ${ratio.toFixed(2)} x`,
      ...(relay.refused + bare.refused > 0 ? [`refused ${relay.refused} and ${bare.refused}`] : []),
    ].join("; "),
    goal: connections === 1 ? "-" : ">= 0.8 x",
    reached: connections === 1 ? null : ratio >= 0.8,
  }));
}

function print(rows: readonly Row[]): void {
  const width = (pick: (row: Row) => string): number => Math.max(...rows.map((row) => pick(row).length));
  const [what, figures, goal] = [
    width((row) => row.what),
    width((row) => row.figures),
    width((row) => row.goal),
  ];
  for (const row of rows) {
    const verdict = row.reached === null ? "" : row.reached ? "reached" : "MISSED";
    say(
      `${row.what.padEnd(what)}  ${row.figures.padEnd(figures)}  ${row.goal.padEnd(goal)}  ${verdict}`.trimEnd(),
    );
  }
  const goals = rows.filter(({ reached }) => reached !== null);
  say(`${goals.filter(({ reached }) => reached === true).length} of ${goals.length} goals reached`);
}

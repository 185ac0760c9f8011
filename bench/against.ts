import { join, resolve } from "node:path";
import { delay, systemClock } from "../src/lib/clock.ts";
import { bundle } from "../test/faults/relay/bundle.ts";
import { startServer } from "./child.ts";
import type { Server } from "./child.ts";
import { fill, measureDecisions } from "./decision.ts";
import { load } from "./intake.ts";
import { median, quantile } from "./numbers.ts";
import type { Stage } from "./stage.ts";
import { measureStart } from "./start.ts";

/** A figure of another checkout and of this one; of both, less is better. */
export interface Compared {
  readonly what: string;
  readonly unit: string;
  readonly other: number;
  readonly own: number;
}

interface Contender {
  readonly relay: Server;
  readonly configFile: string;
  readonly root: string | undefined;
}

const SETTLE_MS = 3_000;
const WARM = 20;
const CONNECTIONS = [1, 16, 128];
/** The list that the command's start is measured with. */
const ISSUES = 1_000;

/**
 * This checkout beside another one (with its dependencies, and built), in turns within one run: what one machine does
 * at one time and another at another differs by more than the programs do.
 */
export async function compare(stage: Stage, folder: string, short: boolean): Promise<readonly Compared[]> {
  const root = resolve(folder);
  const made = await bundle(join(root, "bench", "relay.ts"), null, root);
  const contenders: Contender[] = [];
  try {
    for (const each of [
      { name: "other", program: made.file, root },
      { name: "own", program: stage.programs.relay, root: undefined },
    ]) {
      const configFile = await stage.relayFolder(each.name);
      contenders.push({
        configFile,
        root: each.root,
        relay: await startServer(each.program, [configFile], stage.env),
      });
    }
    await delay(systemClock, SETTLE_MS);
    const rounds = short ? 3 : 10;
    return [
      ...(await inTurns(contenders, 1, "idle memory", "MiB", async ({ relay }) => relay.residentMiB())),
      ...(await decisions(contenders, rounds)),
      ...(await starts(stage, contenders, rounds)),
      ...(await intakes(stage, contenders, rounds)),
    ];
  } finally {
    for (const { relay } of contenders) await relay.stop();
    made.remove();
  }
}

async function decisions(contenders: readonly Contender[], rounds: number): Promise<readonly Compared[]> {
  for (const { relay } of contenders) await measureDecisions(relay, 0, WARM);
  return await inTurns(
    contenders,
    rounds,
    "webhook to committed decision, idle: p50",
    "ms",
    async (each, round) => {
      return quantile(await measureDecisions(each.relay, WARM + round * 20, 20), 0.5);
    },
  );
}

async function starts(
  stage: Stage,
  contenders: readonly Contender[],
  rounds: number,
): Promise<readonly Compared[]> {
  const from = WARM + rounds * 20;
  for (const { relay } of contenders) await fill(relay, from, ISSUES - from);
  return await inTurns(contenders, rounds, "issue list, relay up, first page", "ms", async (each) => {
    return (await measureStart(stage, each.configFile, 3, each.root)).list;
  });
}

async function intakes(
  stage: Stage,
  contenders: readonly Contender[],
  rounds: number,
): Promise<readonly Compared[]> {
  const found: Compared[] = [];
  for (const connections of CONNECTIONS) {
    const what = `intake, ${connections} connection${connections === 1 ? "" : "s"}: per request`;
    found.push(
      ...(await inTurns(contenders, rounds, what, "ms", async ({ relay }) => {
        return 1_000 / (await load(stage, relay, connections, 1_000)).perSecond;
      })),
    );
  }
  return found;
}

/** Measures each in turn, `rounds` times, the first of a round alternating; medians. */
async function inTurns(
  contenders: readonly Contender[],
  rounds: number,
  what: string,
  unit: string,
  measure: (each: Contender, round: number) => Promise<number>,
): Promise<readonly Compared[]> {
  const measured = new Map<Contender, number[]>(contenders.map((each) => [each, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const each of round % 2 === 0 ? contenders : contenders.toReversed())
      measured.get(each)?.push(await measure(each, round));
  }
  const [other = Number.NaN, own = Number.NaN] = contenders.map((each) => median(measured.get(each) ?? []));
  return [{ what, unit, other, own }];
}

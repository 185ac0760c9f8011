import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startServer } from "./child.ts";
import type { Server } from "./child.ts";
import type { Round } from "./load.ts";
import { median } from "./numbers.ts";
import type { Stage } from "./stage.ts";

/** The relay's intake beside the bare loop's, at one number of connections; medians over the rounds. */
export interface Intake {
  readonly connections: number;
  readonly bare: Side;
  readonly relay: Side;
  /** Median of the ratios of neighbouring rounds. */
  readonly ratio: number;
}

export interface Side extends Omit<Round, "answered"> {
  /** Processor time of the server per request while the load lasted, microseconds. */
  readonly processorUs: number;
}

const run = promisify(execFile);
const PAYLOADS = fileURLToPath(new URL("../test/payloads/github", import.meta.url));

/** Interleaved rounds against both servers; each has its own process, and so has the loader. */
export async function measureIntake(
  stage: Stage,
  options: {
    readonly connections: readonly number[];
    readonly rounds: number;
    readonly ms: number;
    /** Where node leaves the relay's CPU profile; null = none. */
    readonly profile: string | null;
  },
): Promise<readonly Intake[]> {
  const bare = await startServer(stage.programs.bare, [await stage.folder("bare")], stage.env);
  const relay = await startServer(
    stage.programs.relay,
    [await stage.relayFolder("intake")],
    stage.env,
    options.profile === null ? [] : ["--cpu-prof", `--cpu-prof-dir=${options.profile}`],
  );
  try {
    const measured: Intake[] = [];
    for (const connections of options.connections) {
      const rounds: { bare: Side; relay: Side }[] = [];
      for (let round = 0; round < options.rounds; round += 1) {
        rounds.push({
          bare: await load(stage, bare, connections, options.ms),
          relay: await load(stage, relay, connections, options.ms),
        });
      }
      measured.push({
        connections,
        bare: summary(rounds.map((each) => each.bare)),
        relay: summary(rounds.map((each) => each.relay)),
        ratio: median(rounds.map((each) => each.relay.perSecond / each.bare.perSecond)),
      });
    }
    return measured;
  } finally {
    await relay.stop();
    await bare.stop();
  }
}

/** One round of load against one server, which has nothing left to do when it resolves. */
export async function load(stage: Stage, server: Server, connections: number, ms: number): Promise<Side> {
  const args = [stage.programs.load, PAYLOADS, String(server.port), String(connections), String(ms)];
  const before = server.processorMs();
  const { stdout } = await run(process.execPath, args, { env: { ...stage.env }, timeout: ms + 30_000 });
  const { answered, ...round } = JSON.parse(stdout) as Round;
  const processorUs = ((server.processorMs() - before) * 1_000) / answered;
  // What is left to do would slow the other server's round.
  await server.idle();
  return { ...round, processorUs };
}

function summary(rounds: readonly Side[]): Side {
  return {
    perSecond: median(rounds.map(({ perSecond }) => perSecond)),
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    processorUs: median(rounds.map(({ processorUs }) => processorUs)),
    refused: rounds.reduce((sum, { refused }) => sum + refused, 0),
  };
}

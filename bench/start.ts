import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../src/lib/clock.ts";
import { processEnvironment } from "../src/settings/load/environment.ts";
import { median } from "./numbers.ts";
import type { Stage } from "./stage.ts";

/**
 * How long `patchrelay issue list` takes to start and show the first page beside a node that does nothing, in the
 * environment of whoever runs the benchmark (certificates that Node is told to load cost both the same); medians, ms.
 */
export interface Start {
  readonly node: number;
  readonly list: number;
  /** Median of the ratios of neighbouring rounds. */
  readonly ratio: number;
  /** The whole list instead of its first page, ms. */
  readonly whole: number;
  readonly rows: number;
}

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** `root`: the checkout whose command is timed. */
export async function measureStart(
  stage: Stage,
  configFile: string,
  rounds: number,
  root = ROOT,
): Promise<Start> {
  const main = join(root, "dist", "main.cjs");
  if (!existsSync(main)) throw new Error(`${main} is not there: run \`npm run build\` first`);
  const whole = [main, "issue", "list", "--config", configFile];
  const list = [...whole, "--limit", "50"];
  const env = { ...processEnvironment(), ...stage.env };
  const time = async (args: readonly string[]): Promise<number> => {
    const begun = systemClock.monotonic();
    await run(process.execPath, [...args], { env });
    return systemClock.monotonic() - begun;
  };
  const { stdout } = await run(process.execPath, [...whole, "--json"], {
    env,
    maxBuffer: 64 * 1024 * 1024,
  });
  const { items } = JSON.parse(stdout) as { items: readonly unknown[] };
  const pairs: { node: number; list: number; whole: number }[] = [];
  for (let round = 0; round < rounds; round += 1)
    pairs.push({ node: await time(["-e", "0"]), list: await time(list), whole: await time(whole) });
  return {
    node: median(pairs.map((pair) => pair.node)),
    list: median(pairs.map((pair) => pair.list)),
    whole: median(pairs.map((pair) => pair.whole)),
    ratio: median(pairs.map((pair) => pair.list / pair.node)),
    rows: items.length,
  };
}

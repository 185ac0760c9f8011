import { parseArgs } from "node:util";
import { PLANTS } from "./plants.ts";

export interface Options {
  readonly kills: number;
  readonly seed: number;
  /** How long it may take in all. */
  readonly seconds: number;
  /** Name of a planted mistake; null = the relay as it is. */
  readonly plant: string | null;
  /** Leave the folder for a look afterwards. */
  readonly keep: boolean;
}

const USAGE = `npm run faults -- [--kills 200] [--seed N] [--seconds N] [--plant ${Object.keys(PLANTS).join("|")}] [--keep]`;

/** Below this many kills not every failpoint has its turn, and none is required. */
export const FULL_KILLS = 100;

/** The options of a command line. Throws with what was wrong and how it is used. */
export function readOptions(args: readonly string[], seedUnlessGiven: number): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      kills: { type: "string", default: "200" },
      seed: { type: "string", default: String(seedUnlessGiven) },
      seconds: { type: "string" },
      plant: { type: "string" },
      keep: { type: "boolean", default: false },
    },
  });
  const whole = (name: string, text: string, most: number): number => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new Error(
      `--${name} wants a whole number from 1 to ${most}, not ${JSON.stringify(text)}; ${USAGE}`,
    );
  };
  const kills = whole("kills", values.kills, 10_000);
  const plant = values.plant ?? null;
  if (plant !== null && !(plant in PLANTS))
    throw new Error(`there is no plant ${JSON.stringify(plant)}; ${USAGE}`);
  return {
    kills,
    seed: whole("seed", values.seed, 0xffff_ffff),
    seconds: values.seconds === undefined ? 120 + kills * 6 : whole("seconds", values.seconds, 86_400),
    plant,
    keep: values.keep,
  };
}

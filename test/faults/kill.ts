// `npm run faults`: kills a real relay again and again while the world goes on, then looks whether anything was lost or
// doubled. Prints what it did; the last line is `N passed, N failed`.
import { fileURLToPath } from "node:url";
import { messageOf } from "../../src/lib/assert.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openAims } from "./history/aims.ts";
import { bundle } from "./relay/bundle.ts";
import { failpointNames } from "./failpoint-names.ts";
import { History } from "./history/history.ts";
import { FULL_KILLS, readOptions } from "./options.ts";
import { PLANTS } from "./plants.ts";
import { openPosts } from "./history/posts.ts";
import { diceOf } from "./random.ts";
import { report } from "./report.ts";
import { setStage } from "./stage.ts";
import { openTasks } from "./history/tasks.ts";
import { judge } from "./verdict.ts";

const SERVE = fileURLToPath(new URL("relay/serve.ts", import.meta.url));

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2), systemClock.now() % 1_000_000);
  const begun = systemClock.monotonic();
  const say = (line: string): void => {
    process.stdout.write(`${((systemClock.monotonic() - begun) / 1_000).toFixed(1).padStart(7)}  ${line}\n`);
  };
  const plant = options.plant === null ? null : (PLANTS[options.plant] ?? null);
  say(`seed ${options.seed}, ${options.kills} kills${plant === null ? "" : `, planted: ${plant.mistake}`}`);
  const program = await bundle(SERVE, plant);
  const stage = await setStage();
  const dice = diceOf(options.seed);
  const aims = openAims(failpointNames(), dice, plant === null ? 0.5 : 0.8, plant?.showsAt ?? null);
  const tasks = openTasks(stage, dice);
  const posts = openPosts(stage, dice);
  const history = new History({ program: program.file, stage, aims, tasks, posts, dice, say });
  try {
    await history.play(options.kills, begun + options.seconds * 1_000);
    const findings = await judge(stage, tasks, posts.acked);
    const required = options.kills >= FULL_KILLS && options.plant === null;
    return report({ findings, history, aims, posts, tasks, required }, say);
  } finally {
    await history.end();
    await stage.close(options.keep);
    if (options.keep) say(`left for a look: ${stage.layout.root}`);
    program.remove();
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : messageOf(error)}\n`);
  process.stdout.write("0 passed, 1 failed\n");
  process.exitCode = 1;
}

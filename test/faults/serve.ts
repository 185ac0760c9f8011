// The relay in a process of its own, for harnesses that kill it. Bundled by bundle.ts; failpoints are armed from the
// environment. The first line on standard output is the address that takes webhooks.
import { join } from "node:path";
import { backup } from "../../src/engines/embedded/database/maintenance.ts";
import { messageOf } from "../../src/lib/assert.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import type { Log, LogFields } from "../../src/lib/log.ts";
import { startRelay } from "../../src/relay.ts";
import { readCredentials } from "../../src/settings/credentials/credentials.ts";
import { childEnvironment, processEnvironment, readTextFile } from "../../src/settings/load/environment.ts";
import { armFailpoints } from "../../src/settings/failpoints.ts";
import { loadSettings } from "../../src/settings/load/load.ts";
import { problemText } from "../../src/settings/load/problem.ts";

const [mode = "", configFile = "", target = ""] = process.argv.slice(2);

const LEVELS = ["debug", "info", "warn", "error"] as const;

function stderrLog(level: string, carried: LogFields = {}): Log {
  const from = LEVELS.findIndex((name) => name === level);
  const write =
    (name: (typeof LEVELS)[number]) =>
    (message: string, fields: LogFields = {}): void => {
      if (from === -1 || LEVELS.indexOf(name) < from) return;
      const all = JSON.stringify({ ...carried, ...fields });
      process.stderr.write(`${Math.round(performance.now())} ${process.pid} ${name} ${message} ${all}\n`);
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: (fields) => stderrLog(level, { ...carried, ...fields }),
  };
}

function fail(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}

const env = processEnvironment();
const wrong = armFailpoints(env);
if (wrong.length > 0) fail(wrong.map(problemText).join("\n"));
const loaded = loadSettings({ configFlag: configFile, env, cwd: "/", readFile: readTextFile });
if (!loaded.ok) fail(loaded.problems.map(problemText).join("\n"));
const { settings } = loaded;

if (mode === "backup") {
  await backup(settings.layout.database, join(settings.layout.backups, target));
} else {
  const read = readCredentials(env, readTextFile);
  if (!read.ok) fail(read.problems.map(problemText).join("\n"));
  try {
    const relay = await startRelay({
      settings,
      credentials: read.credentials,
      childEnv: childEnvironment(env, []),
      clock: systemClock,
      randomness: systemRandomness,
      log: stderrLog(settings.log.level),
      version: "0.0.0-test",
      pid: process.pid,
    });
    process.on("SIGTERM", () => {
      relay.stop().then(
        () => process.exit(0),
        (error: unknown) => fail(messageOf(error)),
      );
    });
    process.stdout.write(`${relay.url}\n`);
  } catch (error) {
    fail(messageOf(error));
  }
}

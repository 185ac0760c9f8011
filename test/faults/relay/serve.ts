// The relay in a process of its own, for harnesses that kill it. Bundled by bundle.ts; failpoints are armed from the
// environment. The first line on standard output is the address that takes webhooks.
import { join } from "node:path";
import { backup } from "../../../src/engines/embedded/database/maintenance.ts";
import { messageOf } from "../../../src/lib/assert.ts";
import { readConfigured, startConfigured } from "../../../src/demo/configured-relay.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import type { Log, LogFields } from "../../../src/lib/log.ts";
import { processEnvironment } from "../../../src/settings/load/environment.ts";
import { armFailpoints } from "../../../src/settings/failpoints.ts";
import { problemText } from "../../../src/settings/load/problem.ts";

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
try {
  const configured = readConfigured(configFile, env);
  const { layout, log } = configured.settings;
  if (mode === "backup") await backup(layout.database, join(layout.backups, target));
  else {
    const relay = await startConfigured(configured, {
      clock: systemClock,
      log: stderrLog(log.level),
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
  }
} catch (error) {
  fail(messageOf(error));
}

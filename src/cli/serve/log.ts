import type { Log, LogFields } from "../../lib/log.ts";
import { iso } from "../../lib/clock.ts";
import { escapeHidden } from "../../lib/text.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Host } from "../host/host.ts";
import { styleOf } from "../show/style.ts";
import { clockTime } from "../show/times.ts";

type Level = Settings["log"]["level"];

const ORDER: readonly Level[] = ["trace", "debug", "info", "warn", "error", "fatal", "silent"];

/**
 * The relay's log on standard error: JSON lines, or short ones on a terminal. Work goes on when they cannot be written
 * (its disk is full, nobody reads it); how many are missing is told once they can be again.
 */
export async function createLog(level: Level, host: Host): Promise<Log> {
  let lost = 0;
  const write = (line: string): void => {
    if (host.stderr.offer(line) !== null) {
      lost += 1;
      return;
    }
    if (lost === 0) return;
    const lines = lost;
    lost = 0;
    log.warn("the log could not be written for a while, lines are missing", { lines });
  };
  const log = host.stderr.terminal ? terminalLog(level, host, write, {}) : await jsonLog(level, host, write);
  return log;
}

async function jsonLog(level: Level, host: Host, write: (line: string) => void): Promise<Log> {
  const { pino } = await import("pino");
  const lines = pino(
    {
      level,
      base: { pid: host.pid },
      timestamp: () => `,"time":"${iso(host.clock.now())}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  );
  return lineLog(lines);
}

interface Lines {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  child(fields: LogFields): Lines;
}

function lineLog(lines: Lines): Log {
  return {
    debug: (message, fields = {}) => lines.debug(fields, message),
    info: (message, fields = {}) => lines.info(fields, message),
    warn: (message, fields = {}) => lines.warn(fields, message),
    error: (message, fields = {}) => lines.error(fields, message),
    with: (fields) => lineLog(lines.child(fields)),
  };
}

function terminalLog(
  level: Level,
  host: Pick<Host, "clock" | "env">,
  out: (line: string) => void,
  carried: LogFields,
): Log {
  const { clock, env } = host;
  const style = styleOf((env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb");
  const paints = { debug: style.dim, info: style.green, warn: style.yellow, error: style.red };
  const write = (own: keyof typeof paints, message: string, fields: LogFields = {}): void => {
    if (ORDER.indexOf(own) < ORDER.indexOf(level)) return;
    const rest = Object.entries({ ...carried, ...fields })
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => `${name}=${escapeHidden(String(value), "layout")}`);
    const head = `${style.dim(clockTime(iso(clock.now())))} ${paints[own](own.padEnd(5))}`;
    out(`${head} ${escapeHidden(message)}${rest.length === 0 ? "" : style.dim(`  ${rest.join(" ")}`)}\n`);
  };
  return {
    debug: (message, fields) => write("debug", message, fields),
    info: (message, fields) => write("info", message, fields),
    warn: (message, fields) => write("warn", message, fields),
    error: (message, fields) => write("error", message, fields),
    with: (fields) => terminalLog(level, host, out, { ...carried, ...fields }),
  };
}

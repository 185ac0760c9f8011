import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { systemClock } from "../../../src/lib/clock.ts";

/** How a process ended: its exit code, or the signal that ended it. */
export type End = number | NodeJS.Signals;

export interface RelayProcess {
  readonly pid: number;
  /** The address it listens on and how long it took to, or null when it ended before. */
  readonly listening: Promise<{ readonly url: string; readonly afterMs: number } | null>;
  /** Resolves when the process is gone and its streams are read to their end or cut. */
  readonly ended: Promise<End>;
  gone(): boolean;
  /** Its newest lines of standard error. */
  errors(): string;
  signal(name: NodeJS.Signals): void;
}

const KEPT_LINES = 200;

/** Starts `node file ...args` with the whole environment `env`. */
export function startProcess(
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onErrorLine: (line: string) => void = () => undefined,
): RelayProcess {
  const begun = systemClock.monotonic();
  const child = spawn(process.execPath, ["--enable-source-maps", file, ...args], {
    env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (child.pid === undefined) throw new Error(`${file} could not be started`);
  const lines: string[] = [];
  createInterface(child.stderr).on("line", (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    onErrorLine(line);
  });
  // `exit`, not `close`: programs that the dead relay had started may hold its pipes for a while.
  const ended = new Promise<End>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => {
      resolve(code ?? signal ?? "SIGKILL");
    });
  });
  const listening = new Promise<{ url: string; afterMs: number } | null>((resolve) => {
    createInterface(child.stdout).once("line", (url) =>
      resolve({ url, afterMs: systemClock.monotonic() - begun }),
    );
    child.once("exit", () => resolve(null));
  });
  return {
    pid: child.pid,
    listening,
    ended,
    gone: () => child.exitCode !== null || child.signalCode !== null,
    errors: () => lines.join("\n"),
    signal: (name) => {
      child.kill(name);
    },
  };
}

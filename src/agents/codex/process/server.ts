import { stripVTControlCharacters } from "node:util";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError } from "../../../lib/external.ts";
import { startProcess } from "../../../lib/process/processes.ts";
import type { ProcessEnvironment } from "../../../lib/process/processes.ts";
import { clip } from "../../../lib/text.ts";
import { createWire } from "./wire.ts";
import type { Wire } from "./wire.ts";

export interface ServerParts {
  readonly program: string;
  readonly home: string;
  readonly env: ProcessEnvironment;
  /** Removes credentials from text that may be shown. */
  readonly scrub: (text: string) => string;
  /** Within which `initialize` must be answered. */
  readonly startMs: number;
  readonly onNotification: (method: string, params: unknown) => void;
  /** A message too long to be read was dropped. */
  readonly onLost: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** One `codex app-server` process of one run. */
export interface Server {
  readonly call: Wire["call"];
  /** Resolves with how the process ended, for people. */
  readonly exit: Promise<string>;
  /** Ends the process and all it started. Safe to repeat. */
  stop(): Promise<void>;
}

const TOLD_ERROR_LINES = 50;
/** A file change or a command's output (1 MiB at most, up to six bytes a character as JSON) in one line. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;

/**
 * Starts the process in its own process group and shakes hands. Rejects with ProcessNotStarted, or with an
 * ExternalError when it ends or stays silent; nothing is left running then.
 */
export async function startServer(parts: ServerParts, signal: AbortSignal): Promise<Server> {
  const errors = errorLines(parts);
  const process = await startProcess(parts.clock, {
    command: parts.program,
    // A wrong configuration would otherwise be replaced by defaults, and every thread fail later.
    args: ["app-server", "--strict-config"],
    cwd: parts.home,
    env: parts.env,
    maxLineBytes: MAX_LINE_BYTES,
    onLine: (line) => wire.take(line),
    onLineTooLong: () => {
      parts.log.warn("dropped a codex message above the size limit", { limit: MAX_LINE_BYTES });
      parts.onLost();
    },
    onErrorLine: errors.take,
  });
  const wire = createWire({
    write: (line) => process.write(line),
    onNotification: parts.onNotification,
    clock: parts.clock,
    log: parts.log,
  });
  const exit = process.exit.then(({ exitCode, signal: killedBy }) => {
    const how =
      exitCode === null ? `was killed by ${killedBy ?? "a signal"}` : `exited with code ${exitCode}`;
    const story = `codex ${how}${errors.last() === "" ? "" : `: ${errors.last()}`}`;
    wire.close(new ExternalError("unavailable", story));
    return story;
  });
  const stop = async (): Promise<void> => {
    // It ends by itself, and cleans up after its commands, once nobody talks to it any more.
    process.end();
    await process.killGroup();
    await exit;
  };
  try {
    await abortable(signal, shakeHands(wire, parts.startMs));
  } catch (error) {
    await stop();
    throw error;
  }
  return { call: (method, params, withinMs) => wire.call(method, params, withinMs), exit, stop };
}

async function shakeHands(wire: Wire, withinMs: number): Promise<void> {
  await wire.call(
    "initialize",
    {
      clientInfo: { name: "patchrelay", title: "patchrelay", version: "0" },
      // thread/backgroundTerminals/clean is one of the experimental methods.
      capabilities: { experimentalApi: true, requestAttestation: false },
    },
    withinMs,
  );
  await wire.notify("initialized");
}

/** `work`, or the signal's reason as soon as it fires; `work` is then expected to end by itself. */
export async function abortable<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
  });
  // Also when it has fired already, both promises must have somebody who takes their rejection.
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function errorLines(parts: ServerParts): { take: (line: string) => void; last: () => string } {
  let told = 0;
  let last = "";
  return {
    last: () => last,
    take: (line) => {
      const text = clip(parts.scrub(stripVTControlCharacters(line)).trim(), 300);
      if (text === "") return;
      last = text;
      told += 1;
      if (told <= TOLD_ERROR_LINES) parts.log.debug("codex wrote to standard error", { line: text });
      if (told === TOLD_ERROR_LINES) parts.log.debug("codex writes more to standard error; not shown");
    },
  };
}

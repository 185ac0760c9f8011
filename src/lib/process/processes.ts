import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import type { Clock } from "../clock.ts";
import { LineCutter, Tail } from "./streams.ts";

// Child processes: never a shell, never our environment, always their own process group, so that what they
// started dies with them. A descendant that leaves the group (setsid) is out of reach of a signal to the group;
// its hold on our pipes is cut instead.

const KILL_GRACE_MS = 2_000;
/** How long after the exit a descendant may keep the pipes open before they are cut. */
const DRAIN_MS = 1_000;
const RUN_LINE_BYTES = 1024 * 1024;
const LONG_LINE_BYTES = 8 * 1024 * 1024;
const DEFAULT_OUTPUT_BYTES = 16 * 1024 * 1024;
const MAX_UNWRITTEN_BYTES = 16 * 1024 * 1024;

export type ProcessEnvironment = Readonly<Record<string, string>>;

export interface ProcessRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: ProcessEnvironment;
  /** Written to standard input, then closed; without it standard input is empty. */
  readonly input?: string | Buffer;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Kept per stream, default 16 MiB; the rest is read and dropped. */
  readonly maxOutputBytes?: number;
  /** Which end of an output over the limit is kept; default head. */
  readonly keep?: "head" | "tail";
  /** How output becomes text; `latin1` carries any bytes through unharmed. Default utf8. */
  readonly encoding?: "utf8" | "latin1";
  /** Each line of both streams as it comes; a line is cut at 1 MiB. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

export interface ProcessOutcome {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  /** Output went over the limit and part of it is missing. */
  readonly truncated: boolean;
  readonly durationMs: number;
}

/** The program could not be started at all. The message names the program, never its arguments. */
export class ProcessNotStarted extends Error {
  override readonly name = "ProcessNotStarted";
  constructor(command: string, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code ?? "unknown error";
    super(`cannot start ${command} (${code}): is it installed and executable, and does its folder exist?`, {
      cause,
    });
  }
}

/**
 * Runs a program to its end. Resolves however it ended, also after `timeoutMs` (`timedOut`); rejects with the
 * signal's reason when aborted and with ProcessNotStarted. Either way its process group is gone afterwards.
 */
export async function runProcess(clock: Clock, request: ProcessRequest): Promise<ProcessOutcome> {
  request.signal?.throwIfAborted();
  const startedAt = clock.monotonic();
  const limit = request.maxOutputBytes ?? DEFAULT_OUTPUT_BYTES;
  const child = launch(request, request.input === undefined ? "ignore" : "pipe");
  const group = processGroup(clock, child);
  const collected = { stdout: new Tail(limit, request.keep), stderr: new Tail(limit, request.keep) };
  const cutters = (["stdout", "stderr"] as const).map((name) => {
    const lines = new LineCutter(RUN_LINE_BYTES, "cut", (line) => request.onLine?.(line, name));
    child[name]?.on("data", (chunk: Buffer) => {
      collected[name].push(chunk);
      if (request.onLine !== undefined) lines.push(chunk);
    });
    return lines;
  });
  let timedOut = false;
  const cancelTimeout = clock.after(request.timeoutMs, () => {
    timedOut = true;
    group.terminate();
  });
  request.signal?.addEventListener("abort", group.terminate, { once: true });
  try {
    const ended = closed(clock, child, request.command, group);
    if (request.input !== undefined) feed(child.stdin, request.input);
    const { exitCode, signal } = await ended;
    request.signal?.throwIfAborted();
    for (const lines of cutters) lines.end();
    const encoding = request.encoding ?? "utf8";
    return {
      exitCode,
      signal,
      stdout: collected.stdout.text(encoding),
      stderr: collected.stderr.text(encoding),
      timedOut,
      truncated: collected.stdout.truncated || collected.stderr.truncated,
      durationMs: clock.monotonic() - startedAt,
    };
  } finally {
    cancelTimeout();
    request.signal?.removeEventListener("abort", group.terminate);
  }
}

export interface LongRequest {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing is inherited. */
  readonly env: ProcessEnvironment;
  /** Ends the process group when it fires. */
  readonly signal?: AbortSignal;
  /** Each whole line of standard output, without its newline. Must not throw. */
  readonly onLine: (line: string) => void;
  /** Each line of standard error, cut at 1 MiB. Must not throw. */
  readonly onErrorLine?: (line: string) => void;
  /** A line of standard output above `maxLineBytes` was dropped whole. Must not throw. */
  readonly onLineTooLong?: () => void;
  /** Default 8 MiB. */
  readonly maxLineBytes?: number;
}

export interface LongProcess {
  readonly pid: number;
  /** Writes `text` as it is. Resolves once the pipe took it; rejects when the process is gone or 16 MiB wait unread. */
  write(text: string): Promise<void>;
  /** Closes standard input. Safe to repeat. */
  end(): void;
  /** How it ended; never rejects. Its group is gone by then. */
  readonly exit: Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }>;
  /** SIGTERM to the group, SIGKILL after 2 s; resolves when it has ended. Safe to repeat. */
  killGroup(): Promise<void>;
}

/** Starts a program that is talked with over its standard streams. Rejects with ProcessNotStarted. */
export async function startProcess(clock: Clock, request: LongRequest): Promise<LongProcess> {
  request.signal?.throwIfAborted();
  const child = launch(request, "pipe");
  const group = processGroup(clock, child);
  const lines = new LineCutter(
    request.maxLineBytes ?? LONG_LINE_BYTES,
    "drop",
    request.onLine,
    request.onLineTooLong,
  );
  const errorLines = new LineCutter(RUN_LINE_BYTES, "cut", (line) => request.onErrorLine?.(line));
  child.stdout?.on("data", (chunk: Buffer) => lines.push(chunk));
  child.stderr?.on("data", (chunk: Buffer) => errorLines.push(chunk));
  // A write after the other side closed is told to the writer; the stream's own event would end our process.
  child.stdin?.on("error", () => undefined);
  request.signal?.addEventListener("abort", group.terminate, { once: true });
  const exit = closed(clock, child, request.command, group).then((ended) => {
    request.signal?.removeEventListener("abort", group.terminate);
    lines.end();
    errorLines.end();
    return ended;
  });
  await Promise.race([new Promise<void>((resolve) => child.once("spawn", resolve)), exit]);
  const { stdin } = child;
  return {
    pid: child.pid ?? 0,
    exit,
    end: () => stdin?.end(),
    write: async (text) => {
      if (stdin === null || !stdin.writable) throw new Error(`${request.command} no longer listens`);
      if (stdin.writableLength > MAX_UNWRITTEN_BYTES) throw new Error(`${request.command} does not read`);
      await new Promise<void>((resolve, reject) => {
        stdin.write(text, (error) => (error ? reject(error) : resolve()));
      });
    },
    killGroup: async () => {
      group.terminate();
      await exit;
    },
  };
}

type Launch = Pick<ProcessRequest, "command" | "args" | "cwd" | "env">;

function launch(request: Launch, stdin: "pipe" | "ignore"): ChildProcess {
  try {
    return spawn(request.command, [...request.args], {
      cwd: request.cwd,
      env: { ...request.env },
      detached: true,
      shell: false,
      stdio: [stdin, "pipe", "pipe"],
    });
  } catch (error) {
    throw new ProcessNotStarted(request.command, error);
  }
}

interface ProcessGroup {
  /** Asks the group to end and makes it end after the grace. */
  readonly terminate: () => void;
  /** Ends what is left of the group and the waiting timer. */
  readonly finish: () => void;
}

function processGroup(clock: Clock, child: ChildProcess): ProcessGroup {
  let cancel: (() => void) | null = null;
  let finished = false;
  return {
    terminate: () => {
      if (finished || cancel !== null) return;
      signalGroup(child.pid, "SIGTERM");
      cancel = clock.after(KILL_GRACE_MS, () => signalGroup(child.pid, "SIGKILL"));
    },
    finish: () => {
      if (finished) return;
      finished = true;
      cancel?.();
      signalGroup(child.pid, "SIGKILL");
    },
  };
}

function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // ESRCH: nobody is left. EPERM: only zombies are left (macOS). Both are what was wanted.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}

interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

async function closed(
  clock: Clock,
  child: ChildProcess,
  command: string,
  group: ProcessGroup,
): Promise<Ended> {
  let cancelDrain: (() => void) | null = null;
  try {
    return await new Promise<Ended>((resolve, reject) => {
      child.once("error", (error) => reject(new ProcessNotStarted(command, error)));
      child.once("exit", () => {
        group.finish();
        cancelDrain = clock.after(DRAIN_MS, () => cut(child.stdout, child.stderr));
      });
      child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
    });
  } finally {
    (cancelDrain as (() => void) | null)?.();
    group.finish();
  }
}

function cut(...streams: readonly (Readable | null)[]): void {
  for (const stream of streams) stream?.destroy();
}

function feed(stdin: Writable | null, input: string | Buffer): void {
  // A program may end without reading its input; how it ended says what that means.
  stdin?.on("error", () => undefined);
  stdin?.end(input);
}

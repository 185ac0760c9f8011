import { runCli } from "../../src/cli/cli.ts";
import type { Host } from "../../src/cli/host/host.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import type { Registry } from "../../src/registry.ts";
import { readTextFile } from "../../src/settings/load/environment.ts";

export interface Given {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly terminal?: boolean;
  readonly columns?: number;
  /** Why what is offered to standard error is lost; null = it is not. */
  readonly refuses?: () => string | null;
  readonly clock?: Clock;
  /** What the relay is made of; what registry.ts names unless given. */
  readonly registry?: Registry;
  /** Called with all that was written so far after each write to standard output. */
  readonly onOutput?: (out: string, host: FakeHost) => void;
}

export interface FakeHost extends Host {
  out(): string;
  err(): string;
  /** What was asked to be started. */
  readonly launched: readonly string[][];
  readonly exits: readonly number[];
  signal(name: "SIGINT" | "SIGTERM"): void;
  hangup(): void;
  fault(error: unknown): void;
}

/** A host for the command line with no process behind it. */
export function fakeHost(args: readonly string[], given: Given = {}): FakeHost {
  let out = "";
  let err = "";
  const launched: string[][] = [];
  const exits: number[] = [];
  const signals = new Set<(name: "SIGINT" | "SIGTERM") => void>();
  const hangups = new Set<() => void>();
  const faults = new Set<(error: unknown) => void>();
  const terminal = given.terminal ?? false;
  const columns = terminal ? (given.columns ?? 100) : Infinity;
  const host: FakeHost = {
    args,
    env: { HOME: "/nowhere", PATH: process.env["PATH"], ...given.env },
    cwd: given.cwd ?? "/nowhere",
    pid: 4242,
    platform: "linux",
    readFile: readTextFile,
    clock: given.clock ?? systemClock,
    randomness: async () => systemRandomness,
    ...(given.registry === undefined ? {} : { registry: given.registry }),
    stdout: {
      offer: (text) => {
        host.stdout.write(text);
        return null;
      },
      terminal,
      columns,
      write(text) {
        out += text;
        given.onOutput?.(out, host);
      },
    },
    stderr: {
      offer(text) {
        const why = given.refuses?.() ?? null;
        if (why === null) err += text;
        return why;
      },
      terminal,
      columns,
      write(text) {
        err += text;
      },
    },
    onSignal(listen) {
      signals.add(listen);
      return () => signals.delete(listen);
    },
    onHangup(listen) {
      hangups.add(listen);
      return () => hangups.delete(listen);
    },
    onFault(listen) {
      faults.add(listen);
      return () => faults.delete(listen);
    },
    launch: (command, rest) => launched.push([command, ...rest]),
    exit: (code) => exits.push(code),
    out: () => out,
    err: () => err,
    launched,
    exits,
    hangup: () => hangups.forEach((listen) => listen()),
    signal: (name) => signals.forEach((listen) => listen(name)),
    fault: (error) => faults.forEach((listen) => listen(error)),
  };
  return host;
}

/** Runs a command line to its end. */
export async function cli(args: readonly string[], given: Given = {}) {
  const host = fakeHost(args, given);
  const code = await runCli(host);
  return { code, out: host.out(), err: host.err(), host };
}

/** The documents of `--json`. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as JSON.parse, with the type said at the call
export function json<T = Readonly<Record<string, unknown>>>(text: string): T {
  return JSON.parse(text) as T;
}

import type { Views } from "../../engines/engine.ts";
import type { Location } from "../../settings/load/locate.ts";
import type { Host } from "../host/host.ts";
import type { RelayApi } from "../reach/relay.ts";
import type { Style } from "../show/style.ts";

/**
 * A command: what it takes, as a record from which help and the check of arguments are made, and what it does.
 * Its name and summary are in commands.ts, so that help for all loads none of them.
 */
export interface Command {
  readonly arguments: readonly Argument[];
  readonly options: Readonly<Record<string, Option>>;
  /** What is worth knowing beyond the summary; a paragraph each. */
  readonly about: readonly string[];
  readonly examples: readonly Example[];
  /** Resolves with the exit code; throws Failure for what went wrong in a known way. */
  run(context: Context): Promise<number>;
}

export interface Argument {
  readonly name: string;
  readonly says: string;
  readonly required: boolean;
}

export interface Option {
  readonly says: string;
  /** What its value is called in help; null = a flag without value. */
  readonly value: string | null;
  /** The only values that make sense, when they are few. */
  readonly oneOf?: readonly string[];
}

export interface Example {
  readonly says: string;
  /** Without the leading `patchrelay`. */
  readonly line: string;
}

/** What a command is given. */
export interface Context {
  readonly host: Host;
  /** The whole answer is one JSON document, and errors are problem documents. */
  readonly json: boolean;
  /** The answer goes to a person's terminal: tables, relative times, clipped titles. */
  readonly terminal: boolean;
  readonly color: boolean;
  readonly style: Style;
  /** Most items of a list; null = not said. */
  readonly limit: number | null;
  readonly cursor: string | null;
  /** The value of --config. */
  readonly configFlag: string | null;
  /** A declared argument; throws a Bug when it is optional and was left out. */
  argument(name: string): string;
  optional(name: string): string | null;
  flag(name: string): boolean;
  value(name: string): string | null;
  /** Where database and relay are; throws Failure with what is wrong with the config. */
  located(): Extract<Location, { ok: true }>;
  /** That the configuration has problems, which is also noted; null = it has none. The full check: not for quick commands. */
  problems(): Promise<string | null>;
  /** What the relay keeps, read-only; null = no relay has run here yet. Opened once, closed when the command ends. */
  kept(): Promise<Views | null>;
  /** The same; throws Failure (exit 3) when no relay has run here yet. */
  views(): Promise<Views>;
  /** The running relay. */
  relay(): RelayApi;
  /** A line of the answer. */
  readonly say: (line: string) => void;
  /** The answer as a document, or as lines for a person. */
  answer(document: unknown, lines: () => readonly string[]): void;
  /** A remark beside the answer, on standard error; nothing with --json. */
  readonly note: (line: string) => void;
  /** Fires on SIGINT or SIGTERM; from the first call on they no longer end the process by themselves. */
  interrupted(): AbortSignal;
  /** Calls `act` when the command ends, however it ends. */
  onClose(act: () => void): void;
}

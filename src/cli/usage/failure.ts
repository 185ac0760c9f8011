import { problemText } from "../../settings/load/problem.ts";
import type { Problem } from "../../settings/load/problem.ts";

/** 1 failed, 2 wrong usage, 3 not found, 4 the relay cannot be reached. Scripts rely on them. */
export type FailureCode = 1 | 2 | 3 | 4;

/** Why a command could not do what was asked: told on standard error, ends with `exitCode`. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly exitCode: FailureCode;
  /** Stable, for programs: the end of the problem document's `type`. */
  readonly code: string;
  readonly hint: string | null;
  /** As HTTP would answer. */
  readonly status: number;
  constructor(
    exitCode: FailureCode,
    code: string,
    message: string,
    more: { readonly hint?: string | null; readonly status?: number } = {},
  ) {
    super(message);
    this.exitCode = exitCode;
    this.code = code;
    this.hint = more.hint ?? null;
    this.status = more.status ?? STATUS[exitCode];
  }
}

const STATUS: Readonly<Record<FailureCode, number>> = { 1: 500, 2: 400, 3: 404, 4: 503 };

const TITLES: Readonly<Record<FailureCode, string>> = {
  1: "Failed",
  2: "Wrong usage",
  3: "Not found",
  4: "Relay not reachable",
};

/** The same as a problem document (RFC 9457), as HTTP answers them. */
export function problemDocument(failure: Failure): Readonly<Record<string, string | number>> {
  return {
    type: `urn:patchrelay:problem:${failure.code}`,
    title: TITLES[failure.exitCode],
    status: failure.status,
    detail: failure.message,
    ...(failure.hint === null ? {} : { hint: failure.hint }),
  };
}

/** The arguments make no sense. */
export function wrongUsage(message: string, hint: string | null = null): Failure {
  return new Failure(2, "wrong_usage", message, { hint });
}

/** What was named is not there. */
export function notFound(message: string, hint: string | null = null): Failure {
  return new Failure(3, "not_found", message, { hint });
}

/** Configuration or credentials cannot be used; every problem a line of its own. */
export function badSettings(problems: readonly Problem[]): Failure {
  return new Failure(1, "bad_settings", problems.map(problemText).join("\n"));
}

const KNOWN: ReadonlySet<string> = new Set([
  "AlreadyRunning",
  "DatabaseNewer",
  "DatabaseForeign",
  "DatabaseDamaged",
  "ExternalError",
  "ProcessNotStarted",
]);

/** Whatever was thrown, as a failure. Faults of reading name themselves; their messages are for people. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return new Failure(1, "failed", String(error));
  // By name: a part that the bundle loads apart has its own copy of this class, and the others belong to engines,
  // which this side does not know.
  if (error.name === "Failure") return error as Failure;
  if (error.name === "BadCursor") return wrongUsage(error.message);
  if (error.name === "NoDatabase") return notFound(error.message);
  return new Failure(1, KNOWN.has(error.name) ? codeOf(error.name) : "failed", error.message);
}

function codeOf(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}

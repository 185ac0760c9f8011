import { z } from "zod";
import { messageOf } from "../../../lib/assert.ts";
import type { ExternalFault } from "../../../lib/external.ts";
import { ExternalError } from "../../../lib/external.ts";

/** An answer that says no, as any of the two APIs gives it. */
interface Refusing {
  readonly status: number;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
}

// A secondary limit without a stated time asks for "at least one minute".
const SECONDARY_MS = 60_000;
const MAX_WAIT_MS = 2 * 60 * 60_000;

/** The cause of a fault that a request for less may not meet: it took too long, or asked for more than GitHub gives at once. */
class AskedTooMuch extends Error {
  override readonly name = "AskedTooMuch";
}

/** Whether the same in smaller parts may be answered. */
export function isTooMuch(error: unknown): boolean {
  return error instanceof ExternalError && error.cause instanceof AskedTooMuch;
}

/** `error` of a call named `what` as an ExternalError. `now`: Unix ms, for limits that say how long to wait. */
export function faultOf(error: unknown, what: string, now: number): Error {
  if (error instanceof ExternalError) return error;
  if (error instanceof Error && error.cause instanceof ExternalError) return error.cause;
  const refusing = refusingOf(error);
  if (refusing === null)
    return new ExternalError("unavailable", `${what}: ${messageOf(error)}`, { cause: error });
  return refusalOf(refusing, what, now);
}

/** An HTTP answer of status 300 or more. */
export function refusalOf(answer: Refusing, what: string, now: number): ExternalError {
  const { status } = answer;
  if (status >= 300 && status < 400)
    return new ExternalError(
      "not_found",
      `${what}: moved (${status}). Was the repository renamed or transferred? Set repository.name to its new name`,
    );
  const retryAt = limitedUntil(answer, now);
  const kind: ExternalFault = retryAt !== null ? "rate_limited" : kindOf(status);
  // GitHub's front gives up after ten seconds.
  const tooMuch = status === 502 || status === 504 ? { cause: new AskedTooMuch() } : {};
  return new ExternalError(kind, `${what}: ${status} ${firstLine(answer.message)}`, { retryAt, ...tooMuch });
}

function kindOf(status: number): ExternalFault {
  if (status === 401) return "unauthorized";
  if (status === 404 || status === 410) return "not_found";
  if (status === 409) return "conflict";
  // 408 and 5xx pass by themselves; every other 4xx is an answer that a retry will not change.
  return status >= 400 && status < 500 && status !== 408 ? "refused" : "unavailable";
}

// 403 or 429: primary limit = nothing remaining until the reset (Unix seconds), secondary = retry-after or a text.
function limitedUntil(answer: Refusing, now: number): number | null {
  if (answer.status !== 403 && answer.status !== 429) return null;
  const after = Number(answer.headers["retry-after"] ?? Number.NaN);
  if (after >= 0) return now + Math.min(MAX_WAIT_MS, after * 1_000);
  if (answer.headers["x-ratelimit-remaining"] === "0") return resetOf(answer.headers, now);
  const limited = answer.status === 429 || /rate limit|abuse detection/i.test(answer.message);
  return limited ? now + SECONDARY_MS : null;
}

function resetOf(headers: Readonly<Record<string, string>>, now: number): number {
  const reset = Number(headers["x-ratelimit-reset"] ?? Number.NaN) * 1_000;
  // A reset in the past or far away is the other clock's mistake, or ours.
  return reset > now && reset < now + MAX_WAIT_MS ? reset : now + SECONDARY_MS;
}

const Errors = z.array(
  z.object({
    type: z.string().nullish(),
    message: z.string().default("no reason given"),
    path: z.array(z.union([z.string(), z.number()])).nullish(),
  }),
);

/** What went wrong with one part of a GraphQL answer. */
export interface PartFault {
  /** Where in the data, by the names of the answer; empty = nowhere in particular. */
  readonly path: readonly (string | number)[];
  readonly fault: ExternalError;
}

/** The faults in a GraphQL answer of status 200. */
export function graphqlFaults(
  body: unknown,
  headers: Readonly<Record<string, string>>,
  what: string,
  now: number,
): readonly PartFault[] {
  const given =
    typeof body === "object" && body !== null ? (body as Record<string, unknown>)["errors"] : undefined;
  if (given === undefined || given === null || (Array.isArray(given) && given.length === 0)) return [];
  const errors = Errors.safeParse(given);
  if (!errors.success || errors.data.length === 0)
    return [{ path: [], fault: new ExternalError("unavailable", `${what}: errors without a reason`) }];
  return errors.data.map(({ type = null, message, path }) => {
    const story = `${what}: ${type ?? "error"} ${firstLine(message)}`;
    if (type === "RATE_LIMITED" || /rate limit/i.test(message)) {
      const limited = new ExternalError("rate_limited", story, { retryAt: resetOf(headers, now) });
      return { path: [], fault: limited };
    }
    const tooMuch = isAskedTooMuch(type, message) ? { cause: new AskedTooMuch() } : {};
    return { path: path ?? [], fault: new ExternalError(graphqlKind(type, message), story, tooMuch) };
  });
}

/**
 * The fault of the whole answer; null when there is none. Part of the data beside an error is no answer: lists would
 * look shorter than they are.
 */
export function graphqlFault(
  body: unknown,
  headers: Readonly<Record<string, string>>,
  what: string,
  now: number,
): ExternalError | null {
  return graphqlFaults(body, headers, what, now)[0]?.fault ?? null;
}

const TOO_MUCH: ReadonlySet<string> = new Set(["MAX_NODE_LIMIT_EXCEEDED", "RESOURCE_LIMITS_EXCEEDED"]);

function isAskedTooMuch(type: string | null, message: string): boolean {
  return TOO_MUCH.has(type ?? "") || (type === null && /something went wrong while executing/i.test(message));
}

/** The fields that this server says it does not have, by the faults of a query; empty = that is not what is wrong. */
export function undefinedFieldsIn(faults: readonly PartFault[]): readonly string[] {
  return faults.flatMap(({ fault }) => UNDEFINED_FIELD.exec(fault.message)?.slice(1) ?? []);
}

/** GitHub's own words; the second form is that of the schema's reference implementation. */
const UNDEFINED_FIELD = /(?:Field '|Cannot query field ")(\w+)(?:' doesn't exist on type|" on type)/;

function graphqlKind(type: string | null, message: string): ExternalFault {
  if (type === "NOT_FOUND") return "not_found";
  if (type === "STALE_DATA") return "conflict";
  if (type === "SERVICE_UNAVAILABLE" || type === "INTERNAL" || type === "TIMEOUT") return "unavailable";
  if (type === null && /something went wrong|timed? ?out|couldn't respond|try again/i.test(message))
    return "unavailable";
  return "refused";
}

// What Octokit throws for a status of 400 or more; 500 without a response is its sign for "no answer".
const RequestFault = z.object({
  status: z.number(),
  message: z.string(),
  response: z.object({ headers: z.record(z.string(), z.unknown()) }),
});

function refusingOf(error: unknown): Refusing | null {
  const parsed = RequestFault.safeParse(error);
  if (!parsed.success) return null;
  const headers = Object.fromEntries(
    Object.entries(parsed.data.response.headers).map(([name, value]) => [name, String(value)]),
  );
  return { status: parsed.data.status, message: parsed.data.message, headers };
}

function firstLine(message: string): string {
  const line = message.trimStart().startsWith("<")
    ? "a web page instead of an API answer"
    : (message.split("\n")[0] ?? "");
  return line.slice(0, 300);
}

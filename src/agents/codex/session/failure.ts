import type { FailureClass } from "../../../factory/facts/run.ts";
import type { RateLimits, TurnError } from "../process/protocol.ts";

export interface Failure {
  readonly failureClass: FailureClass;
  /** Unix ms; null = not stated. */
  readonly retryAt: number | null;
  readonly detail: string;
}

type Kind = "capacity" | "infrastructure" | "agent" | "policy";

/** `codexErrorInfo` as measured (an open union: unknown names are `unknown`). */
const KINDS: Readonly<Record<string, Kind>> = {
  usageLimitExceeded: "capacity",
  rateLimitExceeded: "capacity",
  serverOverloaded: "capacity",
  flexUnavailable: "capacity",
  policyCapacityUnavailable: "capacity",
  sessionBudgetExceeded: "capacity",
  unauthorized: "infrastructure",
  internalServerError: "infrastructure",
  sandboxError: "infrastructure",
  modelNotFound: "agent",
  contextWindowExceeded: "agent",
  badRequest: "agent",
  tooManyDenials: "agent",
  cyberPolicy: "policy",
  misalignmentPolicyViolation: "policy",
  inferenceHookDenied: "policy",
};

/** Failures of the connection; the status, where there was an answer, says whose fault it was. */
const CONNECTION = [
  "httpConnectionFailed",
  "responseStreamConnectionFailed",
  "responseStreamDisconnected",
  "responseTooManyFailedAttempts",
];

/** Messages of kind `other` that name the provider's or the network's fault. */
const PASSING = /stream disconnected|idle timeout|connection|timed? ?out|overloaded|unavailable/iu;

/** What a failed turn means for the run. `limits`: the newest rate limits Codex reported; `now`: Unix ms. */
export function failureOf(error: TurnError | null, limits: RateLimits | null, now: number): Failure {
  if (error === null) return { failureClass: "unknown", retryAt: null, detail: "codex gave no reason" };
  const { message, codexErrorInfo } = error;
  const name =
    typeof codexErrorInfo === "string" ? codexErrorInfo : (Object.keys(codexErrorInfo ?? {})[0] ?? "other");
  const failureClass = classOf(name, statusOf(codexErrorInfo), message);
  return {
    failureClass,
    retryAt: failureClass === "capacity" ? retryAt(name, message, limits, now) : null,
    detail: explain(name, statusOf(codexErrorInfo), message),
  };
}

function classOf(name: string, status: number | null, message: string): FailureClass {
  const kind = KINDS[name];
  if (kind !== undefined) return kind;
  if (CONNECTION.includes(name)) return status === 429 || status === 503 ? "capacity" : "infrastructure";
  if (name === "other") return PASSING.test(message) ? "infrastructure" : "agent";
  return "unknown";
}

function statusOf(cause: TurnError["codexErrorInfo"]): number | null {
  if (typeof cause !== "object" || cause === null) return null;
  const [detail] = Object.values(cause);
  const status = (detail as { readonly httpStatusCode?: unknown } | null | undefined)?.httpStatusCode;
  return typeof status === "number" ? status : null;
}

function retryAt(name: string, message: string, limits: RateLimits | null, now: number): number | null {
  const stated = /try again in ([\d.]+)\s*(ms|s|m|h)\b/u.exec(message);
  if (stated !== null) {
    const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[stated[2] ?? "s"] ?? 1_000;
    return Math.ceil(now + Number(stated[1]) * unit);
  }
  if (name !== "usageLimitExceeded") return null;
  // The message holds a date for people only. The windows that are used up decide; the last of them to open.
  const windows = [limits?.primary, limits?.secondary].filter((window) => window?.resetsAt);
  const full = windows.filter((window) => (window?.usedPercent ?? 0) >= 100);
  const times = (full.length > 0 ? full : windows.slice(0, 1)).map(
    (window) => (window?.resetsAt ?? 0) * 1_000,
  );
  const last = Math.max(0, ...times);
  return last > now ? last : null;
}

const HINTS: Readonly<Record<string, string>> = {
  unauthorized: "the model provider refused the credential (unauthorized)",
  modelNotFound: "the provider does not know the model; see agent.codex.model",
  contextWindowExceeded: "the conversation no longer fits into the model's context",
};

function explain(name: string, status: number | null, message: string): string {
  const hint = HINTS[status === 401 || status === 403 ? "unauthorized" : name];
  const said = message === "" ? name : message;
  return hint === undefined ? said : `${hint}: ${said}`;
}

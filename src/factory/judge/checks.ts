import { digest } from "../facts/hash.ts";
import { own } from "../facts/own.ts";
import type { Check, Head, PullRequest } from "../facts/pull-request.ts";
import type { Facts } from "../facts/facts.ts";
import type { Policy } from "../facts/policy.ts";

/**
 * What CI says about one head. Judged once all that counts have settled and a reading has confirmed that
 * nothing is missing: a single red or green webhook is never a verdict.
 */
export type Verdict =
  | { readonly kind: "unread" }
  /**
   * `names` have not finished. None: only whether `more` of them come, any at all, or those `expected`, is waited for.
   * `quietSince` (Unix ms): all that are awaited are required and have never been reported, and nothing has happened since;
   * null = something runs, or only silence is waited for.
   */
  | {
      readonly kind: "pending";
      readonly quietSince: number | null;
      readonly names: readonly string[];
      readonly more: boolean;
      readonly expected: readonly string[] | null;
      readonly until: number | null;
    }
  | { readonly kind: "unconfirmed"; readonly digest: string }
  /** There are more checks than were read, so whether all pass is not known. */
  | { readonly kind: "cut"; readonly checks: number }
  /** These have not come, although the repository is known to have them; null = whether it has any cannot be known. */
  | { readonly kind: "missing"; readonly expected: readonly string[] | null }
  | { readonly kind: "green"; readonly checks: number }
  /** `failing` leaves out what fails on the base branch too, unless nothing else fails (`baseToo`). */
  | { readonly kind: "red"; readonly failing: readonly Check[]; readonly baseToo: boolean }
  | { readonly kind: "blocked"; readonly blocked: readonly Check[] };

export const FAILED: ReadonlySet<string> = new Set(["failure", "timed_out", "startup_failure"]);
const BLOCKED: ReadonlySet<string> = new Set(["cancelled", "stale", "action_required"]);

export function verdictOf(facts: Facts, pullRequest: PullRequest, policy: Policy, now: number): Verdict {
  if (pullRequest.required === null) return { kind: "unread" };
  const head = own(pullRequest.heads, pullRequest.core.value.head);
  const required = pullRequest.required.value;
  if (head === undefined || head.confirmed === null) return { kind: "unread" };
  if (head.cut) return { kind: "cut", checks: Object.keys(head.checks).length };
  const counted = countedChecks(head, required);
  const missing = required.filter((name) => !counted.some((check) => check.name === name));
  const open = counted.filter((check) => check.status !== "completed").map((check) => check.name);
  const pending = {
    kind: "pending",
    names: [],
    more: counted.length > 0,
    expected: [],
    until: null,
    quietSince: null,
  } as const;
  if (missing.length > 0 || open.length > 0)
    return {
      ...pending,
      names: [...new Set([...open, ...missing])],
      more: false,
      quietSince: isQuiet(head) ? quietSince(facts, pullRequest, head) : null,
    };
  const now_ = headDigest(head.checks);
  if (now_ !== head.confirmed) return { kind: "unconfirmed", digest: now_ };
  const expected = required.length === 0 ? head.expected : [];
  const since = headSince(facts, pullRequest);
  const settled = settledAt(since, counted, policy);
  if (required.length === 0 && now < settled) return { ...pending, expected, until: settled };
  const failing = counted.filter((check) => FAILED.has(check.conclusion ?? ""));
  if (failing.length > 0) {
    const own = failing.filter((check) => !head.redOnBase.includes(check.name));
    return own.length > 0
      ? { kind: "red", failing: own, baseToo: false }
      : { kind: "red", failing, baseToo: true };
  }
  const blocked = counted.filter((check) => BLOCKED.has(check.conclusion ?? ""));
  if (blocked.length > 0) return { kind: "blocked", blocked };
  if (expected === null || expected.length > 0) {
    const until = Math.max(settled, lastSign(since, counted) + NO_START_MS);
    return now < until ? { ...pending, expected, until } : { kind: "missing", expected };
  }
  return { kind: "green", checks: counted.length };
}

/** The required checks, of every workflow that has one of that name, where the base branch requires any; else every check. */
export function countedChecks(head: Head, required: readonly string[]): readonly Check[] {
  const all = Object.entries(head.checks)
    .toSorted(([aKey, a], [bKey, b]) => compare(a.name, b.name) || compare(aKey, bKey))
    .map(([, check]) => check);
  return required.length === 0 ? all : all.filter((check) => required.includes(check.name));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Runners that are busy or away start late. What has not started after this long (ms) is a person's matter. */
const NO_START_MS = 1_800_000;

/** Whether none of its checks, required or not, is under way: one of them might start what is missing. */
function isQuiet({ checks }: Head): boolean {
  return Object.values(checks).every(({ status }) => status === "completed");
}

/** Since the last of its checks, else since we pushed it; null = of a head of others without any check nobody can say. */
function quietSince(facts: Facts, { core }: PullRequest, { checks }: Head): number | null {
  const times = Object.values(checks).map(({ at }) => at);
  if (times.length > 0) return Math.max(...times);
  return facts.runs.findLast(({ headAfter }) => headAfter === core.value.head)?.endedAt ?? null;
}

/** Without a list of required checks nobody says when all have come: wait for silence. */
function settledAt(since: number, checks: readonly Check[], policy: Policy): number {
  if (checks.length === 0) return since + policy.ci.noChecksSeconds * 1_000;
  return lastSign(0, checks) + policy.ci.settleSeconds * 1_000;
}

/** What follows on other checks is not late before those are done. */
function lastSign(since: number, checks: readonly Check[]): number {
  return Math.max(since, ...checks.map((check) => check.at));
}

/** Since when there is this head: a comment or a review moves the pull request's own time on, but not this one. */
function headSince(facts: Facts, { core, otherHead }: PullRequest): number {
  const sha = core.value.head;
  const run = facts.runs.findLast(({ headAfter }) => headAfter === sha);
  const seen = run === undefined ? (otherHead?.sha === sha ? otherHead.at : null) : run.endedAt;
  return Math.min(core.at, seen ?? core.at);
}

/** Changes whenever a check of the head starts, ends or is run again. */
export function headDigest(checks: Readonly<Record<string, Check>>): string {
  return digest(
    Object.entries(checks)
      .map(
        ([key, check]) =>
          `${key}=${check.id}/${check.status}/${check.conclusion}/${check.app === null ? check.at : 0}`,
      )
      .toSorted(),
  );
}

/** Names one outcome of a head's failing checks: a rerun that fails again is another one. */
export function failureKey(failing: readonly Check[]): string {
  return digest(failing.map((check) => `${check.name}=${check.id}/${check.at}`));
}

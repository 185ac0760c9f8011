import type { FailureClass, Outcome, RunEnd, ThreadReply } from "../factory/facts/facts.ts";
import { backoffMs, type Backoff } from "../lib/backoff.ts";

/** How a run ended, thrown from whatever step found out; the pipeline settles it. */
export class Ending extends Error {
  override readonly name = "Ending";
  readonly end: RunEnd;
  readonly question: { readonly text: string; readonly options: readonly string[] } | null;
  constructor(
    end: RunEnd,
    question: { readonly text: string; readonly options: readonly string[] } | null = null,
  ) {
    super(end.summary);
    this.end = end;
    this.question = question;
  }
}

/**
 * Which outcomes cost an attempt: those that say something about the work. What the world did, what a person
 * decided and what was overtaken is refunded.
 */
const CHARGED: Readonly<Record<Outcome, boolean>> = {
  published: true,
  no_change: true,
  answered: true,
  asked: false,
  failed: true,
  interrupted: false,
  superseded: false,
  stopped: false,
};
const REFUNDED: ReadonlySet<FailureClass> = new Set<FailureClass>(["capacity", "infrastructure"]);

export function ended(
  outcome: Exclude<Outcome, "failed">,
  summary: string,
  replies: readonly ThreadReply[] = [],
): RunEnd {
  return { outcome, failureClass: null, summary, retryAt: null, charged: CHARGED[outcome], replies };
}

/** A failure; classes that are not about the work are refunded and say when to try again (Unix ms). */
export function failed(failureClass: FailureClass, summary: string, retryAt: number | null): RunEnd {
  const refunded = REFUNDED.has(failureClass);
  return {
    outcome: "failed",
    failureClass,
    summary,
    retryAt: refunded ? retryAt : null,
    charged: !refunded,
    replies: [],
  };
}

/** 15 s, doubling, at most 10 min: what has failed for a passing reason is tried again soon, then less often. */
const AGAIN: Backoff = { firstMs: 15_000, factor: 2, maxMs: 600_000 };

export function retryTime(now: number, failuresBefore: number, fraction: number): number {
  return now + backoffMs(AGAIN, failuresBefore + 1, fraction);
}

import type { FailureClass, Outcome, RunReport, ThreadReply } from "../factory/facts/run.ts";

/** How a run ended, thrown from whatever step found out; the pipeline settles it. */
export class Ending extends Error {
  override readonly name = "Ending";
  readonly end: RunReport;
  readonly question: { readonly text: string; readonly options: readonly string[] } | null;
  constructor(
    end: RunReport,
    question: { readonly text: string; readonly options: readonly string[] } | null = null,
  ) {
    super(end.summary);
    this.end = end;
    this.question = question;
  }
}

/** How a run ended, other than by a failure. */
export function ended(
  outcome: Exclude<Outcome, "failed">,
  summary: string,
  replies: readonly ThreadReply[] = [],
): RunReport {
  return { outcome, failureClass: null, summary, retryAt: null, replies };
}

/** A failure. `retryAt`: when it may be tried again (Unix ms), which counts for faults that are not the work's. */
export function failed(failureClass: FailureClass, summary: string, retryAt: number | null): RunReport {
  return { outcome: "failed", failureClass, summary, retryAt, replies: [] };
}

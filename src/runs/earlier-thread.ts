import type { Run, RunCause, RunEnd } from "../factory/facts/run.ts";

/** An earlier run whose thread a run goes on in. */
export interface EarlierThread {
  readonly thread: string;
  /** What the agent believes it has written stands in the worktree only: the thread is of no use without that tree. */
  readonly unpublished: boolean;
}

/** What of a run tells which thread it goes on in. */
interface Row extends Pick<Run, "number" | "generation" | "thread"> {
  readonly cause: Pick<RunCause, "prompts">;
  readonly end: Pick<RunEnd, "outcome"> | null;
}

/**
 * The thread that a person's follow-up, or the answer to a question, belongs to; null when `run` begins one of its own.
 * None goes on past another head that overtook it, nor past a later run without a thread that may have emptied its tree.
 */
export function earlierThread({ runs }: { readonly runs: readonly Row[] }, run: Row): EarlierThread | null {
  if (run.cause.prompts.length === 0) return null;
  const earlier = runs.filter((row) => row.number < run.number && row.generation === run.generation);
  const last = earlier.findLast((row) => row.thread !== null);
  if (last === undefined || last.thread === null) return null;
  switch (last.end?.outcome) {
    case "published":
    case "no_change":
    case "answered":
      return { thread: last.thread, unpublished: false };
    case "asked":
    case "failed":
    case "interrupted":
    case "stopped": {
      const aside = earlier.some((row) => row.number > last.number && row.cause.prompts.length === 0);
      return aside ? null : { thread: last.thread, unpublished: true };
    }
    case "superseded":
    case undefined:
      return null;
  }
}

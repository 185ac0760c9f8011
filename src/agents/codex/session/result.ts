import { type FailureClass, NOTHING_SPENT, type Spent } from "../../../factory/facts/run.ts";
import type { AgentResult } from "../../agent.ts";
import type { Ending } from "../../limits.ts";
import { parseReport } from "../../report.ts";
import { failureOf } from "./failure.ts";
import type { RateLimits, Turn, TurnError } from "../process/protocol.ts";
import { Transcript } from "./transcript.ts";

/** All that is known when a turn is over. */
export interface TurnStory {
  readonly transcript: Transcript;
  readonly spent: Spent;
  /** The last error that Codex did not want to retry. */
  readonly error: TurnError | null;
  readonly limits: RateLimits | null;
}

/** How a turn that Codex ended is told. `now`: Unix ms. Pure. */
export function resultOf(turn: Turn, story: TurnStory, ending: Ending | null, now: number): AgentResult {
  const { transcript } = story;
  switch (turn.status) {
    case "completed":
      if (transcript.ran === 0 && transcript.unstartable > 0) {
        return failed(story, {
          failureClass: "infrastructure",
          detail: `no command could start in Codex's sandbox (${transcript.sandboxError}): the host must allow user namespaces, and agent.codex.home must not lie below the system's temporary directory`,
        });
      }
      return { ...common(story), how: "completed", detail: "the turn completed" };
    case "interrupted":
      return endedResult(story, ending ?? { failureClass: null, detail: "codex ended the turn early" });
    case "failed": {
      if (ending !== null) return endedResult(story, ending);
      const failure = failureOf(turn.error ?? story.error, story.limits, now);
      return { ...failed(story, failure), retryAt: failure.retryAt };
    }
    default: {
      const detail = `codex ended the turn with the unknown status ${turn.status}`;
      return failed(story, { failureClass: "unknown", detail });
    }
  }
}

/** How a turn is told that we ended, or that ended without Codex saying so. Pure. */
export function endedResult(story: TurnStory, ending: Ending): AgentResult {
  if (ending.failureClass === null) {
    return { ...common(story), how: "interrupted", report: null, detail: ending.detail };
  }
  return failed(story, { failureClass: ending.failureClass, detail: ending.detail });
}

/** The story of a turn that never began. */
export function emptyStory(): TurnStory {
  return { transcript: new Transcript(), spent: NOTHING_SPENT, error: null, limits: null };
}

function failed(
  story: TurnStory,
  failure: { readonly failureClass: FailureClass; readonly detail: string },
): AgentResult {
  const { failureClass, detail } = failure;
  return { ...common(story), how: "failed", failureClass, detail, report: null };
}

function common(story: TurnStory): Omit<AgentResult, "how" | "detail"> {
  const { ran, unstartable, words } = story.transcript;
  return {
    failureClass: null,
    retryAt: null,
    report: parseReport(words),
    text: words,
    spent: story.spent,
    commands: { ran, unstartable },
  };
}

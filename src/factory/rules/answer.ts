import type { MergeUnderWay } from "../judge/merging.ts";
import type { FactoryState } from "../facts/state.ts";
import { sentences } from "../words.ts";
import type { Step } from "./decision.ts";

/** What a row of the decision table gives: where the issue stands, what is next, and why. */
export interface Answer {
  readonly state: FactoryState;
  readonly step: Step;
  /** Whole sentences. */
  readonly why: string;
  /** A phrase to follow "waiting for". */
  readonly waitsFor: string | null;
  /** When time alone may change it (Unix ms). */
  readonly until: number | null;
  /** For a step `run`: the state while the run may not start yet. */
  readonly refused?: FactoryState;
}

/** Nothing is done; `until` (Unix ms) when time alone may change that. */
export function waiting(
  state: FactoryState,
  why: string,
  waitsFor: string | null,
  until: number | null = null,
): Answer {
  return { state, step: { kind: "wait" }, why, waitsFor, until };
}

/** The same answer, and meanwhile the merge that we requested is cancelled: only ours, never a person's. */
export function cancelling(answer: Answer, merge: MergeUnderWay | null): Answer {
  if (merge === null) return answer;
  if (merge.refused !== null)
    return { ...answer, why: sentences(answer.why, `The merge could not be cancelled: ${merge.refused}`) };
  return { ...answer, step: { kind: "cancel_merge", request: merge.request } };
}

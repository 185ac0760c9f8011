import type { Question } from "../facts/ticket.ts";
import type { RunCause, StopReason } from "../facts/run.ts";
import type { MergeBasis } from "../facts/request.ts";
import type { RefusalName } from "../judge/budget.ts";
import type { RunType } from "../facts/run-types.ts";
import type { FactoryState } from "../facts/state.ts";

/** What should happen next. */
export type Step =
  | { readonly kind: "wait" }
  | { readonly kind: "run"; readonly type: RunType; readonly cause: RunCause }
  | { readonly kind: "stop_run"; readonly reason: StopReason }
  | {
      readonly kind: "ask";
      readonly about: Question["about"];
      readonly question: string;
      readonly text: string;
      readonly options: readonly string[];
    }
  | {
      readonly kind: "rerun";
      readonly key: string;
      readonly head: string;
      /** Which outcome of the checks it answers. */
      readonly failure: string;
      readonly workflowRuns: readonly string[];
    }
  | { readonly kind: "update_branch"; readonly head: string; readonly attempt: number }
  | { readonly kind: "merge"; readonly basis: MergeBasis }
  /** `request`: key of the merge that is cancelled. */
  | { readonly kind: "cancel_merge"; readonly request: string }
  /** The time for a question is over: it is read once more whether anybody has answered it. */
  | { readonly kind: "call_in"; readonly question: string }
  | { readonly kind: "escalate" }
  | { readonly kind: "finish" };

/** The answer of `decide`: where the issue stands, what is next, and why, in words for people. */
export interface Decision {
  readonly state: FactoryState;
  readonly step: Step;
  /** Name of the row that won; a run that it called for and that was refused adds the reason: `rule/refusal`. */
  readonly rule: string;
  /** Why the run that the row called for does not start; null = none was called for, or it does. */
  readonly refusal: RefusalName | null;
  /** In whole sentences, see words.ts. */
  readonly why: string;
  /** What it waits for, as a phrase to follow "waiting for"; null = nothing, it acts or has ended. */
  readonly waitsFor: string | null;
  /** When time alone changes the answer (Unix ms); the engine wakes the issue then. */
  readonly until: number | null;
}

/** One fact that a decision rests on, for `patchrelay why`. */
export interface Evidence {
  readonly fact: string;
  readonly value: string;
  /** Who says so: the tracker's or forge's name, `operator`, `run`, `config`; null = nobody has said anything. */
  readonly source: string | null;
  readonly at: number | null;
}

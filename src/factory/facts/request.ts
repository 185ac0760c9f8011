import type { IssueId } from "./ids.ts";
import type { MergePolicyName } from "./policy.ts";

/** What we ask of the forge and hear the answer to, as data; `key` makes asking twice asking once. */
export type ForgeRequest =
  | Asking<
      "merge",
      {
        number: number;
        head: string;
        method: "squash" | "merge" | "rebase";
        policy: MergePolicyName;
        label: string | null;
        basis: MergeBasis;
      }
    >
  // `request`: key of the merge to cancel; `retriedAt`: the `retry` after which it is requested again.
  | Asking<"cancel_merge", { number: number; request: string; retriedAt: number | null }>
  // `failure`: which outcome of the checks it answers.
  | Asking<"rerun_checks", { head: string; failure: string; workflowRuns: readonly string[] }>
  // `head`: what the base is merged into; `attempt`: 1 = the first for it.
  | Asking<"update_branch", { number: number; head: string; attempt: number }>;

type Asking<K extends string, F> = {
  readonly kind: K;
  readonly key: string;
  readonly issue: IssueId;
} & Readonly<F>;

/** A request of ours and the forge's answer to it. */
export interface Answered {
  /** Of the effect that asked: the same answer told twice is one. */
  readonly key: string;
  readonly at: number;
  readonly ok: boolean;
  readonly detail: string;
  readonly because: NotYet | null;
}

/** A merge that we asked for. */
export interface MergeRequest extends Answered {
  readonly number: number;
  readonly head: string;
  readonly basis: MergeBasis;
}

/** What a request to merge rests on. On the same basis it is made once, until it is answered. */
export interface MergeBasis {
  /** Digest of what begins a new round for the same head: a way out of the queue, a person's newer word, a `retry`. */
  readonly round: string;
  /** Digest of what the forge judges a merge by, as far as we have read it. */
  readonly reading: string;
  /** 1 = the first request for this head. */
  readonly attempt: number;
}

/** A request to merge that we cancelled, or tried to. */
export interface MergeCancellation extends Answered {
  readonly number: number;
  /** Key of the request; auto-merge that is ours by the forge's word alone has one too. */
  readonly request: string;
  /** The operator's `retry` after which it was requested (Unix ms): each requests it again. Null = there was none. */
  readonly retriedAt: number | null;
}

/** A rerun of the failed jobs of a head. */
export interface CheckRerun extends Answered {
  readonly head: string;
  /** Which outcome of the checks it answers (`failureKey`). */
  readonly failure: string;
}

/** The base that we had the forge merge into the pull request's branch. */
export interface BranchUpdate extends Answered {
  readonly number: number;
  /** The head before. */
  readonly head: string;
}

/**
 * Why a no is not the last word. `held`: the forge waits for what the rules of the base branch still ask for.
 * `unwanted`: it was not carried out, since by then it was no longer wanted.
 */
export type NotYet = "held" | "unwanted";

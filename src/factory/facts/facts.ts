import type { Actor } from "./actor.ts";
import type { IssueId } from "./ids.ts";
import type { PastPullRequest, PullRequest } from "./pull-request.ts";
import type { BranchUpdate, CheckRerun, MergeCancellation, MergeRequest } from "./request.ts";
import type { Run } from "./run.ts";
import type { Stamped } from "./stamp.ts";
import type { Conversation, Prompt, Question, Session, Ticket } from "./ticket.ts";

/** Raised when what is kept of facts no longer fits: a database that holds them is then refused, or migrated. */
export const FACTS_VERSION = 5;

/**
 * All we know about one issue: one document with a version. It holds what was true and since when, in the
 * source's own time, never what should be done about it: that is derived by `decide`.
 * Times are Unix milliseconds.
 */
export interface Facts {
  readonly v: typeof FACTS_VERSION;
  readonly id: IssueId;
  readonly createdAt: number;
  readonly ticket: Ticket;
  /** The newest news about the tracker's delegation. Whether we may work is derived from this, the sessions,
   * the prompts, the stops and the commands together (authority.ts). */
  readonly delegation: Stamped<{ readonly granted: boolean; readonly by: Actor }> | null;
  /** The newest time a person told us in the tracker to stop. */
  readonly stopped: Stamped<{ readonly by: Actor; readonly session: string | null }> | null;
  /** The newest operator's `stop` (false), `resume` or `retry` (true). */
  readonly commanded: Stamped<{ readonly granted: boolean; readonly by: Actor }> | null;
  /** The newest delegation, and the newest `resume` or `retry`, also when it was taken away since: it overtook the end before it. */
  readonly grants: {
    readonly delegation: Stamped<{ readonly by: Actor }> | null;
    readonly command: Stamped<{ readonly by: Actor }> | null;
  };
  /** An operator's pause: nothing new starts, an active run goes on. */
  readonly paused: Stamped<boolean> | null;
  /** A person's end of the matter (`close`, `cancel`); absorbs until a later authority. */
  readonly closed: { readonly at: number; readonly by: Actor; readonly how: "close" | "cancel" } | null;
  readonly sessions: Readonly<Record<string, Session>>;
  /** How we left each session in which we spoke, by its id (effects/conversation.ts). */
  readonly conversations: Readonly<Record<string, Conversation>>;
  readonly prompts: Readonly<Record<string, Prompt>>;
  readonly questions: Readonly<Record<string, Question>>;
  readonly project: ProjectFact | null;
  readonly pullRequest: PullRequest | null;
  /** Pull requests this issue had before: number, how each ended. Late news about them is history. */
  readonly past: readonly PastPullRequest[];
  readonly runs: readonly Run[];
  /** An operator's `retry`: budgets count from the run number given here. */
  readonly budgetReset: { readonly at: number; readonly afterRun: number } | null;
  /** A person's answer to try again: what the same trouble may cost counts after this run; 0 = nobody has said so. */
  readonly triedAfterRun: number;
  /** What the forge said to our requests, oldest first; of each kind the newest (observe/request.ts). */
  readonly merges: readonly MergeRequest[];
  readonly cancellations: readonly MergeCancellation[];
  readonly reruns: readonly CheckRerun[];
  readonly updates: readonly BranchUpdate[];
}

/** Where the issue goes: fixed when routed, so that a later edit of labels does not move a running issue. */
export interface ProjectFact {
  readonly id: string;
  readonly repository: string;
  readonly branch: string;
  /** What a read of the forge found wrong with the repository (no base branch, no access), or null. */
  readonly problem: Stamped<string | null> | null;
}

/** What we know about an issue before we know anything. */
export function emptyFacts(id: IssueId, at: number): Facts {
  return {
    v: FACTS_VERSION,
    id,
    createdAt: at,
    ticket: {
      workspace: null,
      core: null,
      status: null,
      blockers: null,
      removed: null,
      ownEnd: null,
      delegated: null,
    },
    delegation: null,
    stopped: null,
    commanded: null,
    grants: { delegation: null, command: null },
    paused: null,
    closed: null,
    sessions: {},
    conversations: {},
    prompts: {},
    questions: {},
    project: null,
    pullRequest: null,
    past: [],
    runs: [],
    budgetReset: null,
    triedAfterRun: 0,
    merges: [],
    cancellations: [],
    reruns: [],
    updates: [],
  };
}

/** Which pull request of the issue is the present one: 1 = the first. */
export function generationOf(facts: Facts): number {
  return facts.past.length + 1;
}

/** The run that is queued or in progress, if any. There is never more than one. */
export function activeRun(facts: Facts): Run | null {
  const last = facts.runs.at(-1);
  return last !== undefined && last.state !== "ended" ? last : null;
}

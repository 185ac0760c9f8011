import type { Actor } from "./actor.ts";
import type { Conversation } from "./conversation.ts";
import type { Glimpse } from "./glimpse.ts";
import type { IssueId } from "./ids.ts";
import type { CheckRerun, MergeCancellation, MergeRequest } from "./request.ts";
import type { RunType } from "./run-types.ts";

/** Raised when what is kept of facts no longer fits: a database that holds them is then refused, or migrated. */
export const FACTS_VERSION = 4;

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
  /** What the forge said to our requests, oldest first; of each kind the newest (observe/request.ts). */
  readonly merges: readonly MergeRequest[];
  readonly cancellations: readonly MergeCancellation[];
  readonly reruns: readonly CheckRerun[];
}

/** A value with the source's time of it. `read` marks an answer to our own question, which wins a tie. */
export interface Stamped<T> {
  readonly value: T;
  readonly at: number;
  readonly read: boolean;
}

/** The tracker's issue. Parts that sources report separately carry their own stamp. */
export interface Ticket {
  /** In which workspace of the tracker it is, by the tracker's id of that; null = nobody has said so. It never changes. */
  readonly workspace: string | null;
  readonly core: Stamped<TicketCore> | null;
  readonly status: Stamped<TicketStatus> | null;
  readonly blockers: Stamped<readonly Blocker[]> | null;
  /** Deleted or archived there; it may come back. Null = nobody has said so. */
  readonly removed: Stamped<boolean> | null;
  /** When the relay itself last completed it (Unix ms): that end is nobody's word. Null = it has not. */
  readonly ownEnd: number | null;
  /** Whether we had the issue when it was last read, where the tracker shows just that; null = it does not. */
  readonly delegated: Stamped<{ readonly granted: boolean; readonly by: Actor }> | null;
}

export interface TicketCore {
  readonly key: string;
  readonly title: string;
  readonly description: string;
  readonly url: string;
  readonly workspace: string | null;
  readonly team: string | null;
  readonly project: string | null;
  readonly labels: readonly string[];
  readonly creator: string | null;
}

export interface TicketStatus {
  readonly id: string;
  readonly name: string;
  /** When it was completed or cancelled (Unix ms); null = it is not, or the source does not say when. */
  readonly endedAt: number | null;
  readonly type:
    | "triage"
    | "backlog"
    | "unstarted"
    | "started"
    | "completed"
    | "canceled"
    | "duplicate"
    | "other";
}

export interface Blocker {
  readonly key: string;
  readonly done: boolean;
  /** A part of this issue rather than something before it. */
  readonly isSubIssue: boolean;
}

export interface Authority {
  readonly granted: boolean;
  readonly at: number;
  readonly cause: "delegated" | "mentioned" | "prompted" | "commanded" | "undelegated" | "stopped";
  readonly by: Actor;
}

/** A conversation of the tracker in which we are addressed (Linear: agent session). */
export interface Session {
  readonly id: string;
  readonly at: number;
  readonly by: Actor;
  /** Started by an automation, not a person: then we move no states and assign nobody. */
  readonly automatic: boolean;
}

/** Something a person told us. */
export interface Prompt {
  readonly id: string;
  readonly at: number;
  readonly by: Actor;
  readonly from: SaidTo;
  readonly session: string | null;
  readonly text: string;
}

/** Where a person said it: in the tracker, on the pull request, or to the relay itself. */
export type SaidTo = "tracker" | "forge" | "operator";

export interface Question {
  readonly id: string;
  readonly askedAt: number;
  /** `work`: the agent asks. `route`: the relay asks which project the issue is for; `offer`: whether to carry it out. */
  readonly about: "work" | "route" | "offer";
  /** The run that asks, or null when the relay itself does. */
  readonly run: number | null;
  readonly text: string;
  readonly options: readonly string[];
  /** Prompts that were there when it was asked; the first trusted one beyond them is the answer. */
  readonly known: readonly string[];
  readonly answer: {
    readonly at: number;
    readonly by: Actor;
    readonly text: string;
    readonly prompt: string | null;
  } | null;
}

/** Where the issue goes: fixed when routed, so that a later edit of labels does not move a running issue. */
export interface ProjectFact {
  readonly id: string;
  readonly repository: string;
  readonly branch: string;
  /** What a read of the forge found wrong with the repository (no base branch, no access), or null. */
  readonly problem: Stamped<string | null> | null;
}

export interface PullRequest {
  readonly number: number;
  readonly url: string;
  /** The forge's global id, for calls that need it (GitHub: node id). */
  readonly node: string | null;
  readonly repositoryId: string | null;
  readonly core: Stamped<PullRequestCore>;
  readonly mergeable: Stamped<{
    readonly head: string;
    readonly value: "yes" | "conflict" | "unknown";
  }> | null;
  /** Required check names of the base branch; null = not read yet; empty = none are required. */
  readonly required: Stamped<readonly string[]> | null;
  /** Whether the base branch has a merge queue. */
  readonly hasQueue: Stamped<boolean> | null;
  readonly heads: Readonly<Record<string, Head>>;
  readonly reviews: Readonly<Record<string, Review>>;
  readonly threads: Readonly<Record<string, Thread>>;
  readonly queue: Stamped<QueueEntry | null> | null;
  readonly autoMerge: Stamped<boolean> | null;
  /** Whether it is on and it was we who turned it on, as that reading tells. */
  readonly autoMergeOurs: boolean;
  /** Times the merge queue sent it away, by the forge's time. */
  readonly ejections: Readonly<Record<string, Ejection>>;
  /** The newest head that is not a push of ours, and so the one that budgets belong to. Null = all were ours. */
  readonly personHead: { readonly sha: string; readonly at: number } | null;
  /** Forge time of the newest whole reading. */
  readonly readAt: number | null;
  /** Our own time just before the newest whole reading was asked for: it tells of all that we did before then.
   * Null = it has not been read. */
  readonly readAskedAt: number | null;
  /** Something happened that only a reading can tell in full; gone once one is newer that was asked for after we
   * heard (`heardAt`, our own clock): the forge's whole seconds cannot tell which came first. */
  readonly hint: Hint | null;
}

/** News that tells less than a reading does. */
export interface Hint {
  readonly at: number;
  /** What the news was about, in words for people; sorted, each once. */
  readonly about: readonly string[];
  readonly heardAt: number;
}

export interface PullRequestCore {
  readonly state: "open" | "closed";
  readonly merged: boolean;
  readonly draft: boolean;
  readonly head: string;
  readonly branch: string;
  readonly base: string;
  readonly title: string;
  readonly closedAt: number | null;
}

export interface PastPullRequest {
  readonly number: number;
  readonly url: string;
  readonly branch: string;
  readonly merged: boolean;
  readonly at: number;
}

/** What is known about one commit: the head of the pull request or the commit of a merge group. */
export interface Head {
  readonly checks: Readonly<Record<string, Check>>;
  /** Digest of the checks as a read last saw them. Equal to the digest now = nothing is missing. */
  readonly confirmed: string | null;
  /** Forge time of that read. */
  readonly confirmedAt: number | null;
  /** Names that fail on the base branch too, as of that read. */
  readonly redOnBase: readonly string[];
  /** That read did not get to the end of the list: what else there is nobody knows. */
  readonly cut: boolean;
}

export interface Check {
  readonly name: string;
  /** The app that owns it (GitHub: app id), or null for a commit status. */
  readonly app: string | null;
  /** The forge's id of this check run (grows with each attempt); "0" for a commit status. */
  readonly id: string;
  readonly status: "queued" | "running" | "completed";
  readonly conclusion: Conclusion | null;
  readonly at: number;
  readonly url: string | null;
  /** The workflow run that can be run again, if it belongs to one. */
  readonly workflowRun: string | null;
  readonly summary: string | null;
}

export type Conclusion =
  | "success"
  | "neutral"
  | "skipped"
  | "failure"
  | "timed_out"
  | "startup_failure"
  | "cancelled"
  | "stale"
  | "action_required";

export interface Review {
  readonly id: string;
  readonly by: Actor;
  readonly state: "approved" | "changes_requested" | "commented" | "dismissed";
  readonly head: string;
  readonly at: number;
  readonly body: string;
}

/** A conversation on lines of the diff. */
export interface Thread {
  readonly id: string;
  readonly resolved: boolean;
  readonly path: string | null;
  readonly line: number | null;
  readonly comments: readonly {
    readonly id: string;
    readonly by: Actor;
    readonly at: number;
    readonly text: string;
  }[];
}

export interface QueueEntry {
  readonly state: string;
  readonly position: number | null;
  readonly at: number;
}

export interface Ejection {
  readonly at: number;
  readonly reason: "checks_failed" | "conflict" | "manual" | "merged" | "other";
  /** Taken out by our own account. */
  readonly ours: boolean;
  /** The commit that failed in the queue, if the forge says so. */
  readonly group: string | null;
  /** The head that was in the queue. */
  readonly head: string;
}

/** One attempt by an agent. Rows are never removed: budgets are counted from them. */
export interface Run {
  readonly number: number;
  readonly type: RunType;
  /** Which pull request of the issue it works for: 1 = the first. */
  readonly generation: number;
  /** Grows with every run of the issue; a step whose fence is no longer the newest does nothing. */
  readonly fence: number;
  readonly state: "queued" | "running" | "ended";
  readonly phase: RunPhase;
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly cause: RunCause;
  /** personHead when it was reserved: the attempts that share it share a budget. */
  readonly personHead: string | null;
  readonly headBefore: string | null;
  /** The commit it was about to push, known before the push: this is how our own push is recognised. */
  readonly headAfter: string | null;
  readonly thread: string | null;
  readonly turn: string | null;
  /** Prompts handed to the agent while it ran. */
  readonly steered: readonly string[];
  readonly stop: { readonly at: number; readonly reason: StopReason } | null;
  readonly end: RunEnd | null;
  readonly spent: Spent;
  /** What it is at, while it goes on; null = nothing of it has been shown. */
  readonly glimpse: Glimpse | null;
}

export type RunPhase = "reserve" | "prepare" | "work" | "verify" | "inspect" | "publish" | "settle";
export type StopReason = "stopped" | "undelegated" | "superseded" | "closed" | "merged" | "budget";

/** Why a run was started: what it answers, by id. `key` names the fact, so that one fact starts one run. */
export interface RunCause {
  readonly key: string;
  /** `issue`: all of it, or a repair of what was done for it. `message`: what the messages say. `answer`: the same, in words only. */
  readonly asks: "issue" | "message" | "answer";
  readonly head: string | null;
  readonly checks: readonly string[];
  readonly reviews: readonly string[];
  readonly ejection: string | null;
  readonly prompts: readonly string[];
}

/** How a run ended, as whoever carried it out reports it; what it costs is not theirs to say. */
export interface RunReport {
  readonly outcome: Outcome;
  readonly failureClass: FailureClass | null;
  /** What the agent says it did, or the reason it failed; for people. */
  readonly summary: string;
  /** Do not try again before this; null = at once. */
  readonly retryAt: number | null;
  readonly replies: readonly ThreadReply[];
}

export interface RunEnd extends RunReport {
  /** Whether the attempt counts against its budget. */
  readonly charged: boolean;
}

export type Outcome =
  | "published"
  | "no_change"
  | "answered"
  | "asked"
  | "failed"
  | "interrupted"
  | "superseded"
  | "stopped";

export type FailureClass =
  | "agent"
  | "capacity"
  | "infrastructure"
  | "test"
  | "build"
  | "lint"
  | "ci"
  | "conflict"
  | "policy"
  | "unknown";

export interface ThreadReply {
  readonly thread: string;
  readonly outcome: "fixed" | "answered" | "declined";
  readonly text: string;
}

export interface Spent {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  /** Null = the model's price is not known. */
  readonly usd: number | null;
}

export const NOTHING_SPENT: Spent = { input: 0, cached: 0, output: 0, usd: null };

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
    merges: [],
    cancellations: [],
    reruns: [],
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

import type { Actor } from "./actor.ts";
import type { Stamped } from "./stamp.ts";

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
  /** How the merge of the head stands by the rules of the base branch, as the newest whole reading tells; null = not read. */
  readonly mergeState: { readonly head: string; readonly value: MergeState } | null;
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
  /** The head, where it is not a push of ours, and since when we know of it. Null = it is ours. */
  readonly otherHead: { readonly sha: string; readonly at: number } | null;
  /** Its newest commits, oldest first, as the newest whole reading tells: whose word a head is (judge/pushes.ts). */
  readonly commits: readonly Commit[];
  /** The base of the newest whole reading; null = it has not been read. */
  readonly readBase: string | null;
  /** When it was last given another base, as that reading tells (Unix ms); null = never. */
  readonly baseChangedAt: number | null;
  /** Forge time of the newest whole reading. */
  readonly readAt: number | null;
  /** Our own time just before the newest whole reading was asked for: it tells of all that we did before then.
   * Null = it has not been read. */
  readonly readAskedAt: number | null;
  /** Something happened that only a reading can tell in full; gone once one is newer that was asked for after we
   * heard (`heardAt`, our own clock): the forge's whole seconds cannot tell which came first. */
  readonly hint: Hint | null;
}

/**
 * `open`: nothing that is required stands in the way. `behind`: only that the branch lacks commits of its base. `blocked`: a
 * rule is not met. `unknown`: the forge is still working it out, or it is a draft or conflicts, which is told elsewhere.
 */
export type MergeState = "open" | "behind" | "blocked" | "unknown";

/** A commit of the pull request's own, not of its base. */
export interface Commit {
  readonly sha: string;
  /** Who made it, by what the commit itself says; `us` = the relay, whoever has put it on another base since. */
  readonly by: "person" | "bot" | "us" | "unknown";
  /** For showing to people only. */
  readonly name: string | null;
  /** `base`: nothing but what the base brings. `unknown`: the base, and maybe more; nobody could tell. */
  readonly brings: "change" | "base" | "unknown";
  /** What stays the same when a machine puts it on another base. */
  readonly key: string;
  /** Names its content: two commits with the same files have the same. */
  readonly tree: string;
  /** When it was made, by its maker's clock (Unix ms). */
  readonly at: number;
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
  /** What is known to check a pull request and had not reported by that read, if it found nothing else amiss; null = unknown. */
  readonly expected: readonly string[] | null;
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
    /** The forge's id of the review that it is a part of; null = it names none. */
    readonly review: string | null;
  }[];
}

export interface QueueEntry {
  readonly state: string;
  readonly position: number | null;
  readonly at: number;
}

export interface Ejection {
  readonly at: number;
  /** `timeout`: the queue gave up waiting for checks, and none had failed. */
  readonly reason: "checks_failed" | "timeout" | "conflict" | "manual" | "merged" | "other";
  /** Taken out by our own account. */
  readonly ours: boolean;
  /** The commit that failed in the queue, if the forge says so. */
  readonly group: string | null;
  /** The head that was in the queue. */
  readonly head: string;
}

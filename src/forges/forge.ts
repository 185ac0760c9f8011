import type { IssueId } from "../factory/facts/ids.ts";
import type { Interpretation, Observation } from "../factory/facts/observation.ts";
import type { ThreadReply } from "../factory/facts/run.ts";
import type { MergePolicyName } from "../factory/facts/policy.ts";
import type { Refusal, RequestHeaders, VerifiedDelivery } from "../lib/delivery.ts";
import type { Signature } from "../lib/committer.ts";
import type { Secret } from "../lib/secrets/secret.ts";

/**
 * The seam to a forge. Same rules as Tracker: every call has a deadline and takes a signal, faults are
 * `ExternalError`s. A repository is named `owner/name`.
 */
export interface Forge {
  readonly name: string;
  open(headers: RequestHeaders, body: Buffer, now: number): VerifiedDelivery | Refusal;
  /** What a stored delivery says. Pure. Routed by repository id and pull request number or our own branch (see context). */
  interpret(body: unknown, event: string, context: ForgeContext): Interpretation;
  whoAmI(signal: AbortSignal): Promise<ForgeIdentity>;
  /** Author and committer of our commits: an address by which the forge shows our account beside them. */
  signature(signal: AbortSignal): Promise<Signature>;
  /** Whether the repository can be worked with; its default branch and the forge's own id. Throws ExternalError `not_found` when it is not there for us. */
  repository(repository: string, signal: AbortSignal): Promise<RepositoryReading>;
  /**
   * The pull request now as `pull_request_read`; by number, or by our branch (null when there is none). `background`: nobody
   * waits for it, so that it steps back where the forge's allowance runs low. Many at about the same time are read together.
   */
  readPullRequest(
    repository: string,
    which: { readonly number: number | null; readonly branch: string; readonly background?: boolean },
    signal: AbortSignal,
  ): Promise<Observation | null>;
  /** Finds the open pull request of the branch or makes it; updates title and body of one that is ours. Safe to repeat. */
  openPullRequest(
    request: OpenPullRequest,
    signal: AbortSignal,
  ): Promise<{ readonly number: number; readonly url: string }>;
  /** Adds a comment; the same `key` (kept as a hidden marker) adds it once. */
  comment(repository: string, number: number, key: string, text: string, signal: AbortSignal): Promise<void>;
  replyThreads(
    repository: string,
    number: number,
    key: string,
    replies: readonly ThreadReply[],
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Requests reviews from people, by login; never from the author, and not again from whom it is requested already. Gives
   * those of whom the forge refuses it, such as who has lost access. Safe to repeat.
   */
  requestReviews(
    repository: string,
    number: number,
    reviewers: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly RefusedReviewer[]>;
  /** Merges, enqueues or sets auto-merge as the branch allows; `detail` says which. `ok:false` = refused, with the forge's reason. */
  merge(request: MergeRequest, signal: AbortSignal): Promise<MergeAnswer>;
  cancelMerge(repository: string, number: number, signal: AbortSignal): Promise<void>;
  rerunChecks(
    repository: string,
    workflowRuns: readonly string[],
    signal: AbortSignal,
  ): Promise<{ readonly ok: boolean; readonly detail: string }>;
  /** Merges the base into the branch of a pull request whose head is `head`, sooner or later. `ok:false` = refused. */
  updateBranch(
    repository: string,
    number: number,
    head: string,
    signal: AbortSignal,
  ): Promise<{ readonly ok: boolean; readonly detail: string }>;
  closePullRequest(repository: string, number: number, signal: AbortSignal): Promise<void>;
  /** Failing checks of a commit with log excerpts (bounded), for a repair prompt. */
  checkFailures(
    repository: string,
    sha: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly CheckFailure[]>;
  /** Where git goes, and the credential for it (null = none needed). */
  gitRemote(
    repository: string,
    signal: AbortSignal,
  ): Promise<{ readonly url: string; readonly token: Secret | null }>;
}

export interface ForgeIdentity {
  readonly id: string;
  readonly login: string;
}

export interface ForgeContext {
  readonly us: ForgeIdentity | null;
  readonly receivedAt: number;
  /** The issue whose pull request this is. */
  byPullRequest(repositoryId: string, repository: string, number: number): IssueId | null;
  /** The issue that owns this branch of ours in this repository. */
  byBranch(repository: string, branch: string): IssueId | null;
  /** Issues that know this commit as a head or merge-group commit. */
  byCommit(repository: string, sha: string): readonly IssueId[];
  /** Issues whose pull request is open onto this branch. */
  byBase(repository: string, branch: string): readonly IssueId[];
}

export interface RepositoryReading {
  readonly id: string;
  readonly defaultBranch: string;
  /** Whether `branch` exists there. */
  hasBranch(branch: string, signal: AbortSignal): Promise<boolean>;
}

export interface OpenPullRequest {
  readonly repository: string;
  readonly branch: string;
  readonly base: string;
  readonly title: string;
  readonly body: string;
}

export interface MergeRequest {
  readonly repository: string;
  readonly number: number;
  readonly head: string;
  readonly method: "squash" | "merge" | "rebase";
  readonly policy: MergePolicyName;
  readonly label: string | null;
}

export interface RefusedReviewer {
  readonly login: string;
  /** The forge's reason. */
  readonly why: string;
}

export interface MergeAnswer {
  readonly ok: boolean;
  readonly detail: string;
  /** `held`: only the rules of the base branch are in the way yet, and nothing at the forge waits for them. */
  readonly because: "held" | null;
}

export interface CheckFailure {
  readonly check: string;
  readonly conclusion: string;
  readonly url: string | null;
  readonly summary: string | null;
  /** The end of the failing job's log, hidden characters removed; null when none is available. */
  readonly log: string | null;
}

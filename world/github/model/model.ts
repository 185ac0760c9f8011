import type { Clock } from "../../../src/lib/clock.ts";
import type { Randomness } from "../../../src/lib/ids.ts";
import type { UnderWay } from "../../wire.ts";
import type { CommitRecord, FileChanges, Git } from "../git/git.ts";

/** What a person may do in a repository. */
export type Permission = "admin" | "write" | "read" | "none";

export interface Person {
  readonly login: string;
  readonly id: number;
  readonly nodeId: string;
  readonly type: "User" | "Bot" | "Organization";
}

export type MergeMethod = "merge" | "squash" | "rebase";

/** What guards a branch. */
export interface Protection {
  /** Names of check runs or statuses that must pass. */
  readonly requiredChecks: readonly string[];
  readonly requiredApprovals: number;
  /** A push takes earlier approvals away. */
  readonly dismissStaleReviews: boolean;
  /** The head must contain the base's tip. */
  readonly strict: boolean;
  readonly mergeQueue: boolean;
  /** How the queue merges. */
  readonly mergeMethod: MergeMethod;
  /** How long the queue waits for the checks of a group, minutes. */
  readonly queueTimeoutMinutes: number;
  /** Where it is configured: branch rules, or the older branch protection. */
  readonly source: "ruleset" | "classic";
}

export type CheckStatus = "queued" | "in_progress" | "completed";
export type Conclusion =
  | "success"
  | "failure"
  | "neutral"
  | "cancelled"
  | "skipped"
  | "timed_out"
  | "action_required"
  | "stale"
  | "startup_failure";
export type StatusState = "error" | "failure" | "pending" | "success";
export type CiKind = "pull_request" | "merge_group" | "push";

export interface CheckApp {
  readonly id: number;
  readonly slug: string;
  readonly name: string;
}

export interface CheckSuite {
  readonly id: number;
  readonly nodeId: string;
  readonly sha: string;
  readonly commit: CommitRecord;
  readonly branch: string | null;
  readonly app: CheckApp;
  readonly createdAt: number;
  readonly workflowRun: WorkflowRun | null;
  status: CheckStatus;
  conclusion: Conclusion | null;
  updatedAt: number;
}

export interface CheckRun {
  readonly id: number;
  readonly nodeId: string;
  readonly name: string;
  readonly sha: string;
  readonly suite: CheckSuite;
  /** 1 for the first, raised by each re-run. */
  readonly attempt: number;
  readonly createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
  conclusion: Conclusion | null;
  log: string;
}

export interface WorkflowRun {
  readonly id: number;
  readonly nodeId: string;
  readonly kind: CiKind;
  readonly sha: string;
  readonly branch: string;
  readonly number: number;
  readonly actor: Person;
  readonly createdAt: number;
  attempt: number;
  status: CheckStatus;
  conclusion: Conclusion | null;
  updatedAt: number;
}

export interface CommitStatus {
  readonly id: number;
  readonly nodeId: string;
  readonly sha: string;
  readonly context: string;
  readonly state: StatusState;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly creator: Person;
  readonly createdAt: number;
}

export type ReviewState = "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED" | "DISMISSED";

export interface Review {
  readonly id: number;
  readonly nodeId: string;
  readonly author: Person;
  readonly commit: string;
  readonly submittedAt: number;
  body: string;
  state: ReviewState;
}

export interface ReviewComment {
  readonly id: number;
  readonly nodeId: string;
  readonly author: Person;
  readonly review: Review;
  readonly commit: string;
  readonly replyTo: number | null;
  readonly createdAt: number;
  updatedAt: number;
  body: string;
}

export interface Thread {
  readonly nodeId: string;
  readonly path: string;
  readonly line: number;
  readonly comments: ReviewComment[];
  outdated: boolean;
  resolvedBy: Person | null;
}

export interface IssueComment {
  readonly id: number;
  readonly nodeId: string;
  readonly author: Person;
  readonly createdAt: number;
  updatedAt: number;
  body: string;
}

/** GitHub's reasons for leaving the queue, as `pull_request.dequeued` names them. */
export type DequeueReason =
  | "UNKNOWN_REMOVAL_REASON"
  | "MANUAL"
  | "MERGE"
  | "MERGE_CONFLICT"
  | "CI_FAILURE"
  | "CI_TIMEOUT"
  | "QUEUE_CLEARED"
  | "BRANCH_PROTECTIONS";

export interface QueueEvent {
  readonly nodeId: string;
  readonly kind: "added" | "removed";
  readonly at: number;
  readonly actor: Person;
  readonly enqueuer: Person;
  readonly reason: DequeueReason | null;
  /** The group commit that was being checked. */
  readonly beforeCommit: string | null;
}

export interface QueueGroup {
  readonly sha: string;
  readonly ref: string;
  readonly baseSha: string;
  readonly cancelTimeout: () => void;
}

export interface QueueEntry {
  readonly nodeId: string;
  readonly pull: Pull;
  readonly enqueuer: Person;
  readonly enqueuedAt: number;
  group: QueueGroup | null;
}

interface AutoMerge {
  readonly enabledBy: Person;
  readonly enabledAt: number;
  readonly method: MergeMethod;
}

/** The part of a pull request that changes; replaced whole, so that a stale read can show an earlier one. */
export interface PullFields {
  readonly title: string;
  readonly body: string | null;
  readonly state: "open" | "closed";
  readonly draft: boolean;
  readonly headSha: string;
  readonly baseRef: string;
  /** The tip of the base when the head or base was last set. */
  readonly baseSha: string;
  readonly merged: boolean;
  readonly mergedAt: number | null;
  readonly mergedBy: Person | null;
  readonly mergeCommit: string | null;
  readonly closedAt: number | null;
  readonly autoMerge: AutoMerge | null;
  readonly labels: readonly string[];
  readonly updatedAt: number;
}

export interface Pull {
  readonly id: number;
  readonly nodeId: string;
  readonly number: number;
  readonly author: Person;
  readonly headRef: string;
  readonly createdAt: number;
  readonly reviews: Review[];
  readonly threads: Thread[];
  readonly comments: IssueComment[];
  /** Whose review is requested and has not come yet. */
  requested: readonly Person[];
  readonly queueEvents: QueueEvent[];
  /** Times somebody gave it another base. */
  readonly baseChanges: {
    readonly at: number;
    readonly from: string;
    readonly to: string;
    readonly actor: Person;
  }[];
  /** Earlier fields, oldest first, with the time at which each was replaced. */
  readonly past: { readonly until: number; readonly fields: PullFields }[];
  fields: PullFields;
}

/** Everything known about one commit's checks. */
export interface CommitChecks {
  readonly suites: CheckSuite[];
  readonly runs: CheckRun[];
  readonly statuses: CommitStatus[];
}

/** How a head stands to its base: computed by git, kept per pair of commits. */
export interface Shape {
  readonly mergeable: boolean;
  readonly behind: boolean;
  readonly commits: number;
  readonly changedFiles: number;
  readonly additions: number;
  readonly deletions: number;
}

export interface Repository {
  readonly id: number;
  readonly nodeId: string;
  readonly owner: Person;
  readonly name: string;
  readonly fullName: string;
  readonly private: boolean;
  readonly defaultBranch: string;
  readonly createdAt: number;
  readonly git: Git;
  readonly protections: Map<string, Protection>;
  readonly permissions: Map<string, Permission>;
  readonly pulls: Map<number, Pull>;
  readonly checks: Map<string, CommitChecks>;
  readonly workflowRuns: WorkflowRun[];
  /** Merge queue per base branch, head first. */
  readonly queues: Map<string, QueueEntry[]>;
  readonly shapes: Map<string, Shape>;
  /** Names that CI reported last time, per kind, so that the next one can announce them before it is done. */
  readonly ciNames: Map<CiKind, readonly string[]>;
  nextNumber: number;
  /** A setting of the repository: whether anybody may turn on auto-merge. */
  allowsAutoMerge: boolean;
  /** Work on this repository that changes it happens one at a time. */
  tail: Promise<void>;
}

/** One CI job: what a test's own CI is given to judge. */
export interface CiJob {
  readonly repository: string;
  readonly sha: string;
  readonly branch: string;
  readonly kind: CiKind;
  readonly attempt: number;
  /** A file of that commit, or null. */
  read(path: string): Promise<string | null>;
}

export interface CiResult {
  readonly name: string;
  readonly conclusion: Conclusion;
  readonly log?: string;
}

export type Ci = (job: CiJob) => Promise<readonly CiResult[]>;

/** One push, whoever made it. */
export interface PushRecord {
  readonly repository: string;
  readonly person: string;
  readonly ref: string;
  /** All zeros = created. */
  readonly before: string;
  /** All zeros = deleted. */
  readonly after: string;
  readonly forced: boolean;
  readonly at: number;
}

/** A ref that moved, and who moved it. */
export interface RefMove {
  readonly ref: string;
  readonly before: string;
  readonly after: string;
  readonly actor: Person;
}

/** What differs between repositories of the real GitHub; may be changed at any time. */
export interface Habits {
  /** CI also runs for every push, whatever the branch: a pull request's head then has each job twice. */
  ciOnEveryPush: boolean;
  /** False = as for a private repository on a free plan: rules and protection of branches answer 403. */
  hasBranchRules: boolean;
  /** A machine that pushes after every push by others to the branch of a pull request, as autofix.ci and pre-commit.ci do. */
  formatter: Formatter | null;
  /** Connections that a GraphQL query may ask for; one that asks for more takes too long and is answered 502. */
  graphqlRequests: number;
  /** GitHub promises no order of webhooks: the comments of a review come before the review itself. */
  commentsFirst: boolean;
}

export interface Formatter {
  readonly login: string;
  /** What it changes at this tip; null = it is content. */
  changes(read: (path: string) => Promise<string | null>): Promise<FileChanges | null>;
}

/** What every part of the model works with. */
export interface Core {
  readonly habits: Habits;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly urls: { readonly api: string; readonly web: string };
  readonly people: Map<string, Person>;
  readonly repositories: Map<string, Repository>;
  readonly actions: CheckApp;
  readonly work: UnderWay;
  readonly pushes: PushRecord[];
  /** So many of the next reads of a pull request find its mergeability not computed yet. */
  readonly doubts: { left: number };
  readonly problem: (story: string) => void;
  /** Resolves when the stand-in closes: a CI that is still working is not waited for. */
  readonly closed: Promise<void>;
  readonly nextId: () => number;
  /** Signs and sends a webhook; `payload` lacks the fields common to all. */
  readonly emit: (
    repository: Repository,
    event: string,
    action: string | null,
    sender: Person,
    payload: Record<string, unknown>,
  ) => void;
  /** What follows from a change; set once by the composition, so that the parts do not import each other. */
  readonly after: {
    /** Checks, reviews or pull requests changed: what waits for them (queue, auto-merge) looks again. */
    changed: (repository: Repository) => void;
    /** A commit appeared whose CI is due. */
    commit: (repository: Repository, sha: string, branch: string, kind: CiKind, actor: Person) => void;
    /** A ref was moved, made (`before` all zeros) or deleted (`after` all zeros). */
    moved: (repository: Repository, move: RefMove) => Promise<void>;
  };
}

export const NO_COMMIT = "0".repeat(40);

/** A time as GitHub writes it: whole seconds. */
export function stamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

/** The person of that login. Throws for an unknown one, saying how to add them. */
export function personOf(core: Core, login: string): Person {
  const person = core.people.get(login);
  if (person === undefined)
    throw new Error(
      `nobody is called "${login}" here: add them with addPerson or createRepository({people})`,
    );
  return person;
}

export function addPerson(core: Core, login: string, type: Person["type"]): Person {
  const known = core.people.get(login);
  if (known !== undefined) return known;
  const id = core.nextId();
  const person = { login, id, nodeId: `${type === "Bot" ? "BOT" : "U"}_${id}`, type };
  core.people.set(login, person);
  return person;
}

export function permissionOf(repository: Repository, person: Person): Permission {
  if (repository.owner.login === person.login) return "admin";
  return repository.permissions.get(person.login) ?? (repository.private ? "none" : "read");
}

export function mayWrite(repository: Repository, person: Person): boolean {
  const permission = permissionOf(repository, person);
  return permission === "admin" || permission === "write";
}

/** GitHub's `author_association`, derived from the permission. */
export function associationOf(repository: Repository, person: Person): string {
  if (repository.owner.login === person.login) return "OWNER";
  const permission = permissionOf(repository, person);
  if (permission === "admin") return "MEMBER";
  if (permission === "write") return "COLLABORATOR";
  const merged = [...repository.pulls.values()].some(
    (pull) => pull.author.login === person.login && pull.fields.merged,
  );
  return merged ? "CONTRIBUTOR" : "NONE";
}

const KEPT_PAST = 64;

/** Changes a pull request, keeping what it was for stale reads. */
export function change(core: Core, pull: Pull, patch: Partial<PullFields>): void {
  const at = core.clock.now();
  pull.past.push({ until: at, fields: pull.fields });
  if (pull.past.length > KEPT_PAST) pull.past.shift();
  pull.fields = { ...pull.fields, updatedAt: at, ...patch };
}

/** The fields as they were at `at` (Infinity = now). */
export function fieldsAt(pull: Pull, at: number): PullFields {
  return pull.past.find((entry) => entry.until > at)?.fields ?? pull.fields;
}

export function checksOf(repository: Repository, sha: string): CommitChecks {
  let checks = repository.checks.get(sha);
  if (checks === undefined) {
    checks = { suites: [], runs: [], statuses: [] };
    repository.checks.set(sha, checks);
  }
  return checks;
}

/** The checks of a commit without making a record for one that has none. */
export function seenChecks(repository: Repository, sha: string): CommitChecks {
  return repository.checks.get(sha) ?? { suites: [], runs: [], statuses: [] };
}

export function queueOf(repository: Repository, base: string): QueueEntry[] {
  let queue = repository.queues.get(base);
  if (queue === undefined) {
    queue = [];
    repository.queues.set(base, queue);
  }
  return queue;
}

/** Where the pull request stands in the queue of its base, or null. */
export function queueEntryOf(repository: Repository, pull: Pull): QueueEntry | null {
  for (const queue of repository.queues.values()) {
    const entry = queue.find((candidate) => candidate.pull === pull);
    if (entry !== undefined) return entry;
  }
  return null;
}

/** Runs `work` when all earlier work on this repository is over. Not to be nested. */
export async function exclusive<T>(repository: Repository, work: () => Promise<T>): Promise<T> {
  const before = repository.tail;
  let done: () => void = () => undefined;
  repository.tail = new Promise<void>((resolve) => {
    done = resolve;
  });
  try {
    await before;
    return await work();
  } finally {
    done();
  }
}

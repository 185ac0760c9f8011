import type {
  CheckRun,
  CheckStatus,
  CommitStatus,
  Conclusion,
  Core,
  Protection,
  Pull,
  Repository,
  Review,
  Shape,
  StatusState,
} from "./model.ts";
import { fieldsAt, mayWrite, seenChecks } from "./model.ts";

/** Where a check run stood at `at`; null = it did not exist yet. */
export function runAt(
  run: CheckRun,
  at: number,
): { status: CheckStatus; conclusion: Conclusion | null } | null {
  if (run.createdAt > at) return null;
  if (run.completedAt !== null && run.completedAt <= at)
    return { status: "completed", conclusion: run.conclusion };
  return {
    status: run.startedAt !== null && run.startedAt <= at ? "in_progress" : "queued",
    conclusion: null,
  };
}

/** The check runs of a commit, the newest per suite and name: two workflows may have a job of the same name. */
export function latestRuns(repository: Repository, sha: string, at: number): CheckRun[] {
  const latest = new Map<string, CheckRun>();
  for (const run of seenChecks(repository, sha).runs) {
    if (run.createdAt <= at) latest.set(`${run.suite.id} ${run.name}`, run);
  }
  return [...latest.values()];
}

/** The statuses of a commit, the newest per context. */
export function latestStatuses(repository: Repository, sha: string, at: number): CommitStatus[] {
  const latest = new Map<string, CommitStatus>();
  for (const status of seenChecks(repository, sha).statuses) {
    if (status.createdAt <= at) latest.set(status.context, status);
  }
  return [...latest.values()];
}

function stateOfRun(run: CheckRun, at: number): StatusState {
  const seen = runAt(run, at);
  if (seen === null || seen.status !== "completed") return "pending";
  return passes(seen.conclusion) ? "success" : "failure";
}

/** GitHub lets `success`, `neutral` and `skipped` pass. */
export function passes(conclusion: Conclusion | null): boolean {
  return conclusion === "success" || conclusion === "neutral" || conclusion === "skipped";
}

/** One state for all checks and statuses of a commit; null when it has none. */
export function rollupState(repository: Repository, sha: string, at: number): StatusState | null {
  const states = [
    ...latestRuns(repository, sha, at).map((run) => stateOfRun(run, at)),
    ...latestStatuses(repository, sha, at).map((status) => status.state),
  ];
  if (states.length === 0) return null;
  return (["error", "failure", "pending"] as const).find((state) => states.includes(state)) ?? "success";
}

/** How the required checks stand on a commit: `absent` ones are still expected. */
export function requiredState(
  repository: Repository,
  sha: string,
  required: readonly string[],
  at: number,
): "success" | "failure" | "pending" {
  const runs = latestRuns(repository, sha, at);
  const statuses = latestStatuses(repository, sha, at);
  const states = required.flatMap((name) => {
    const found = [
      ...runs.filter((run) => run.name === name).map((run) => stateOfRun(run, at)),
      ...statuses.filter((status) => status.context === name).map((status) => status.state),
    ];
    return found.length === 0 ? (["pending"] as const) : found;
  });
  if (states.some((state) => state === "failure" || state === "error")) return "failure";
  return states.includes("pending") ? "pending" : "success";
}

export function protectionOf(repository: Repository, branch: string): Protection | null {
  return repository.protections.get(branch) ?? null;
}

/** The newest opinion of each reviewer: comments take nothing back. */
export function latestOpinions(
  repository: Repository,
  pull: Pull,
  at: number,
  writersOnly: boolean,
): Review[] {
  const latest = new Map<string, Review>();
  for (const review of pull.reviews) {
    if (review.submittedAt > at || review.state === "COMMENTED") continue;
    if (writersOnly && !mayWrite(repository, review.author)) continue;
    latest.set(review.author.login, review);
  }
  return [...latest.values()];
}

export type ReviewDecision = "APPROVED" | "CHANGES_REQUESTED" | "REVIEW_REQUIRED";

/** Null where the base asks for no review. */
export function reviewDecision(repository: Repository, pull: Pull, at: number): ReviewDecision | null {
  const needed = protectionOf(repository, fieldsAt(pull, at).baseRef)?.requiredApprovals ?? 0;
  if (needed === 0) return null;
  const opinions = latestOpinions(repository, pull, at, true);
  if (opinions.some((review) => review.state === "CHANGES_REQUESTED")) return "CHANGES_REQUESTED";
  return opinions.filter((review) => review.state === "APPROVED").length >= needed
    ? "APPROVED"
    : "REVIEW_REQUIRED";
}

const KEPT_SHAPES = 500;

/** How `head` stands to `base`, asked of git once per pair. */
async function shapeOf(repository: Repository, base: string, head: string): Promise<Shape> {
  const key = `${base} ${head}`;
  const known = repository.shapes.get(key);
  if (known !== undefined) return known;
  const [tree, behind, commits, delta] = await Promise.all([
    repository.git.mergeTree(base, head),
    repository.git.isAncestor(base, head),
    repository.git.count(base, head),
    repository.git.diff(base, head),
  ]);
  const shape: Shape = {
    mergeable: tree !== null,
    behind: !behind,
    commits,
    changedFiles: delta.length,
    additions: delta.reduce((sum, file) => sum + file.additions, 0),
    deletions: delta.reduce((sum, file) => sum + file.deletions, 0),
  };
  repository.shapes.set(key, shape);
  const oldest = repository.shapes.keys().next();
  if (repository.shapes.size > KEPT_SHAPES && oldest.done !== true) repository.shapes.delete(oldest.value);
  return shape;
}

/** The shape of a pull request against the tip of its base as it is now. */
export async function pullShape(repository: Repository, pull: Pull, at: number): Promise<Shape> {
  const fields = fieldsAt(pull, at);
  const tip = fields.state === "open" ? await repository.git.resolve(`refs/heads/${fields.baseRef}`) : null;
  return shapeOf(repository, tip ?? fields.baseSha, fields.headSha);
}

/** The shape as a caller of the API sees it: null while GitHub is still computing it. */
export async function seenShape(
  core: Core,
  repository: Repository,
  pull: Pull,
  at: number,
): Promise<Shape | null> {
  if (core.doubts.left > 0) {
    core.doubts.left -= 1;
    return null;
  }
  return pullShape(repository, pull, at);
}

export type MergeState = "BEHIND" | "BLOCKED" | "CLEAN" | "DIRTY" | "DRAFT" | "UNKNOWN" | "UNSTABLE";

/** GitHub's `mergeStateStatus`; null shape = it is still being computed. */
export function mergeState(repository: Repository, pull: Pull, shape: Shape | null, at: number): MergeState {
  const fields = fieldsAt(pull, at);
  if (shape === null || fields.state === "closed") return "UNKNOWN";
  if (!shape.mergeable) return "DIRTY";
  if (fields.draft) return "DRAFT";
  const protection = protectionOf(repository, fields.baseRef);
  if (protection !== null) {
    const decision = reviewDecision(repository, pull, at);
    if (decision !== null && decision !== "APPROVED") return "BLOCKED";
    if (requiredState(repository, fields.headSha, protection.requiredChecks, at) !== "success")
      return "BLOCKED";
    if (protection.strict && shape.behind) return "BEHIND";
  }
  const rollup = rollupState(repository, fields.headSha, at);
  return rollup === null || rollup === "success" ? "CLEAN" : "UNSTABLE";
}

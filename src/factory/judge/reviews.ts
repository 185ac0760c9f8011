import type { Facts } from "../facts/facts.ts";
import type { Review } from "../facts/pull-request.ts";
import { hasPushedSince, isOnlyBaseSince } from "./pushes.ts";
import { endOfSecond } from "../facts/stamp.ts";
import type { Policy } from "../facts/policy.ts";
import { maySteer } from "./trust.ts";

/** Where review stands: what must be answered, what waits for the reviewer, who has approved this head. */
export interface ReviewStatus {
  /** Requested changes that nobody has worked on yet, oldest first. */
  readonly blocking: readonly Review[];
  /** Requested changes that were answered; the reviewer's next word is awaited. */
  readonly answered: readonly Review[];
  /**
   * Requested changes of people whose words do not reach the agent, but whose objection holds a merge up: with write access,
   * or with an access that is not known.
   */
  readonly vetoes: readonly Review[];
  /**
   * Approvals of the present head onto the present base by people with write access. One of an earlier head stands as long as
   * nothing but the base was merged since, as it does at GitHub.
   */
  readonly approvals: readonly Review[];
  /** Such approvals that were given for another base. */
  readonly outdated: readonly Review[];
}

const OPINIONS: ReadonlySet<string> = new Set(["approved", "changes_requested", "dismissed"]);

/** The newest opinion of each reviewer counts; a mere comment does not take back an approval. */
export function reviewStatusOf(facts: Facts, policy: Policy): ReviewStatus {
  const reviews = Object.values(facts.pullRequest?.reviews ?? {}).toSorted(
    (a, b) => a.at - b.at || (a.id < b.id ? -1 : 1),
  );
  const latest = new Map<string, Review>();
  for (const review of reviews) {
    if (!OPINIONS.has(review.state) || review.by.kind === "us") continue;
    latest.set(review.by.id ?? review.id, review);
  }
  const opinions = [...latest.values()];
  const objections = opinions.filter((review) => review.state === "changes_requested");
  const requested = objections.filter((review) => maySteer(facts, review.by, "forge", policy));
  const approvals = opinions.filter(
    (review) =>
      review.state === "approved" &&
      isOnlyBaseSince(facts, review.head) &&
      review.by.kind === "person" &&
      (review.by.permission === "write" || review.by.permission === "admin"),
  );
  return {
    blocking: requested.filter((review) => !isAnswered(facts, review)),
    answered: requested.filter((review) => isAnswered(facts, review)),
    vetoes: objections.filter((review) => !requested.includes(review) && mayBlock(review)),
    approvals: approvals.filter((review) => isForPresentBase(facts, review)),
    outdated: approvals.filter((review) => !isForPresentBase(facts, review)),
  };
}

/** What is merged into another base is another change: GitHub keeps the approval, we do not count it. */
function isForPresentBase({ pullRequest }: Facts, { at }: Review): boolean {
  if (pullRequest === null || pullRequest.readBase !== pullRequest.core.value.base) return false;
  return pullRequest.baseChangedAt === null || at > endOfSecond(pullRequest.baseChangedAt);
}

/** GitHub lets the reviews of those block who may write; who may is not always told, and then it may be one of them. */
function mayBlock({ by: { permission } }: Review): boolean {
  return permission === null || permission === "write" || permission === "admin";
}

/** A run of ours took it up and ended, or a person has pushed a change of theirs since. */
function isAnswered(facts: Facts, review: Review): boolean {
  if (hasPushedSince(facts, review.head, review.at)) return true;
  return facts.runs.some(
    (run) =>
      run.type === "review_fix" &&
      run.cause.reviews.includes(review.id) &&
      run.end !== null &&
      ["published", "no_change", "answered"].includes(run.end.outcome),
  );
}

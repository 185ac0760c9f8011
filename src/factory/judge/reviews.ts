import type { Facts } from "../facts/facts.ts";
import type { Review, Thread } from "../facts/pull-request.ts";
import type { Prompt } from "../facts/ticket.ts";
import type { Run } from "../facts/run.ts";
import { own } from "../facts/own.ts";
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

/** The open review threads that a run is given. */
export interface GivenThreads {
  /** Those that it is to answer. */
  readonly toAnswer: readonly Thread[];
  /** The others, as background. */
  readonly others: readonly Thread[];
}

/**
 * What a run is given of the review threads: for a message in a thread that thread, for one in a review those of the
 * review, and for requested changes all in which nothing was answered yet. None in which nobody speaks who may steer.
 */
export function threadsFor(facts: Facts, run: Run, policy: Policy): GivenThreads {
  const said = saidTo(facts, run).filter(({ from }) => from === "forge");
  const isReview = run.type === "review_fix";
  if (!isReview && said.length === 0) return { toAnswer: [], others: [] };
  const comments = new Set(said.flatMap(({ on }) => on?.comment?.id ?? []));
  const reviews = new Set([
    ...run.cause.reviews,
    ...said.flatMap(({ on }) => (on?.comment === null ? (on.review ?? []) : [])),
  ]);
  const since = run.startedAt ?? Infinity;
  const isToAnswer = ({ comments: words }: Thread): boolean => {
    const last = words.at(-1);
    return (
      words.some(({ id, review }) => comments.has(id) || (review !== null && reviews.has(review))) ||
      // What was said while the run went on, it was not given.
      (isReview && last !== undefined && last.by.kind !== "us" && last.at <= since)
    );
  };
  const open = Object.values(facts.pullRequest?.threads ?? {}).filter(
    ({ resolved, comments: words }) =>
      !resolved && words.some(({ by }) => maySteer(facts, by, "forge", policy)),
  );
  return { toAnswer: open.filter(isToAnswer), others: open.filter((thread) => !isToAnswer(thread)) };
}

/** The messages that a run was given, at its start or while it went on. */
export function saidTo(facts: Facts, run: Run): readonly Prompt[] {
  return [...run.cause.prompts, ...run.steered].flatMap((id) => own(facts.prompts, id) ?? []);
}

/** Of these reviews those whose reviewers still ask for changes: nobody took theirs back, or has said more since. */
export function stillRequested(facts: Facts, reviews: readonly string[]): readonly Review[] {
  const all = facts.pullRequest?.reviews ?? {};
  return reviews
    .flatMap((id) => own(all, id) ?? [])
    .filter(
      (review) =>
        review.state === "changes_requested" &&
        !Object.values(all).some(
          (later) => later.by.id === review.by.id && later.at > review.at && OPINIONS.has(later.state),
        ),
    );
}

import type { Actor } from "../../../factory/facts/actor.ts";
import type {
  Check,
  Commit,
  Ejection,
  MergeState,
  Review,
  Thread,
} from "../../../factory/facts/pull-request.ts";
import type { Observation, PullRequestReading } from "../../../factory/facts/observation.ts";
import type { SaidOn } from "../../../factory/facts/ticket.ts";
import type { ForgeIdentity } from "../../forge.ts";
import type { CommentNode, ContextNode, PullRequestNode, ThreadComment, TimelineNode } from "./queries.ts";
import { isAddressed } from "../events/addressed.ts";
import type { BranchRules } from "./rules.ts";
import {
  actorOf,
  checkOfRun,
  checkOfStatus,
  ejectionReason,
  kept,
  promptIn,
  reviewOf,
} from "../events/vocabulary.ts";

/** What was asked of GitHub for one reading, before it is put into our words. */
export interface Gathered {
  readonly node: PullRequestNode;
  /** Comments by conversation; those of resolved ones are not read, since nobody answers them. */
  readonly comments: ReadonlyMap<string, readonly ThreadComment[]>;
  readonly repositoryId: string | null;
  /** Its newest commits, oldest first. */
  readonly commits: readonly Commit[];
  readonly rules: BranchRules;
  readonly contexts: readonly ContextNode[];
  /** The head has more checks than these. */
  readonly cut: boolean;
  readonly redOnBase: readonly string[];
  /** What is known to check such a pull request and has not reported on this head; null = that may not be seen. */
  readonly expected: readonly string[] | null;
  readonly permissions: ReadonlyMap<string, NonNullable<Actor["permission"]>>;
  readonly us: ForgeIdentity;
  /** GitHub's clock, Unix ms. */
  readonly at: number;
  /** Our own clock just before it was asked, Unix ms. */
  readonly askedAt: number;
}

const MERGEABLE = { MERGEABLE: "yes", CONFLICTING: "conflict", UNKNOWN: "unknown" } as const;

/** What is not listed (UNKNOWN, DIRTY, DRAFT) tells nothing that is not told elsewhere. */
const MERGE_STATES: Readonly<Record<string, MergeState>> = {
  CLEAN: "open",
  UNSTABLE: "open",
  HAS_HOOKS: "open",
  BEHIND: "behind",
  BLOCKED: "blocked",
};

/** The observation that a reading is. Pure. */
export function readingOf(gathered: Gathered): Observation {
  const { node, rules } = gathered;
  const reading: PullRequestReading = {
    number: node.number,
    url: node.url,
    node: node.id,
    repositoryId: gathered.repositoryId,
    core: {
      state: node.state === "OPEN" ? "open" : "closed",
      merged: node.merged,
      draft: node.isDraft,
      head: node.headRefOid,
      branch: node.headRefName,
      base: node.baseRefName,
      title: node.title,
      closedAt: node.closedAt,
    },
    commits: gathered.commits,
    baseChangedAt: node.baseChanges.at(-1)?.createdAt ?? null,
    mergeable: MERGEABLE[node.mergeable],
    mergeState: MERGE_STATES[node.mergeStateStatus ?? ""] ?? "unknown",
    required: requiredOf(rules, gathered.contexts),
    hasQueue: rules.hasQueue || node.isMergeQueueEnabled,
    checks: gathered.contexts.map(checkOf),
    checksCut: gathered.cut,
    redOnBase: gathered.redOnBase,
    checksExpected: gathered.expected,
    reviews: reviewsOf(gathered),
    threads: threadsOf(gathered),
    queue:
      node.mergeQueueEntry === null
        ? null
        : {
            state: node.mergeQueueEntry.state.toLowerCase(),
            position: node.mergeQueueEntry.position,
            at: node.mergeQueueEntry.enqueuedAt,
          },
    autoMerge: node.autoMergeRequest !== null && node.autoMergeRequest !== undefined,
    autoMergeOurs: actorOf(node.autoMergeRequest?.enabledBy ?? null, gathered.us, null).kind === "us",
    ejections: ejectionsOf(node.timelineItems, node.headRefOid, headAge(node), gathered.us),
    prompts: promptsOf(gathered),
    readAt: Math.max(gathered.at, node.updatedAt),
    askedAt: gathered.askedAt,
  };
  return { kind: "pull_request_read", at: node.updatedAt, ...reading };
}

/** Everybody whose permission decides something: reviewers and those who write to us. */
export function speakersOf(
  { node, comments }: Pick<Gathered, "node" | "comments">,
  us: ForgeIdentity,
): readonly Actor[] {
  return [
    ...[...node.latestOpinionatedReviews, ...node.reviews].map((review) => actorOf(review.author, us, null)),
    ...node.comments
      .filter((comment) => isAddressed(comment.body, us))
      .map((comment) => actorOf(comment.author, us, null)),
    ...[...comments.values()].flat().map((comment) => actorOf(comment.author, us, null)),
  ];
}

export function checkOf(context: ContextNode): Check {
  if (context.__typename === "StatusContext")
    return checkOfStatus({
      context: context.context,
      state: context.state,
      at: context.createdAt,
      targetUrl: context.targetUrl,
    });
  return checkOfRun({
    id: context.databaseId ?? "0",
    name: context.name,
    app: context.checkSuite.app?.databaseId ?? null,
    status: context.status,
    conclusion: context.conclusion,
    startedAt: context.startedAt,
    completedAt: context.completedAt,
    detailsUrl: context.detailsUrl,
  });
}

const FAILED: ReadonlySet<Check["conclusion"]> = new Set<Check["conclusion"]>([
  "failure",
  "timed_out",
  "startup_failure",
]);

/** Names of the checks that ended as a failure of what was checked. */
export function failedNames(contexts: readonly ContextNode[]): readonly string[] {
  const names = contexts.map(checkOf).filter((check) => FAILED.has(check.conclusion));
  return [...new Set(names.map((check) => check.name))].toSorted();
}

// What the rules name, and what GitHub itself calls required where we may not read the rules.
export function requiredOf(rules: BranchRules, contexts: readonly ContextNode[]): readonly string[] {
  const marked = contexts
    .filter((context) => context.isRequired)
    .map((context) => (context.__typename === "StatusContext" ? context.context : context.name));
  return [...new Set([...rules.required, ...marked])].toSorted();
}

function reviewsOf(gathered: Gathered): readonly Review[] {
  return reviewNodes(gathered.node).flatMap((review) => {
    const by = speaker(gathered, review.author, review.authorAssociation);
    const found = reviewOf({ ...review, by, head: review.commit, at: review.submittedAt });
    return found === null ? [] : [found];
  });
}

// Every word in a thread is a review to GitHub: in a long talk the one that decides is not among the last.
function reviewNodes({ latestOpinionatedReviews, reviews }: PullRequestNode): PullRequestNode["reviews"] {
  return [
    ...new Map([...latestOpinionatedReviews, ...reviews].map((review) => [review.id, review])).values(),
  ];
}

function threadsOf(gathered: Gathered): readonly Thread[] {
  return gathered.node.reviewThreads.map((thread) => ({
    id: thread.id,
    resolved: thread.isResolved,
    path: thread.path,
    line: thread.line,
    comments: (gathered.comments.get(thread.id) ?? []).map((comment) => ({
      id: comment.id,
      by: speaker(gathered, comment.author, comment.authorAssociation),
      at: comment.createdAt,
      text: kept(comment.body),
      review: comment.review,
    })),
  }));
}

function promptsOf(gathered: Gathered): PullRequestReading["prompts"] {
  const { comments, reviewThreads } = gathered.node;
  const said = (
    { body, author, authorAssociation }: Pick<CommentNode, "author" | "authorAssociation"> & { body: string },
    at: number,
    where: { readonly id: string; readonly on?: SaidOn },
  ): PullRequestReading["prompts"] => {
    const by = speaker(gathered, author, authorAssociation);
    if (by.kind !== "person" || !isAddressed(body, gathered.us)) return [];
    return [{ ...where, at, by, text: kept(body) }];
  };
  return [
    ...comments.flatMap((comment) => said(comment, comment.createdAt, { id: comment.id })),
    ...reviewNodes(gathered.node).flatMap((review) => {
      const { id, submittedAt } = review;
      if (submittedAt === null) return [];
      const where = promptIn({ id, on: { review: id, comment: null } });
      return said({ ...review, body: review.body ?? "" }, submittedAt, where);
    }),
    ...reviewThreads.flatMap(({ id: thread, path }) =>
      (gathered.comments.get(thread) ?? []).flatMap((word) => {
        const { id, line, review } = word;
        return said(word, word.createdAt, promptIn({ id, on: { review, comment: { id, path, line } } }));
      }),
    ),
  ];
}

function speaker(gathered: Gathered, author: CommentNode["author"], association: string | null): Actor {
  const actor = actorOf(author, gathered.us, association);
  return { ...actor, permission: gathered.permissions.get(actor.id ?? "") ?? null };
}

// When the head was committed, Unix ms; null = not known. It was not pushed before that.
function headAge(node: PullRequestNode): number | null {
  const newest = node.commits.at(-1)?.commit;
  return newest?.oid === node.headRefOid ? newest.committedDate : null;
}

/**
 * The times the queue sent the pull request away. The timeline does not say which head was queued, but its
 * order does: the last one pushed before. Nothing pushed since = the head of now, unless it was made later
 * (`headAt`); nothing known = "".
 */
export function ejectionsOf(
  timeline: readonly TimelineNode[],
  head: string,
  headAt: number | null,
  us: ForgeIdentity | null,
): readonly Ejection[] {
  const ejections: Ejection[] = [];
  let since: Ejection[] = [];
  let pushed = "";
  for (const item of timeline) {
    if (item.__typename === "RemovedFromMergeQueueEvent") {
      const reason = ejectionReason(item.reason);
      const ours = actorOf(item.actor, us, null).kind === "us";
      since.push({ at: item.createdAt, reason, ours, group: item.beforeCommit, head: pushed });
      continue;
    }
    ejections.push(...since);
    since = [];
    pushed = (item.__typename === "PullRequestCommit" ? item.commit : item.afterCommit) ?? "";
  }
  for (const ejection of since) {
    const later = headAt !== null && headAt > ejection.at;
    ejections.push(later ? ejection : { ...ejection, head });
  }
  return ejections;
}

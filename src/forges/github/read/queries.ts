import { z } from "zod";
import { parseTime } from "../../../lib/clock.ts";

/** The shapes of what comes back for the documents beside this file. */

const Time = z.string().transform((text) => parseTime(text) ?? 0);
const MaybeTime = z
  .string()
  .nullish()
  .transform((text) => parseTime(text));
const MaybeText = z
  .string()
  .nullish()
  .transform((text) => text ?? null);
const MaybeId = z
  .union([z.number(), z.bigint(), z.string()])
  .nullish()
  .transform((id) => (id === null || id === undefined ? null : String(id)));

const ActorNode = z
  .object({ __typename: z.string(), login: z.string(), databaseId: MaybeId })
  .nullish()
  .transform((actor) =>
    actor === null || actor === undefined
      ? null
      : { id: actor.databaseId, login: actor.login, type: actor.__typename },
  );

const Commit = z
  .object({ oid: z.string() })
  .nullish()
  .transform((commit) => commit?.oid ?? null);

/** A connection's nodes; GitHub puts null where something may not be seen. */
function nodes<T extends z.ZodType>(node: T) {
  return z
    .object({ nodes: z.array(node.nullable()).nullish() })
    .nullish()
    .transform((connection) =>
      (connection?.nodes ?? []).filter((entry): entry is NonNullable<typeof entry> => entry !== null),
    );
}

const CheckRunNode = z.object({
  __typename: z.literal("CheckRun"),
  databaseId: MaybeId,
  name: z.string(),
  status: z.string(),
  conclusion: MaybeText,
  startedAt: MaybeTime,
  completedAt: MaybeTime,
  detailsUrl: MaybeText,
  isRequired: z.boolean().default(false),
  checkSuite: z.object({ app: z.object({ databaseId: MaybeId }).nullish() }),
});

const StatusNode = z.object({
  __typename: z.literal("StatusContext"),
  context: z.string(),
  state: z.string(),
  createdAt: Time,
  targetUrl: MaybeText,
  isRequired: z.boolean().default(false),
});

const ContextNode = z.union([CheckRunNode, StatusNode]);
export type ContextNode = z.infer<typeof ContextNode>;

const Contexts = z.object({
  pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: MaybeText }),
  nodes: z
    .array(ContextNode.nullable())
    .nullish()
    .transform((list) => (list ?? []).filter((entry): entry is ContextNode => entry !== null)),
});

const Rollup = z.object({ state: MaybeText, contexts: Contexts });
/** The checks of a commit, and the sum of all of them. */
export type Rollup = z.infer<typeof Rollup>;

const CheckedCommit = z.object({
  oid: z.string(),
  statusCheckRollup: Rollup.nullish().transform((rollup) => rollup ?? null),
});

const MaybeLine = z
  .number()
  .nullish()
  .transform((line) => line ?? null);

const Comment = z.object({
  fullDatabaseId: MaybeId,
  databaseId: MaybeId,
  body: z.string(),
  createdAt: Time,
  authorAssociation: MaybeText,
  author: ActorNode,
});

const CommentNode = Comment.transform(({ fullDatabaseId, databaseId, ...comment }) => ({
  ...comment,
  id: fullDatabaseId ?? databaseId ?? "",
}));
export type CommentNode = z.infer<typeof CommentNode>;

const ThreadComment = Comment.extend({
  line: MaybeLine,
  originalLine: MaybeLine,
  pullRequestReview: z.object({ fullDatabaseId: MaybeId, databaseId: MaybeId }).nullish(),
}).transform(({ fullDatabaseId, databaseId, pullRequestReview: review, line, originalLine, ...comment }) => ({
  ...comment,
  id: fullDatabaseId ?? databaseId ?? "",
  line: originalLine ?? line,
  review: review?.fullDatabaseId ?? review?.databaseId ?? null,
}));
export type ThreadComment = z.infer<typeof ThreadComment>;

const ReviewNode = z
  .object({
    fullDatabaseId: MaybeId,
    databaseId: MaybeId,
    state: z.string(),
    body: MaybeText,
    submittedAt: MaybeTime,
    authorAssociation: MaybeText,
    author: ActorNode,
    commit: Commit,
  })
  .transform(({ fullDatabaseId, databaseId, ...review }) => ({
    ...review,
    id: fullDatabaseId ?? databaseId ?? "",
  }));

const ThreadNode = z.object({
  id: z.string(),
  isResolved: z.boolean(),
  path: MaybeText,
  line: MaybeLine,
});

const TimelineNode = z.union([
  z.object({
    __typename: z.literal("RemovedFromMergeQueueEvent"),
    createdAt: Time,
    reason: MaybeText,
    actor: ActorNode,
    beforeCommit: Commit,
  }),
  z.object({ __typename: z.literal("PullRequestCommit"), commit: Commit }),
  z.object({ __typename: z.literal("HeadRefForcePushedEvent"), afterCommit: Commit }),
]);
export type TimelineNode = z.infer<typeof TimelineNode>;

const Identity = z
  .object({
    name: MaybeText,
    email: MaybeText,
    user: z
      .object({ login: z.string() })
      .nullish()
      .transform((user) => user ?? null),
  })
  .nullish()
  .transform((who) => who ?? { name: null, email: null, user: null });

const CommitNode = z.object({
  oid: z.string(),
  authoredDate: Time,
  committedDate: Time,
  message: z
    .string()
    .nullish()
    .transform((text) => text ?? ""),
  tree: z.object({ oid: z.string() }),
  author: Identity,
  committer: Identity,
});
export type CommitNode = z.infer<typeof CommitNode>;

/** Its parents: a list of their own within a list of commits would be paid for by each commit that could be there. */
export const ParentsNode = z.object({
  parents: nodes(z.object({ oid: z.string() })).transform((list) => list.map(({ oid }) => oid)),
});

export const PullRequestNode = z.object({
  id: z.string(),
  number: z.number().int(),
  url: z.string(),
  state: z.enum(["OPEN", "CLOSED", "MERGED"]),
  merged: z.boolean(),
  isDraft: z.boolean(),
  title: z.string(),
  headRefOid: z.string(),
  headRefName: z.string(),
  baseRefName: z.string(),
  mergeable: z.enum(["MERGEABLE", "CONFLICTING", "UNKNOWN"]),
  mergeStateStatus: MaybeText,
  updatedAt: Time,
  closedAt: MaybeTime,
  // Enterprise Server of some versions has no merge queue.
  isMergeQueueEnabled: z.boolean().default(false),
  autoMergeRequest: z.object({ enabledBy: ActorNode }).nullish(),
  mergeQueueEntry: z
    .object({ state: z.string(), position: z.number(), enqueuedAt: Time })
    .nullish()
    .transform((entry) => entry ?? null),
  latestOpinionatedReviews: nodes(ReviewNode),
  reviews: nodes(ReviewNode),
  reviewThreads: nodes(ThreadNode),
  comments: nodes(CommentNode),
  timelineItems: nodes(TimelineNode),
  baseChanges: nodes(z.object({ createdAt: Time })),
  history: nodes(z.object({ commit: CommitNode })),
  commits: nodes(z.object({ commit: CheckedCommit.extend({ committedDate: MaybeTime }) })),
});
export type PullRequestNode = z.infer<typeof PullRequestNode>;

/** Each pull request is under an alias of its own. */
export const PullRequestsAnswer = z.object({
  repository: z.looseObject({ databaseId: MaybeId }).nullable(),
  nodes: z.array(z.unknown()).nullish(),
});

export const CommitAnswer = z.object({
  repository: z.object({ object: CommitNode.nullable() }).nullable(),
});

/** One conversation with its comments; the rest of it came with the pull request. */
export const ThreadCommentsNode = z.object({ id: z.string(), comments: nodes(ThreadComment) });

export const ThreadCommentsAnswer = z.object({ nodes: z.array(z.unknown()) });

export const CommitChecksAnswer = z.object({
  repository: z.object({ object: CheckedCommit.nullable() }).nullable(),
});

export const BranchChecksAnswer = z.object({
  repository: z.object({ ref: z.object({ target: CheckedCommit.nullable() }).nullable() }).nullable(),
});

/** The variables that every query begins with. */
export function ownerAndName(repository: string): { readonly owner: string; readonly repo: string } {
  const [owner = "", repo = ""] = repository.split("/");
  return { owner, repo };
}

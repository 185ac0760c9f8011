import { z } from "zod";
import { parseTime } from "../../../lib/clock.ts";

/** The GraphQL documents that reading needs, and the shape of what comes back. */

/** Entries per page; GitHub's limit is 100. */
const PAGE = 100;

const CONTEXTS = `
  pageInfo { hasNextPage endCursor }
  nodes {
    __typename
    ... on CheckRun {
      databaseId name status conclusion startedAt completedAt detailsUrl
      isRequired(pullRequestNumber: $number)
      checkSuite { app { databaseId } }
    }
    ... on StatusContext { context state createdAt targetUrl isRequired(pullRequestNumber: $number) }
  }`;

const ACTOR = `
  __typename login
  ... on User { databaseId }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }`;

const REVIEW = `
  fullDatabaseId databaseId state body submittedAt authorAssociation
  author { ${ACTOR} }
  commit { oid }`;

const GIT_ACTOR = "name email user { login }";

const COMMIT_FIELDS = `
  oid authoredDate committedDate tree { oid } parents(first: 3) { nodes { oid } }
  author { ${GIT_ACTOR} } committer { ${GIT_ACTOR} }`;

/** Commits of a pull request whose makers are looked at, the newest. */
const COMMITS = 50;

/** Everything about one pull request but the further pages of its checks. */
export const PULL_REQUEST = `
query PullRequest($owner: String!, $repo: String!, $number: Int!) {
  repository(owner: $owner, name: $repo) {
    databaseId
    pullRequest(number: $number) {
      id number url state merged isDraft title headRefOid headRefName baseRefName mergeable updatedAt closedAt
      isMergeQueueEnabled
      autoMergeRequest { enabledBy { ${ACTOR} } }
      mergeQueueEntry { state position enqueuedAt }
      latestOpinionatedReviews(first: ${PAGE}) { nodes { ${REVIEW} } }
      reviews(last: ${PAGE}) { nodes { ${REVIEW} } }
      reviewThreads(last: ${PAGE}) {
        nodes {
          id isResolved path line
          comments(last: 50) {
            nodes { fullDatabaseId databaseId body createdAt authorAssociation author { ${ACTOR} } }
          }
        }
      }
      comments(last: ${PAGE}) {
        nodes { fullDatabaseId databaseId body createdAt authorAssociation author { ${ACTOR} } }
      }
      timelineItems(last: ${PAGE}, itemTypes: [REMOVED_FROM_MERGE_QUEUE_EVENT, PULL_REQUEST_COMMIT, HEAD_REF_FORCE_PUSHED_EVENT]) {
        nodes {
          __typename
          ... on RemovedFromMergeQueueEvent { createdAt reason actor { ${ACTOR} } beforeCommit { oid } }
          ... on PullRequestCommit { commit { oid } }
          ... on HeadRefForcePushedEvent { afterCommit { oid } }
        }
      }
      baseChanges: timelineItems(last: 1, itemTypes: [BASE_REF_CHANGED_EVENT, AUTOMATIC_BASE_CHANGE_SUCCEEDED_EVENT]) {
        nodes {
          ... on BaseRefChangedEvent { createdAt }
          ... on AutomaticBaseChangeSucceededEvent { createdAt }
        }
      }
      history: commits(last: ${COMMITS}) { nodes { commit { ${COMMIT_FIELDS} } } }
      commits(last: 1) { nodes { commit { oid committedDate statusCheckRollup { contexts(first: ${PAGE}) { ${CONTEXTS} } } } } }
    }
  }
}`;

/** One commit, by name. */
export const COMMIT = `
query Commit($owner: String!, $repo: String!, $oid: GitObjectID!) {
  repository(owner: $owner, name: $repo) { object(oid: $oid) { ... on Commit { ${COMMIT_FIELDS} } } }
}`;

/** One page of a commit's checks. */
export const COMMIT_CHECKS = `
query CommitChecks($owner: String!, $repo: String!, $number: Int!, $oid: GitObjectID!, $after: String) {
  repository(owner: $owner, name: $repo) {
    object(oid: $oid) {
      ... on Commit { oid statusCheckRollup { contexts(first: ${PAGE}, after: $after) { ${CONTEXTS} } } }
    }
  }
}`;

/** The checks of a branch's tip. */
export const BRANCH_CHECKS = `
query BranchChecks($owner: String!, $repo: String!, $number: Int!, $ref: String!) {
  repository(owner: $owner, name: $repo) {
    ref(qualifiedName: $ref) {
      target { ... on Commit { oid statusCheckRollup { contexts(first: ${PAGE}) { ${CONTEXTS} } } } }
    }
  }
}`;

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
  isRequired: z.boolean(),
  checkSuite: z.object({ app: z.object({ databaseId: MaybeId }).nullish() }),
});

const StatusNode = z.object({
  __typename: z.literal("StatusContext"),
  context: z.string(),
  state: z.string(),
  createdAt: Time,
  targetUrl: MaybeText,
  isRequired: z.boolean(),
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
export type Contexts = z.infer<typeof Contexts>;

const CheckedCommit = z.object({
  oid: z.string(),
  statusCheckRollup: z
    .object({ contexts: Contexts })
    .nullish()
    .transform((rollup) => rollup?.contexts ?? null),
});

const CommentNode = z
  .object({
    fullDatabaseId: MaybeId,
    databaseId: MaybeId,
    body: z.string(),
    createdAt: Time,
    authorAssociation: MaybeText,
    author: ActorNode,
  })
  .transform(({ fullDatabaseId, databaseId, ...comment }) => ({
    ...comment,
    id: fullDatabaseId ?? databaseId ?? "",
  }));
export type CommentNode = z.infer<typeof CommentNode>;

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
  line: z
    .number()
    .nullish()
    .transform((line) => line ?? null),
  comments: nodes(CommentNode),
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
  tree: z.object({ oid: z.string() }),
  parents: nodes(z.object({ oid: z.string() })).transform((list) => list.map(({ oid }) => oid)),
  author: Identity,
  committer: Identity,
});
export type CommitNode = z.infer<typeof CommitNode>;

const PullRequestNode = z.object({
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
  updatedAt: Time,
  closedAt: MaybeTime,
  isMergeQueueEnabled: z.boolean(),
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

export const PullRequestAnswer = z.object({
  repository: z.object({ databaseId: MaybeId, pullRequest: PullRequestNode.nullable() }).nullable(),
});

export const CommitAnswer = z.object({
  repository: z.object({ object: CommitNode.nullable() }).nullable(),
});

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

/** The GraphQL documents that reading needs. */

/** Entries per page; GitHub's limit is 100. */
const PAGE = 100;

/**
 * Pull requests in one query. GitHub charges a point for a hundred connections, rounded: each pull request has nine, so
 * sixteen of them cost one point. What is nested in a list costs a connection for each entry that the list could have:
 * comments of conversations are asked for by the conversations' ids instead.
 */
export const PULL_REQUESTS_AT_ONCE = 16;

const CONNECTIONS_OF_ONE = 9;
/** The most that is rounded down to a point. */
const MOST_FOR_A_POINT = 149;

/** How many conversations may come along with so many pull requests without costing anything. */
export function threadsBeside(pullRequests: number): number {
  return MOST_FOR_A_POINT - CONNECTIONS_OF_ONE * pullRequests;
}

/** Commits in one query, whose parents are asked for. */
export const COMMITS_AT_ONCE = 100;

/** Conversations in one query; `nodes(ids:)` takes no more. */
export const THREADS_AT_ONCE = 100;

/** Fields that some versions of Enterprise Server do not have; what they tell is then taken for absent. */
export const OPTIONAL_FIELDS: ReadonlySet<string> = new Set([
  "isMergeQueueEnabled",
  "mergeQueueEntry",
  "autoMergeRequest",
  "fullDatabaseId",
  "beforeCommit",
  "mergeStateStatus",
]);

/** A whole `field`, or nothing where this server does not have it. */
type Field = (name: string, selection?: string) => string;

function fieldsBut(missing: ReadonlySet<string>): Field {
  return (name, selection = "") => (missing.has(name) ? "" : `${name} ${selection}`);
}

const contexts = (required: string): string => `
  pageInfo { hasNextPage endCursor }
  nodes {
    __typename
    ... on CheckRun {
      databaseId name status conclusion startedAt completedAt detailsUrl ${required}
      checkSuite { app { databaseId } }
    }
    ... on StatusContext { context state createdAt targetUrl ${required} }
  }`;

const ACTOR = `
  __typename login
  ... on User { databaseId }
  ... on Bot { databaseId }
  ... on Mannequin { databaseId }
  ... on Organization { databaseId }`;

const review = (field: Field): string => `
  ${field("fullDatabaseId")} databaseId state body submittedAt authorAssociation
  author { ${ACTOR} }
  commit { oid }`;

const GIT_ACTOR = "name email user { login }";

const COMMIT_FIELDS = `
  oid authoredDate committedDate message tree { oid } author { ${GIT_ACTOR} } committer { ${GIT_ACTOR} }`;

/** Commits of a pull request whose makers are looked at, the newest. */
const COMMITS = 50;

const comment = (field: Field): string => `
  ${field("fullDatabaseId")} databaseId body createdAt authorAssociation author { ${ACTOR} }`;

// Of which review a comment of a conversation is a part, and where it was made.
const within = (field: Field): string =>
  `line originalLine pullRequestReview { ${field("fullDatabaseId")} databaseId }`;

// `isRequired` is asked for a pull request's number, so that this cannot be a fragment.
const pullRequest = (field: Field, number: string): string => `
  id number url state merged isDraft title headRefOid headRefName baseRefName mergeable updatedAt closedAt
  ${field("isMergeQueueEnabled")} ${field("mergeStateStatus")}
  ${field("autoMergeRequest", `{ enabledBy { ${ACTOR} } }`)}
  ${field("mergeQueueEntry", "{ state position enqueuedAt }")}
  latestOpinionatedReviews(first: ${PAGE}) { nodes { ${review(field)} } }
  reviews(last: ${PAGE}) { nodes { ${review(field)} } }
  reviewThreads(last: ${PAGE}) { nodes { id isResolved path line } }
  comments(last: ${PAGE}) { nodes { ${comment(field)} } }
  timelineItems(last: ${PAGE}, itemTypes: [${field("mergeQueueEntry") === "" ? "" : "REMOVED_FROM_MERGE_QUEUE_EVENT, "}PULL_REQUEST_COMMIT, HEAD_REF_FORCE_PUSHED_EVENT]) {
    nodes {
      __typename
      ${field("mergeQueueEntry") === "" ? "" : `... on RemovedFromMergeQueueEvent { createdAt reason actor { ${ACTOR} } ${field("beforeCommit", "{ oid }")} }`}
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
  commits(last: 1) { nodes { commit { oid committedDate statusCheckRollup { state contexts(first: ${PAGE}) { ${contexts(`isRequired(pullRequestNumber: ${number})`)} } } } } }`;

/** The alias of the pull request at `index`. */
export function aliasOf(index: number): string {
  return `p${index}`;
}

/** Everything about `count` pull requests but further pages of checks; comments of those conversations that are named. */
export function pullRequestsDocument(
  count: number,
  namesThreads: boolean,
  missing: ReadonlySet<string>,
): string {
  const field = fieldsBut(missing);
  const all = Array.from({ length: count }, (_, index) => index);
  const variables = [...all.map((index) => `$n${index}: Int!`), ...(namesThreads ? ["$ids: [ID!]!"] : [])];
  return `
query PullRequests($owner: String!, $repo: String!, ${variables.join(", ")}) {
  repository(owner: $owner, name: $repo) {
    databaseId
    ${all.map((index) => `${aliasOf(index)}: pullRequest(number: $n${index}) { ${pullRequest(field, `$n${index}`)} }`).join("\n    ")}
  }
  ${namesThreads ? threadComments(field) : ""}
}`;
}

const threadComments = (field: Field): string => `nodes(ids: $ids) {
    ... on PullRequestReviewThread { id comments(last: 50) { nodes { ${comment(field)} ${within(field)} } } }
  }`;

/** The comments of conversations. */
export function threadCommentsDocument(missing: ReadonlySet<string>): string {
  return `
query ThreadComments($ids: [ID!]!) {
  ${threadComments(fieldsBut(missing))}
}`;
}

/** One commit, by name. */
export const COMMIT = `
query Commit($owner: String!, $repo: String!, $oid: GitObjectID!) {
  repository(owner: $owner, name: $repo) { object(oid: $oid) { ... on Commit { ${COMMIT_FIELDS} } } }
}`;

/** The parents of `count` commits. */
export function parentsDocument(count: number): string {
  const all = Array.from({ length: count }, (_, index) => index);
  return `
query CommitParents($owner: String!, $repo: String!, ${all.map((index) => `$o${index}: GitObjectID!`).join(", ")}) {
  repository(owner: $owner, name: $repo) {
    ${all.map((index) => `${aliasOf(index)}: object(oid: $o${index}) { ... on Commit { parents(first: 3) { nodes { oid } } } }`).join("\n    ")}
  }
}`;
}

/** One page of a commit's checks. */
export const COMMIT_CHECKS = `
query CommitChecks($owner: String!, $repo: String!, $number: Int!, $oid: GitObjectID!, $after: String) {
  repository(owner: $owner, name: $repo) {
    object(oid: $oid) {
      ... on Commit { oid statusCheckRollup { state contexts(first: ${PAGE}, after: $after) { ${contexts("isRequired(pullRequestNumber: $number)")} } } }
    }
  }
}`;

/** The checks of a branch's tip; the same for every pull request onto it. */
export const BRANCH_CHECKS = `
query BranchChecks($owner: String!, $repo: String!, $ref: String!, $after: String) {
  repository(owner: $owner, name: $repo) {
    ref(qualifiedName: $ref) {
      target { ... on Commit { oid statusCheckRollup { state contexts(first: ${PAGE}, after: $after) { ${contexts("")} } } } }
    }
  }
}`;

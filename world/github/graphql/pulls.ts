import type { Pull, QueueEntry, Repository, Review, Thread } from "../model/model.ts";
import { associationOf, fieldsAt, permissionOf, queueEntryOf, queueOf, stamp } from "../model/model.ts";
import { latestOpinions, mergeState, protectionOf, reviewDecision, seenShape } from "../model/verdicts.ts";
import { labelPart } from "../views/views.ts";
import { actorNode, commitNode, refNode, rollupNode } from "./commits.ts";
import type { View } from "./commits.ts";
import type { PageArguments } from "./connection.ts";
import { connection } from "./connection.ts";
import { reviewNode, threadNode } from "./reviews.ts";
import { commitItem, itemType, timeline } from "./timeline.ts";

type Node = Record<string, unknown>;

/** A repository as GraphQL shows it. */
export function repositoryNode(view: View, repository: Repository): Node {
  const url = `${view.core.urls.web}/${repository.fullName}`;
  const ref = async (name: string): Promise<Node | null> => {
    const full = name.startsWith("refs/") ? name : `refs/heads/${name}`;
    const sha = await repository.git.resolve(full);
    return sha === null ? null : refNode(view, repository, full, sha);
  };
  const pulls = (): Pull[] => [...repository.pulls.values()].filter((pull) => pull.createdAt <= view.at);
  return {
    __typename: "Repository",
    id: repository.nodeId,
    databaseId: repository.id,
    name: repository.name,
    nameWithOwner: repository.fullName,
    owner: actorNode(view, repository.owner),
    isPrivate: repository.private,
    url,
    autoMergeAllowed: true,
    squashMergeAllowed: true,
    mergeCommitAllowed: true,
    rebaseMergeAllowed: true,
    defaultBranchRef: () => ref(repository.defaultBranch),
    ref: ({ qualifiedName }: { qualifiedName: string }) => ref(qualifiedName),
    object: async ({ oid, expression }: { oid?: string | null; expression?: string | null }) => {
      const inTree = /^([^:]+):(.+)$/.exec(expression ?? "");
      if (inTree !== null) return treeNode(repository, inTree[1] ?? "", inTree[2] ?? "");
      const sha = await repository.git.resolve(oid ?? expression ?? "");
      return sha === null ? null : commitNode(view, repository, sha);
    },
    pullRequest: ({ number }: { number: number }) => {
      const pull = pulls().find((candidate) => candidate.number === number);
      return pull === undefined ? null : pullNode(view, repository, pull);
    },
    pullRequests: (
      given: PageArguments & {
        states?: readonly string[] | null;
        headRefName?: string | null;
        baseRefName?: string | null;
      },
    ) => {
      const found = pulls().filter((pull) => {
        const { baseRef } = fieldsAt(pull, view.at);
        const fits = (wanted: string | null | undefined, is: string): boolean =>
          wanted === null || wanted === undefined || wanted === is;
        return (
          (given.states?.includes(stateOf(view, pull)) ?? true) &&
          fits(given.headRefName, pull.headRef) &&
          fits(given.baseRefName, baseRef)
        );
      });
      return connection(
        found.map((pull) => pullNode(view, repository, pull)),
        given,
      );
    },
    mergeQueue: ({ branch }: { branch?: string | null }) =>
      queueNode(view, repository, branch ?? repository.defaultBranch),
  };
}

/** A folder and its files; null where there is none. */
async function treeNode(repository: Repository, commit: string, path: string): Promise<Node | null> {
  const names = await repository.git.list(commit, path);
  if (names.length === 0) return null;
  const entries = names.map((name) => ({
    name,
    type: "blob",
    object: async () => ({ __typename: "Blob", text: await repository.git.read(commit, `${path}/${name}`) }),
  }));
  return { __typename: "Tree", entries };
}

function stateOf(view: View, pull: Pull): "OPEN" | "CLOSED" | "MERGED" {
  const { merged, state } = fieldsAt(pull, view.at);
  return merged ? "MERGED" : state === "open" ? "OPEN" : "CLOSED";
}

function queueNode(view: View, repository: Repository, branch: string): Node | null {
  const protection = protectionOf(repository, branch);
  if (protection?.mergeQueue !== true) return null;
  const url = `${view.core.urls.web}/${repository.fullName}/queue/${branch}`;
  return {
    __typename: "MergeQueue",
    id: `MQ_${repository.id}_${branch}`,
    url,
    resourcePath: url,
    configuration: {
      checkResponseTimeout: protection.queueTimeoutMinutes,
      maximumEntriesToBuild: 5,
      maximumEntriesToMerge: 5,
      mergeMethod: protection.mergeMethod.toUpperCase(),
      mergingStrategy: "ALLGREEN",
      minimumEntriesToMerge: 1,
      minimumEntriesToMergeWaitTime: 0,
    },
    repository: () => repositoryNode(view, repository),
    entries: (given: PageArguments) =>
      connection(
        queueOf(repository, branch).map((entry) => entryNode(view, repository, entry)),
        given,
      ),
  };
}

export function entryNode(view: View, repository: Repository, entry: QueueEntry): Node {
  const base = entry.pull.fields.baseRef;
  const { group } = entry;
  return {
    __typename: "MergeQueueEntry",
    id: entry.nodeId,
    state: group === null ? "QUEUED" : "AWAITING_CHECKS",
    position: queueOf(repository, base).indexOf(entry) + 1,
    enqueuedAt: stamp(entry.enqueuedAt),
    enqueuer: actorNode(view, entry.enqueuer),
    estimatedTimeToMerge: null,
    jump: false,
    solo: false,
    headCommit: () => (group === null ? null : commitNode(view, repository, group.sha)),
    baseCommit: () => (group === null ? null : commitNode(view, repository, group.baseSha)),
    mergeQueue: () => queueNode(view, repository, base),
    pullRequest: () => pullNode(view, repository, entry.pull),
  };
}

/** A pull request as GraphQL shows it. */
export function pullNode(view: View, repository: Repository, pull: Pull): Node {
  const fields = fieldsAt(pull, view.at);
  const url = `${view.core.urls.web}/${repository.fullName}/pull/${pull.number}`;
  // One look serves both `mergeable` and `mergeStateStatus`, so that they never disagree within an answer.
  let look: ReturnType<typeof seenShape> | null = null;
  const shape = (): ReturnType<typeof seenShape> =>
    (look ??= seenShape(view.core, repository, pull, view.at));
  const reviews = (): Review[] => pull.reviews.filter((review) => review.submittedAt <= view.at);
  const node = (review: Review): Node => reviewNode(view, repository, pull, review);
  const ref = async (name: string): Promise<Node | null> => {
    const sha = await repository.git.resolve(`refs/heads/${name}`);
    return sha === null ? null : refNode(view, repository, `refs/heads/${name}`, sha);
  };
  return {
    __typename: "PullRequest",
    id: pull.nodeId,
    databaseId: pull.id,
    fullDatabaseId: String(pull.id),
    number: pull.number,
    title: fields.title,
    body: fields.body ?? "",
    bodyText: fields.body ?? "",
    url,
    permalink: url,
    state: stateOf(view, pull),
    closed: fields.state === "closed",
    closedAt: fields.closedAt === null ? null : stamp(fields.closedAt),
    merged: fields.merged,
    mergedAt: fields.mergedAt === null ? null : stamp(fields.mergedAt),
    mergedBy: fields.mergedBy === null ? null : actorNode(view, fields.mergedBy),
    mergeCommit: () =>
      fields.mergeCommit === null ? null : commitNode(view, repository, fields.mergeCommit),
    isDraft: fields.draft,
    locked: false,
    author: actorNode(view, pull.author),
    authorAssociation: associationOf(repository, pull.author),
    createdAt: stamp(pull.createdAt),
    updatedAt: stamp(fields.updatedAt),
    headRefName: pull.headRef,
    headRefOid: fields.headSha,
    headRef: () => ref(pull.headRef),
    headRepository: () => repositoryNode(view, repository),
    headRepositoryOwner: actorNode(view, repository.owner),
    baseRefName: fields.baseRef,
    baseRefOid: fields.baseSha,
    baseRef: () => ref(fields.baseRef),
    baseRepository: () => repositoryNode(view, repository),
    repository: () => repositoryNode(view, repository),
    isCrossRepository: false,
    maintainerCanModify: false,
    changedFiles: async () => (await shape())?.changedFiles ?? 0,
    additions: async () => (await shape())?.additions ?? 0,
    deletions: async () => (await shape())?.deletions ?? 0,
    mergeable: async () => {
      const seen = fields.state === "open" ? await shape() : null;
      return seen === null ? "UNKNOWN" : seen.mergeable ? "MERGEABLE" : "CONFLICTING";
    },
    mergeStateStatus: async () => {
      const state = mergeState(repository, pull, await shape(), view.at);
      return state === "DRAFT" ? "BLOCKED" : state;
    },
    reviewDecision: reviewDecision(repository, pull, view.at),
    autoMergeRequest: () =>
      fields.autoMerge === null
        ? null
        : {
            __typename: "AutoMergeRequest",
            enabledAt: stamp(fields.autoMerge.enabledAt),
            enabledBy: actorNode(view, fields.autoMerge.enabledBy),
            mergeMethod: fields.autoMerge.method.toUpperCase(),
            pullRequest: () => pullNode(view, repository, pull),
          },
    isInMergeQueue: queueEntryOf(repository, pull) !== null,
    isMergeQueueEnabled: protectionOf(repository, fields.baseRef)?.mergeQueue === true,
    mergeQueue: () => queueNode(view, repository, fields.baseRef),
    mergeQueueEntry: () => {
      const entry = queueEntryOf(repository, pull);
      return entry === null ? null : entryNode(view, repository, entry);
    },
    labels: (given: PageArguments) =>
      connection(
        fields.labels.map((name) => ({ ...labelPart(view.core, repository, name), id: `LA_${name}` })),
        given,
      ),
    reviews: (given: PageArguments & { states?: readonly string[] | null; author?: string | null }) => {
      const found = reviews().filter(
        (review) =>
          (given.states?.includes(review.state) ?? true) &&
          (given.author ?? review.author.login) === review.author.login,
      );
      return connection(found.map(node), given);
    },
    latestOpinionatedReviews: (given: PageArguments & { writersOnly?: boolean | null }) =>
      connection(latestOpinions(repository, pull, view.at, given.writersOnly === true).map(node), given),
    latestReviews: (given: PageArguments) => {
      const latest = new Map(reviews().map((review) => [review.author.login, review]));
      return connection([...latest.values()].map(node), given);
    },
    reviewThreads: (given: PageArguments) => {
      const seen = pull.threads.filter((thread) => (thread.comments[0]?.createdAt ?? 0) <= view.at);
      return connection(
        seen.map((thread) => pullThreadNode(view, repository, pull, thread)),
        given,
      );
    },
    comments: (given: PageArguments) => {
      const seen = pull.comments.filter((comment) => comment.createdAt <= view.at);
      return connection(
        seen.map((comment) => ({
          __typename: "IssueComment",
          id: comment.nodeId,
          databaseId: comment.id,
          fullDatabaseId: String(comment.id),
          body: comment.body,
          bodyText: comment.body,
          author: actorNode(view, comment.author),
          authorAssociation: associationOf(repository, comment.author),
          createdAt: stamp(comment.createdAt),
          updatedAt: stamp(comment.updatedAt),
          url: `${url}#issuecomment-${comment.id}`,
        })),
        given,
      );
    },
    commits: async (given: PageArguments) => {
      const commits = await repository.git.log(fields.baseSha, fields.headSha, 250);
      return connection(
        commits.map((commit) => commitItem(view, repository, pull, commit.sha)),
        given,
      );
    },
    statusCheckRollup: () => rollupNode(view, repository, fields.headSha),
    timelineItems: async (given: PageArguments & { itemTypes?: readonly string[] | null }) => {
      const nodes = await timeline(view, repository, pull, {
        pullRequest: () => pullNode(view, repository, pull),
        mergeQueue: () => queueNode(view, repository, pull.fields.baseRef),
      });
      return {
        ...connection(
          nodes.filter((item) => given.itemTypes?.includes(itemType(item)) ?? true),
          given,
        ),
        filteredCount: nodes.length,
        updatedAt: stamp(fields.updatedAt),
      };
    },
  };
}

/** A review thread as GraphQL shows it. */
export function pullThreadNode(view: View, repository: Repository, pull: Pull, thread: Thread): Node {
  return {
    ...threadNode(view, repository, pull, thread),
    pullRequest: () => pullNode(view, repository, pull),
  };
}

/** What the caller may do with a repository, as `viewerPermission` says it. */
export function viewerPermission(
  repository: Repository,
  login: Parameters<typeof permissionOf>[1],
): string | null {
  const permission = permissionOf(repository, login);
  return permission === "none" ? null : permission.toUpperCase();
}

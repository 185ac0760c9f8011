import type { Pull, Repository, Review, ReviewComment, Thread } from "../model/model.ts";
import { associationOf, mayWrite, stamp } from "../model/model.ts";
import { reviewCommentUrl } from "../views/views.ts";
import type { View } from "./commits.ts";
import { actorNode, commitNode } from "./commits.ts";
import type { PageArguments } from "./connection.ts";
import { connection } from "./connection.ts";

type Node = Record<string, unknown>;

/** A review as GraphQL shows it. */
export function reviewNode(view: View, repository: Repository, pull: Pull, review: Review): Node {
  return {
    __typename: "PullRequestReview",
    id: review.nodeId,
    databaseId: review.id,
    fullDatabaseId: String(review.id),
    state: review.state,
    body: review.body,
    bodyText: review.body,
    author: actorNode(view, review.author),
    authorAssociation: associationOf(repository, review.author),
    authorCanPushToRepository: mayWrite(repository, review.author),
    commit: () => commitNode(view, repository, review.commit),
    submittedAt: stamp(review.submittedAt),
    createdAt: stamp(review.submittedAt),
    updatedAt: stamp(review.submittedAt),
    url: `${view.core.urls.web}/${repository.fullName}/pull/${pull.number}#pullrequestreview-${review.id}`,
    comments: (given: PageArguments) => {
      const own = pull.threads.flatMap((thread) =>
        thread.comments
          .filter((comment) => comment.review === review)
          .map((comment) => commentNode(view, repository, pull, thread, comment)),
      );
      return connection(own, given);
    },
  };
}

/** A review thread as GraphQL shows it, without its way back to the pull request. */
export function threadNode(view: View, repository: Repository, pull: Pull, thread: Thread): Node {
  return {
    __typename: "PullRequestReviewThread",
    id: thread.nodeId,
    isResolved: thread.resolvedBy !== null,
    isOutdated: thread.outdated,
    isCollapsed: thread.resolvedBy !== null,
    resolvedBy:
      thread.resolvedBy === null ? null : { ...actorNode(view, thread.resolvedBy), __typename: "User" },
    path: thread.path,
    line: thread.outdated ? null : thread.line,
    originalLine: thread.line,
    startLine: null,
    diffSide: "RIGHT",
    subjectType: "LINE",
    viewerCanReply: true,
    viewerCanResolve: thread.resolvedBy === null,
    viewerCanUnresolve: thread.resolvedBy !== null,
    comments: (given: PageArguments) => {
      const seen = thread.comments.filter((comment) => comment.createdAt <= view.at);
      return connection(
        seen.map((comment) => commentNode(view, repository, pull, thread, comment)),
        given,
      );
    },
  };
}

/** A review comment as GraphQL shows it. */
export function commentNode(
  view: View,
  repository: Repository,
  pull: Pull,
  thread: Thread,
  comment: ReviewComment,
): Node {
  return {
    __typename: "PullRequestReviewComment",
    id: comment.nodeId,
    databaseId: comment.id,
    fullDatabaseId: String(comment.id),
    author: actorNode(view, comment.author),
    authorAssociation: associationOf(repository, comment.author),
    body: comment.body,
    bodyText: comment.body,
    createdAt: stamp(comment.createdAt),
    updatedAt: stamp(comment.updatedAt),
    path: thread.path,
    line: thread.outdated ? null : thread.line,
    originalLine: thread.line,
    outdated: thread.outdated,
    diffHunk: `@@ -${thread.line},1 +${thread.line},1 @@`,
    subjectType: "LINE",
    state: "SUBMITTED",
    url: reviewCommentUrl(view.core, repository, pull, comment),
    commit: () => commitNode(view, repository, comment.commit),
    pullRequestReview: () => reviewNode(view, repository, pull, comment.review),
    replyTo: () => {
      const first = thread.comments.find((candidate) => candidate.id === comment.replyTo);
      return first === undefined ? null : commentNode(view, repository, pull, thread, first);
    },
  };
}

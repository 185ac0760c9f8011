import type { Actor } from "../../../factory/facts/actor.ts";
import type { Observation } from "../../../factory/facts/observation.ts";
import type { PullRequestCore } from "../../../factory/facts/pull-request.ts";
import type { ForgeContext } from "../../forge.ts";
import type { EventInterpretation } from "./interpretation.ts";
import { ignored, NOT_OURS, observed, payload } from "./interpretation.ts";
import { ownersOfPullRequest } from "./routing.ts";
import type { PullRequestPayload } from "./schema.ts";
import {
  IssueCommentEvent,
  PullRequestEvent,
  ReviewCommentEvent,
  ReviewEvent,
  ReviewThreadEvent,
} from "./schema.ts";
import { isAddressed } from "./addressed.ts";
import { actorOf, ejectionReason, isMarked, kept, promptIn, reviewOf } from "./vocabulary.ts";

const CHANGES: ReadonlySet<string> = new Set([
  "opened",
  "edited",
  "closed",
  "reopened",
  "synchronize",
  "converted_to_draft",
  "ready_for_review",
  "auto_merge_enabled",
  "auto_merge_disabled",
  "enqueued",
  "dequeued",
]);

/** `pull_request`: where it stands now; entering and leaving the merge queue beside it. */
export function interpretPullRequest(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action === null || !CHANGES.has(action))
    return ignored(`pull_request ${action ?? "without an action"} changes nothing that we act on`);
  const event = payload(PullRequestEvent, body, "pull_request");
  const { pull_request: pullRequest, repository } = event;
  const at = pullRequest.updated_at ?? context.receivedAt;
  const observations: Observation[] = [
    {
      kind: "pull_request_changed",
      at,
      by: actorOf(event.sender, context.us, null),
      pullRequest: {
        number: pullRequest.number,
        url: pullRequest.html_url,
        node: pullRequest.node_id,
        repositoryId: repository.id,
        core: coreOf(pullRequest),
      },
    },
  ];
  const entry = { at, number: pullRequest.number, head: pullRequest.head.sha };
  if (action === "enqueued") observations.push({ kind: "queue_entered", ...entry });
  if (action === "dequeued")
    observations.push({ kind: "queue_left", ...entry, reason: ejectionReason(event.reason), group: null });
  if (action === "auto_merge_enabled" || action === "auto_merge_disabled")
    observations.push({ kind: "auto_merge_changed", at, number: pullRequest.number });
  return observed(ownersOfPullRequest(context, repository, pullRequest), observations);
}

function coreOf(pullRequest: PullRequestPayload): PullRequestCore {
  return {
    state: pullRequest.state,
    merged: pullRequest.merged ?? pullRequest.merged_at !== null,
    draft: pullRequest.draft,
    head: pullRequest.head.sha,
    branch: pullRequest.head.ref,
    base: pullRequest.base.ref,
    title: pullRequest.title,
    closedAt: pullRequest.closed_at,
  };
}

/** `pull_request_review`: a review as it is now. Whose word counts is for the policy to say. */
export function interpretReview(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action !== "submitted" && action !== "edited" && action !== "dismissed")
    return ignored(`pull_request_review ${action ?? "without an action"} is unknown to us`);
  const {
    review: given,
    pull_request: pullRequest,
    repository,
  } = payload(ReviewEvent, body, "pull_request_review");
  const review = reviewOf({
    id: given.id,
    by: actorOf(given.user, context.us, given.author_association),
    state: given.state,
    head: given.commit_id,
    at: given.submitted_at,
    body: given.body,
  });
  if (review === null) return ignored("the review is not submitted yet");
  const at = action === "submitted" ? review.at : (given.updated_at ?? pullRequest.updated_at ?? review.at);
  return observed(ownersOfPullRequest(context, repository, pullRequest), [
    { kind: "review_changed", at, number: pullRequest.number, review },
    ...spoken(
      context,
      { ...review, text: given.body ?? "" },
      { id: review.id, on: { review: review.id, comment: null } },
    ),
  ]);
}

/** What somebody wrote in a review, where it is addressed to us. */
function spoken(
  context: ForgeContext,
  { by, at, text }: { readonly by: Actor; readonly at: number; readonly text: string },
  where: Parameters<typeof promptIn>[0],
): Observation[] {
  if (by.kind !== "person" || !isAddressed(text, context.us)) return [];
  const { id, on } = promptIn(where);
  return [{ kind: "prompted", at, prompt: id, session: null, by, from: "forge", text: kept(text), on }];
}

/**
 * `pull_request_review_comment`: a hint to read the conversations again, and a person's word where it is addressed to us;
 * our own words are no news.
 */
export function interpretReviewComment(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action !== "created" && action !== "edited" && action !== "deleted")
    return ignored(`pull_request_review_comment ${action ?? "without an action"} is unknown to us`);
  const {
    comment,
    pull_request: pullRequest,
    repository,
  } = payload(ReviewCommentEvent, body, "pull_request_review_comment");
  const by = actorOf(comment.user, context.us, comment.author_association);
  if (by.kind === "us") return ignored("our own words");
  const { id, path, original_line: line } = comment;
  const said = { by, at: comment.created_at ?? context.receivedAt, text: comment.body ?? "" };
  return observed(ownersOfPullRequest(context, repository, pullRequest), [
    {
      kind: "review_comment_added",
      at: comment.updated_at ?? comment.created_at ?? context.receivedAt,
      number: pullRequest.number,
    },
    ...(action === "deleted"
      ? []
      : spoken(context, said, {
          id,
          on: { review: comment.pull_request_review_id, comment: { id, path, line: line ?? comment.line } },
        })),
  ]);
}

/** `pull_request_review_thread`: a conversation was resolved or opened again. */
export function interpretReviewThread(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action !== "resolved" && action !== "unresolved")
    return ignored(`pull_request_review_thread ${action ?? "without an action"} is unknown to us`);
  const event = payload(ReviewThreadEvent, body, "pull_request_review_thread");
  return observed(ownersOfPullRequest(context, event.repository, event.pull_request), [
    {
      kind: "thread_changed",
      at: event.updated_at ?? event.pull_request.updated_at ?? context.receivedAt,
      number: event.pull_request.number,
      thread: event.thread.node_id,
      resolved: action === "resolved",
    },
  ]);
}

/** `issue_comment`: a person's comment on a pull request of ours that is addressed to us. */
export function interpretIssueComment(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action !== "created" && action !== "edited")
    return ignored(`issue_comment ${action ?? "without an action"} changes nothing that we act on`);
  const { comment, issue, repository } = payload(IssueCommentEvent, body, "issue_comment");
  if (issue.pull_request === undefined || issue.pull_request === null)
    return ignored("a comment on a GitHub issue, not on a pull request");
  const by = actorOf(comment.user, context.us, comment.author_association);
  // Until it is known who we are, our mark tells.
  if (by.kind === "us" || (context.us === null && isMarked(comment.body ?? "")))
    return ignored("our own words");
  const owner = context.byPullRequest(repository.id, repository.full_name, issue.number);
  if (owner === null) return ignored(NOT_OURS);
  if (by.kind !== "person") return ignored("only people may address us in a comment");
  const text = comment.body ?? "";
  if (!isAddressed(text, context.us)) return ignored("not addressed to us");
  return observed(
    [owner],
    [
      {
        kind: "prompted",
        at: comment.created_at ?? context.receivedAt,
        prompt: comment.id,
        session: null,
        by,
        from: "forge",
        text: kept(text),
      },
    ],
  );
}

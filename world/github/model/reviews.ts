import type {
  Core,
  IssueComment,
  Person,
  Pull,
  Repository,
  Review,
  ReviewComment,
  ReviewState,
  Thread,
} from "./model.ts";
import { change } from "./model.ts";
import { protectionOf } from "./verdicts.ts";
import { Refused } from "../schemas.ts";
import {
  issueCommentPart,
  issuePart,
  personPart,
  pullPart,
  reviewCommentPart,
  reviewPart,
} from "../views/views.ts";

export interface NewReview {
  readonly state: Exclude<ReviewState, "DISMISSED">;
  readonly body: string;
  readonly comments: readonly { readonly path: string; readonly line: number; readonly body: string }[];
}

/** Submits a review on the current head, each comment starting a thread. */
export function addReview(
  core: Core,
  repository: Repository,
  pull: Pull,
  author: Person,
  given: NewReview,
): Review {
  const id = core.nextId();
  const commit = pull.fields.headSha;
  const review: Review = {
    id,
    nodeId: `PRR_${id}`,
    author,
    commit,
    submittedAt: core.clock.now(),
    body: given.body,
    state: given.state,
  };
  submit(core, pull, review);
  const tell = (): void => tellReview(core, repository, pull, review, "submitted", author);
  if (!core.habits.commentsFirst) tell();
  for (const { path, line, body } of given.comments) {
    const thread: Thread = {
      nodeId: `PRRT_${core.nextId()}`,
      path,
      line,
      comments: [],
      outdated: false,
      resolvedBy: null,
    };
    pull.threads.push(thread);
    addThreadComment(core, repository, pull, thread, review, body, null);
  }
  if (core.habits.commentsFirst) tell();
  core.after.changed(repository);
  return review;
}

/** Whoever has reviewed is no longer asked to (REST description, "Get all requested reviewers for a pull request"). */
function submit(core: Core, pull: Pull, review: Review): void {
  pull.reviews.push(review);
  pull.requested = pull.requested.filter((person) => person.login !== review.author.login);
  change(core, pull, {});
}

/**
 * Requests reviews of people. All or none: one who may not review spoils the request for the others. The words are those of
 * the real service (peter-evans/create-pull-request#4138, dependabot/dependabot-core#9398; of bots only Copilot can be asked:
 * Automattic/jetpack#37058). Who is asked already is not asked again.
 */
export function requestReviews(
  core: Core,
  repository: Repository,
  pull: Pull,
  logins: readonly string[],
  actor: Person,
): void {
  const people = logins.map((login) => core.people.get(login) ?? null);
  if (people.some((person) => person?.login === pull.author.login))
    throw new Refused(422, "Review cannot be requested from pull request author.");
  const fine = people.filter(
    (person): person is Person =>
      person !== null && person.type === "User" && isCollaborator(repository, person),
  );
  if (fine.length < people.length)
    throw new Refused(
      422,
      `Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the ${repository.fullName} repository.`,
    );
  for (const person of fine) {
    if (pull.requested.some(({ login }) => login === person.login)) continue;
    pull.requested = [...pull.requested, person];
    change(core, pull, {});
    core.emit(repository, "pull_request", "review_requested", actor, {
      number: pull.number,
      pull_request: pullPart(core, repository, pull, null, Infinity),
      requested_reviewer: personPart(core, person),
    });
  }
}

// Everybody can read a public repository; a collaborator was given a permission.
function isCollaborator(repository: Repository, person: Person): boolean {
  const given = repository.permissions.get(person.login) ?? "none";
  return repository.owner.login === person.login || given !== "none";
}

/** Answers in a thread; like GitHub, that makes a `commented` review of its own. */
export function replyInThread(
  core: Core,
  repository: Repository,
  pull: Pull,
  thread: Thread,
  author: Person,
  body: string,
): ReviewComment {
  const id = core.nextId();
  const commit = pull.fields.headSha;
  const review: Review = {
    id,
    nodeId: `PRR_${id}`,
    author,
    commit,
    submittedAt: core.clock.now(),
    body: "",
    state: "COMMENTED",
  };
  submit(core, pull, review);
  tellReview(core, repository, pull, review, "submitted", author);
  return addThreadComment(core, repository, pull, thread, review, body, thread.comments[0]?.id ?? null);
}

/** Changes what a review's own text or one of its comments says. */
export function editReview(
  core: Core,
  repository: Repository,
  pull: Pull,
  edited: { readonly review: Review } | { readonly thread: Thread; readonly comment: ReviewComment },
  body: string,
  actor: Person,
): void {
  change(core, pull, {});
  if ("review" in edited) {
    edited.review.body = body;
    tellReview(core, repository, pull, edited.review, "edited", actor, { changes: {} });
    return;
  }
  const { thread, comment } = edited;
  const from = comment.body;
  comment.body = body;
  comment.updatedAt = core.clock.now();
  core.emit(repository, "pull_request_review_comment", "edited", actor, {
    comment: reviewCommentPart(core, repository, pull, thread, comment),
    pull_request: shortPull(core, repository, pull),
    changes: { body: { from } },
  });
}

function addThreadComment(
  core: Core,
  repository: Repository,
  pull: Pull,
  thread: Thread,
  review: Review,
  body: string,
  replyTo: number | null,
): ReviewComment {
  const id = core.nextId();
  const now = core.clock.now();
  const comment: ReviewComment = {
    id,
    nodeId: `PRRC_${id}`,
    author: review.author,
    review,
    commit: review.commit,
    replyTo,
    createdAt: now,
    updatedAt: now,
    body,
  };
  thread.comments.push(comment);
  core.emit(repository, "pull_request_review_comment", "created", review.author, {
    comment: reviewCommentPart(core, repository, pull, thread, comment),
    pull_request: shortPull(core, repository, pull),
  });
  return comment;
}

export function dismissReview(
  core: Core,
  repository: Repository,
  pull: Pull,
  review: Review,
  actor: Person,
): void {
  review.state = "DISMISSED";
  change(core, pull, {});
  tellReview(core, repository, pull, review, "dismissed", actor);
  core.after.changed(repository);
}

/** What a push, or another base, does to approvals where the base asks for it; else they stay as they are. */
export function dismissStale(
  core: Core,
  repository: Repository,
  pull: Pull,
  actor: Person,
  what: "push" | "base" = "push",
): void {
  if (protectionOf(repository, pull.fields.baseRef)?.dismissStaleReviews !== true) return;
  for (const review of pull.reviews) {
    if (review.state === "APPROVED" && (what === "base" || review.commit !== pull.fields.headSha))
      dismissReview(core, repository, pull, review, actor);
  }
}

export function setResolved(
  core: Core,
  repository: Repository,
  pull: Pull,
  thread: Thread,
  resolvedBy: Person | null,
  actor: Person,
): void {
  if ((thread.resolvedBy === null) === (resolvedBy === null)) return;
  thread.resolvedBy = resolvedBy;
  change(core, pull, {});
  const comments = thread.comments.map((comment) =>
    reviewCommentPart(core, repository, pull, thread, comment),
  );
  core.emit(
    repository,
    "pull_request_review_thread",
    resolvedBy === null ? "unresolved" : "resolved",
    actor,
    {
      thread: { node_id: thread.nodeId, comments },
      pull_request: shortPull(core, repository, pull),
    },
  );
}

/** A comment in the pull request's conversation. */
export function addComment(
  core: Core,
  repository: Repository,
  pull: Pull,
  author: Person,
  body: string,
): IssueComment {
  const id = core.nextId();
  const now = core.clock.now();
  const comment: IssueComment = { id, nodeId: `IC_${id}`, author, createdAt: now, updatedAt: now, body };
  pull.comments.push(comment);
  change(core, pull, {});
  tellComment(core, repository, pull, comment, "created", author);
  return comment;
}

export function editComment(
  core: Core,
  repository: Repository,
  pull: Pull,
  comment: IssueComment,
  body: string,
  actor: Person,
): void {
  const from = comment.body;
  comment.body = body;
  comment.updatedAt = core.clock.now();
  tellComment(core, repository, pull, comment, "edited", actor, { changes: { body: { from } } });
}

function tellComment(
  core: Core,
  repository: Repository,
  pull: Pull,
  comment: IssueComment,
  action: string,
  actor: Person,
  more = {},
): void {
  core.emit(repository, "issue_comment", action, actor, {
    issue: issuePart(core, repository, pull, Infinity),
    comment: issueCommentPart(core, repository, pull, comment),
    ...more,
  });
}

function tellReview(
  core: Core,
  repository: Repository,
  pull: Pull,
  review: Review,
  action: string,
  actor: Person,
  more = {},
): void {
  core.emit(repository, "pull_request_review", action, actor, {
    review: reviewPart(core, repository, pull, review, "webhook"),
    pull_request: shortPull(core, repository, pull),
    ...more,
  });
}

// Review events carry the short pull request: no `merged`, no `mergeable`.
function shortPull(core: Core, repository: Repository, pull: Pull): Record<string, unknown> {
  const long = new Set([
    "merged",
    "mergeable",
    "mergeable_state",
    "merged_by",
    "rebaseable",
    "comments",
    "review_comments",
    "commits",
    "additions",
    "deletions",
    "changed_files",
    "maintainer_can_modify",
  ]);
  return Object.fromEntries(
    Object.entries(pullPart(core, repository, pull, null, Infinity)).filter(([key]) => !long.has(key)),
  );
}

import type {
  Core,
  IssueComment,
  Person,
  Pull,
  Repository,
  Review,
  ReviewComment,
  Shape,
  Thread,
} from "../model/model.ts";
import { associationOf, fieldsAt, stamp } from "../model/model.ts";
import { mergeState } from "../model/verdicts.ts";

/** A JSON object as GitHub writes it, without the fields that the model does not keep: schemas.ts adds those. */
export type Part = Record<string, unknown>;

export function personPart(core: Core, person: Person): Part {
  // A bot's brackets are encoded in addresses.
  const name = encodeURIComponent(person.login);
  const url = `${core.urls.api}/users/${name}`;
  return {
    login: person.login,
    id: person.id,
    node_id: person.nodeId,
    avatar_url: `${core.urls.web}/avatars/${person.id}`,
    gravatar_id: "",
    url,
    html_url: `${core.urls.web}/${name}`,
    type: person.type,
    site_admin: false,
  };
}

export function repositoryPart(core: Core, repository: Repository): Part {
  const html = `${core.urls.web}/${repository.fullName}`;
  return {
    id: repository.id,
    node_id: repository.nodeId,
    name: repository.name,
    full_name: repository.fullName,
    owner: personPart(core, repository.owner),
    private: repository.private,
    visibility: repository.private ? "private" : "public",
    html_url: html,
    url: `${core.urls.api}/repos/${repository.fullName}`,
    clone_url: `${html}.git`,
    git_url: `${html}.git`,
    ssh_url: `${html}.git`,
    default_branch: repository.defaultBranch,
    allow_squash_merge: true,
    allow_merge_commit: true,
    allow_rebase_merge: true,
    allow_auto_merge: repository.allowsAutoMerge,
    created_at: stamp(repository.createdAt),
    updated_at: stamp(repository.createdAt),
    pushed_at: stamp(repository.createdAt),
  };
}

/** `shape` null = mergeability is not known yet, as right after a push. */
export function pullPart(
  core: Core,
  repository: Repository,
  pull: Pull,
  shape: Shape | null,
  at: number,
): Part {
  const fields = fieldsAt(pull, at);
  const api = `${core.urls.api}/repos/${repository.fullName}`;
  const html = `${core.urls.web}/${repository.fullName}/pull/${pull.number}`;
  const open = fields.state === "open";
  return {
    id: pull.id,
    node_id: pull.nodeId,
    number: pull.number,
    url: `${api}/pulls/${pull.number}`,
    html_url: html,
    diff_url: `${html}.diff`,
    patch_url: `${html}.patch`,
    issue_url: `${api}/issues/${pull.number}`,
    comments_url: `${api}/issues/${pull.number}/comments`,
    review_comments_url: `${api}/pulls/${pull.number}/comments`,
    review_comment_url: `${api}/pulls/comments{/number}`,
    commits_url: `${api}/pulls/${pull.number}/commits`,
    statuses_url: `${api}/statuses/${fields.headSha}`,
    state: fields.state,
    locked: false,
    title: fields.title,
    body: fields.body,
    user: personPart(core, pull.author),
    labels: fields.labels.map((name) => labelPart(core, repository, name)),
    draft: fields.draft,
    requested_reviewers: pull.requested.map((person) => personPart(core, person)),
    requested_teams: [],
    head: endPart(core, repository, pull.headRef, fields.headSha),
    base: endPart(core, repository, fields.baseRef, fields.baseSha),
    merged: fields.merged,
    merged_at: fields.mergedAt === null ? null : stamp(fields.mergedAt),
    merged_by: fields.mergedBy === null ? null : personPart(core, fields.mergedBy),
    merge_commit_sha: fields.mergeCommit,
    mergeable: open && shape !== null ? shape.mergeable : null,
    rebaseable: open && shape !== null ? shape.mergeable : null,
    mergeable_state: mergeState(repository, pull, shape, at).toLowerCase(),
    auto_merge:
      fields.autoMerge === null
        ? null
        : {
            enabled_by: personPart(core, fields.autoMerge.enabledBy),
            merge_method: fields.autoMerge.method,
            commit_title: null,
            commit_message: null,
          },
    author_association: associationOf(repository, pull.author),
    maintainer_can_modify: false,
    comments: pull.comments.length,
    review_comments: pull.threads.reduce((sum, thread) => sum + thread.comments.length, 0),
    commits: shape?.commits ?? 1,
    changed_files: shape?.changedFiles ?? 0,
    additions: shape?.additions ?? 0,
    deletions: shape?.deletions ?? 0,
    created_at: stamp(pull.createdAt),
    updated_at: stamp(fields.updatedAt),
    closed_at: fields.closedAt === null ? null : stamp(fields.closedAt),
  };
}

function endPart(core: Core, repository: Repository, ref: string, sha: string): Part {
  return {
    ref,
    sha,
    label: `${repository.owner.login}:${ref}`,
    repo: repositoryPart(core, repository),
    user: personPart(core, repository.owner),
  };
}

export function labelPart(core: Core, repository: Repository, name: string): Part {
  let id = 7;
  for (const character of name) id = (id * 31 + (character.codePointAt(0) ?? 0)) % 1_000_000_007;
  const url = `${core.urls.api}/repos/${repository.fullName}/labels/${encodeURIComponent(name)}`;
  return { id, node_id: `LA_${id}`, url, name, color: "ededed", default: false, description: null };
}

export function reviewPart(
  core: Core,
  repository: Repository,
  pull: Pull,
  review: Review,
  wire: "rest" | "webhook",
): Part {
  return {
    id: review.id,
    node_id: review.nodeId,
    user: personPart(core, review.author),
    body: wire === "webhook" && review.body === "" ? null : review.body,
    // Upper case over REST, lower case in webhooks (GitHub's own inconsistency).
    state: wire === "webhook" ? review.state.toLowerCase() : review.state,
    html_url: `${core.urls.web}/${repository.fullName}/pull/${pull.number}#pullrequestreview-${review.id}`,
    pull_request_url: `${core.urls.api}/repos/${repository.fullName}/pulls/${pull.number}`,
    commit_id: review.commit,
    submitted_at: stamp(review.submittedAt),
    author_association: associationOf(repository, review.author),
  };
}

export function reviewCommentPart(
  core: Core,
  repository: Repository,
  pull: Pull,
  thread: Thread,
  comment: ReviewComment,
): Part {
  const api = `${core.urls.api}/repos/${repository.fullName}/pulls`;
  return {
    id: comment.id,
    node_id: comment.nodeId,
    pull_request_review_id: comment.review.id,
    ...(comment.replyTo === null ? {} : { in_reply_to_id: comment.replyTo }),
    url: `${api}/comments/${comment.id}`,
    html_url: reviewCommentUrl(core, repository, pull, comment),
    pull_request_url: `${api}/${pull.number}`,
    path: thread.path,
    line: thread.outdated ? null : thread.line,
    original_line: thread.line,
    start_line: null,
    original_start_line: null,
    start_side: null,
    side: "RIGHT",
    position: thread.outdated ? null : thread.line,
    original_position: thread.line,
    diff_hunk: `@@ -${thread.line},1 +${thread.line},1 @@`,
    commit_id: comment.commit,
    original_commit_id: comment.commit,
    subject_type: "line",
    user: personPart(core, comment.author),
    body: comment.body,
    author_association: associationOf(repository, comment.author),
    created_at: stamp(comment.createdAt),
    updated_at: stamp(comment.updatedAt),
  };
}

export function reviewCommentUrl(
  core: Core,
  repository: Repository,
  pull: Pull,
  comment: ReviewComment,
): string {
  return `${core.urls.web}/${repository.fullName}/pull/${pull.number}#discussion_r${comment.id}`;
}

/** A pull request as the issues API and `issue_comment` show it. */
export function issuePart(core: Core, repository: Repository, pull: Pull, at: number): Part {
  const part = pullPart(core, repository, pull, null, at);
  const api = `${core.urls.api}/repos/${repository.fullName}`;
  const shared = [
    "id",
    "node_id",
    "number",
    "state",
    "title",
    "body",
    "user",
    "labels",
    "comments",
    "created_at",
    "updated_at",
    "closed_at",
    "draft",
  ];
  return {
    ...Object.fromEntries(shared.map((key) => [key, part[key]])),
    url: `${api}/issues/${pull.number}`,
    repository_url: api,
    html_url: part["html_url"],
    author_association: part["author_association"],
    assignee: null,
    assignees: [],
    milestone: null,
    locked: false,
    pull_request: {
      url: part["url"],
      html_url: part["html_url"],
      diff_url: part["diff_url"],
      patch_url: part["patch_url"],
      merged_at: part["merged_at"],
    },
  };
}

export function issueCommentPart(
  core: Core,
  repository: Repository,
  pull: Pull,
  comment: IssueComment,
): Part {
  const api = `${core.urls.api}/repos/${repository.fullName}/issues`;
  return {
    id: comment.id,
    node_id: comment.nodeId,
    url: `${api}/comments/${comment.id}`,
    html_url: `${core.urls.web}/${repository.fullName}/pull/${pull.number}#issuecomment-${comment.id}`,
    issue_url: `${api}/${pull.number}`,
    user: personPart(core, comment.author),
    body: comment.body,
    author_association: associationOf(repository, comment.author),
    performed_via_github_app: null,
    created_at: stamp(comment.createdAt),
    updated_at: stamp(comment.updatedAt),
  };
}

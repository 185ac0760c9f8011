import { iso } from "../../../src/lib/clock.ts";
import { required, type Model } from "../model/model.ts";
import type { CommentRow, IssueRow, Row, SessionRow, UserRow } from "../model/records.ts";

/** The pieces that webhook bodies are made of (names as in the `*ChildWebhookPayload` types of the schema). */

/** A JSON object on its way out. */
export type Json = Record<string, unknown>;

/** A time as ISO 8601, or null. */
export function time(at: number | null): string | null {
  return at === null ? null : iso(at);
}

/** `id` and the three times every entity carries. */
export function rowTimes(row: Row): Json {
  return {
    id: row.id,
    createdAt: iso(row.createdAt),
    updatedAt: iso(row.updatedAt),
    archivedAt: time(row.archivedAt),
  };
}

export function webUrl(model: Model, path: string): string {
  return `https://linear.app/${model.installation.urlKey}/${path}`;
}

/** The address of an issue's page. */
export function issueUrl(model: Model, issue: IssueRow): string {
  const slug = issue.title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-|-$/g, "");
  return webUrl(model, `issue/${issue.identifier}/${slug}`);
}

export function userUrl(model: Model, user: UserRow): string {
  return webUrl(model, `profiles/${user.displayName}`);
}

/** The address of a session's page. */
export function sessionUrl(model: Model, row: SessionRow): string {
  return webUrl(model, `session/${row.slugId}`);
}

export function commentUrl(model: Model, comment: CommentRow): string {
  const issue = required(model.issues.get(comment.issueId), "issue", comment.issueId);
  return `${issueUrl(model, issue)}#comment-${comment.id.slice(0, 8)}`;
}

export function userChild(model: Model, userId: string): Json {
  const user = model.user(userId);
  return { id: user.id, name: user.name, email: user.email, url: userUrl(model, user), avatarUrl: null };
}

/** `user` or nothing: such an object is absent, not null, when there is nobody. */
export function optionalUser(model: Model, key: string, userId: string | null): Json {
  return userId === null ? {} : { [key]: userChild(model, userId) };
}

export function externalUserChild(model: Model, id: string): Json {
  const { name, email } = required(model.externalUsers.get(id), "external user", id);
  return { id, name, email };
}

export function teamChild(model: Model, teamId: string): Json {
  const team = required(model.teams.get(teamId), "team", teamId);
  return { id: team.id, key: team.key, name: team.name };
}

export function issueChild(model: Model, issueId: string): Json {
  const issue = required(model.issues.get(issueId), "issue", issueId);
  return {
    id: issue.id,
    identifier: issue.identifier,
    title: issue.title,
    url: issueUrl(model, issue),
    teamId: issue.teamId,
    team: teamChild(model, issue.teamId),
  };
}

export function issueWithDescription(model: Model, issueId: string): Json {
  const issue = required(model.issues.get(issueId), "issue", issueId);
  return { ...issueChild(model, issueId), description: issue.description };
}

export function commentChild(model: Model, commentId: string): Json {
  const comment = required(model.comments.get(commentId), "comment", commentId);
  return { id: comment.id, body: comment.body, issueId: comment.issueId, userId: comment.userId };
}

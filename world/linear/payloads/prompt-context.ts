import { iso } from "../../../src/lib/clock.ts";
import { required, type Model } from "../model/model.ts";
import type { CommentRow, SessionRow } from "../model/records.ts";

/**
 * The XML-like text that Linear sends with a new session (developers/agent-interaction): the issue, the thread that
 * opened the session, the other threads. Its contents are whatever people wrote.
 */
export function promptContext(model: Model, session: SessionRow): string {
  const issue = required(model.issues.get(session.issueId), "issue", session.issueId);
  const team = required(model.teams.get(issue.teamId), "team", issue.teamId);
  const parent = issue.parentId === null ? undefined : model.issues.get(issue.parentId);
  const project = issue.projectId === null ? undefined : model.projects.get(issue.projectId);
  const labels = issue.labelIds.map((id) => required(model.labels.get(id), "label", id).name);
  const comments = model.comments.group(issue.id).filter((comment) => comment.archivedAt === null);
  const source = session.mentionId === null ? undefined : model.comments.get(session.mentionId);
  const directive = source === undefined ? null : (source.parentId ?? source.id);
  const threads = comments.filter((comment) => comment.parentId === null && comment.userId !== null);
  return [
    `<issue identifier="${issue.identifier}">`,
    `<title>${escape(issue.title)}</title>`,
    ...(issue.description === null ? [] : [`<description>${escape(issue.description)}</description>`]),
    `<team name="${escape(team.name)}"/>`,
    ...labels.map((label) => `<label>${escape(label)}</label>`),
    ...(parent === undefined
      ? []
      : [
          `<parent-issue identifier="${parent.identifier}"><title>${escape(parent.title)}</title></parent-issue>`,
        ]),
    ...(project === undefined ? [] : [`<project name="${escape(project.name)}"/>`]),
    `</issue>`,
    ...threads
      .toSorted((a, b) => Number(b.id === directive) - Number(a.id === directive))
      .map((root) => thread(model, root, comments, root.id === directive)),
  ].join("\n");
}

function thread(model: Model, root: CommentRow, comments: readonly CommentRow[], primary: boolean): string {
  const tag = primary ? "primary-directive-thread" : "other-thread";
  const lines = comments
    .filter((comment) => comment.id === root.id || comment.parentId === root.id)
    .map((comment) => {
      const author = comment.userId === null ? "Linear" : model.user(comment.userId).displayName;
      return `<comment author="${escape(author)}" created-at="${iso(comment.createdAt)}">${escape(comment.body)}</comment>`;
    });
  return [`<${tag} comment-id="${root.id}">`, ...lines, `</${tag}>`].join("\n");
}

function escape(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

import { priorityLabel } from "../../payloads/entity-bodies.ts";
import { connection, issuesWhere, type Field, type Fields } from "./fields.ts";
import { commentUrl, issueUrl } from "../../payloads/parts.ts";
import type {
  AttachmentRow,
  CommentRow,
  HistoryRow,
  IssueRow,
  ReactionRow,
  RelationRow,
  Row,
} from "../../model/records.ts";
import type { View } from "../../view.ts";

/** How the fields of issues and of what hangs on them are answered. */

export const Issue: Fields<IssueRow> = {
  url: (row, view) => issueUrl(view.model, row),
  branchName: (row, view) => {
    const slug = issueUrl(view.model, row).split("/").at(-1) ?? "";
    return `${view.viewer().displayName}/${row.identifier.toLowerCase()}-${slug}`.slice(0, 100);
  },
  priorityLabel: (row) => priorityLabel(row.priority),
  prioritySortOrder: (row) => row.sortOrder,
  boardOrder: (row) => row.sortOrder,
  trashed: (row) => (row.trashed ? true : null),
  team: (row, view) => view.get(view.model.teams, row.teamId),
  state: (row, view) => view.get(view.model.states, row.stateId),
  assignee: (row, view) => view.get(view.model.users, row.assigneeId),
  delegate: (row, view) => view.get(view.model.users, row.delegateId),
  creator: (row, view) => view.get(view.model.users, row.creatorId),
  parent: (row, view) => view.get(view.model.issues, row.parentId),
  project: (row, view) => view.get(view.model.projects, row.projectId),
  reactions: (row, view) => view.group(view.model.reactions, row.id),
  labels: (row, view, args) =>
    connection(
      view,
      "Label",
      view.all(view.model.labels).filter((label) => row.labelIds.includes(label.id)),
      args,
    ),
  subscribers: (row, view, args) =>
    connection(
      view,
      "User",
      view.all(view.model.users).filter((user) => row.subscriberIds.includes(user.id)),
      args,
    ),
  children: (row, view, args) =>
    connection(
      view,
      "Issue",
      issuesWhere(view, (issue) => issue.parentId === row.id),
      args,
    ),
  relations: (row, view, args) =>
    connection(
      view,
      null,
      relationsWhere(view, (relation) => relation.issueId === row.id),
      args,
    ),
  inverseRelations: (row, view, args) =>
    connection(
      view,
      null,
      relationsWhere(view, (relation) => relation.relatedIssueId === row.id),
      args,
    ),
  comments: (row, view, args) => connection(view, "Comment", view.group(view.model.comments, row.id), args),
  attachments: (row, view, args) =>
    connection(view, "Attachment", view.group(view.model.attachments, row.id), args),
  history: (row, view, args) => connection(view, null, view.group(view.model.history, row.id), args),
  agentSessions: (row, view, args) => connection(view, null, view.group(view.model.sessions, row.id), args),
};

export const IssueRelation: Fields<RelationRow> = {
  issue: (row, view) => view.get(view.model.issues, row.issueId),
  relatedIssue: (row, view) => view.get(view.model.issues, row.relatedIssueId),
};

export const Comment: Fields<CommentRow> = {
  externalUser: (row, view) => view.get(view.model.externalUsers, row.externalUserId),
  url: (row, view) => commentUrl(view.model, row),
  bodyData: (row) =>
    JSON.stringify({
      type: "doc",
      content: [{ type: "paragraph", content: [{ type: "text", text: row.body }] }],
    }),
  issue: (row, view) => view.get(view.model.issues, row.issueId),
  parent: (row, view) => view.get(view.model.comments, row.parentId),
  user: (row, view) => view.get(view.model.users, row.userId),
  reactions: (row, view) => view.group(view.model.reactions, row.id),
  isArtificialAgentSessionRoot: (row) => row.userId === null,
  agentSession: (row, view) =>
    view.group(view.model.sessions, row.issueId).findLast((session) => session.commentId === row.id),
  children: (row, view, args) =>
    connection(
      view,
      "Comment",
      view.group(view.model.comments, row.issueId).filter((comment) => comment.parentId === row.id),
      args,
    ),
};

export const Attachment: Fields<AttachmentRow> = {
  issue: (row, view) => view.get(view.model.issues, row.issueId),
  creator: (row, view) => view.get(view.model.users, row.creatorId),
  source: (row) => (row.sourceType === null ? null : { type: row.sourceType }),
};

export const Reaction: Fields<ReactionRow> = {
  issue: (row, view) => view.get(view.model.issues, row.issueId),
  comment: (row, view) => view.get(view.model.comments, row.commentId),
  user: (row, view) => view.get(view.model.users, row.userId),
};

const CHANGED_ROWS: Readonly<Record<string, (view: View, id: string) => Row | null>> = {
  State: (view, id) => view.get(view.model.states, id),
  Delegate: (view, id) => view.get(view.model.users, id),
  Assignee: (view, id) => view.get(view.model.users, id),
  Parent: (view, id) => view.get(view.model.issues, id),
  Project: (view, id) => view.get(view.model.projects, id),
};

function changedRow(name: string): Field<HistoryRow> {
  return (row, view) => {
    const id = row.changes[`${name}Id`];
    const kind = name.replace(/^(from|to)/, "");
    return typeof id === "string" ? CHANGED_ROWS[kind]?.(view, id) : null;
  };
}

function changedLabels(name: "addedLabelIds" | "removedLabelIds"): Field<HistoryRow> {
  return (row, view) => {
    const ids = row.changes[name] as readonly string[] | undefined;
    return ids?.map((id) => view.get(view.model.labels, id)) ?? null;
  };
}

function changedPlain(name: string): Field<HistoryRow> {
  return (row) => row.changes[name] ?? null;
}

const BOTH_ENDS = (names: readonly string[]): string[] =>
  names.flatMap((name) => [`from${name}`, `to${name}`]);

export const IssueHistory: Fields<HistoryRow> = {
  issue: (row, view) => view.get(view.model.issues, row.issueId),
  actor: (row, view) => view.get(view.model.users, row.actorId),
  addedLabels: changedLabels("addedLabelIds"),
  removedLabels: changedLabels("removedLabelIds"),
  ...Object.fromEntries(BOTH_ENDS(Object.keys(CHANGED_ROWS)).map((name) => [name, changedRow(name)])),
  ...Object.fromEntries(
    [
      ...BOTH_ENDS(["StateId", "AssigneeId", "ParentId", "ProjectId"]),
      ...BOTH_ENDS(["Title", "Priority", "Estimate", "DueDate"]),
      "addedLabelIds",
      "removedLabelIds",
      "updatedDescription",
      "trashed",
    ].map((name) => [name, changedPlain(name)]),
  ),
};

function relationsWhere(view: View, keep: (relation: RelationRow) => boolean): RelationRow[] {
  return view.all(view.model.relations).filter(keep);
}

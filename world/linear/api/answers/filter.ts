import { compares } from "./compare.ts";
import { notModelled } from "../errors.ts";
import type {
  AttachmentRow,
  CommentRow,
  IssueRow,
  LabelRow,
  Row,
  StateRow,
  TeamRow,
} from "../../model/records.ts";
import type { ActivityRow, ProjectRow, UserRow } from "../../model/records.ts";
import type { View } from "../../view.ts";

/** How one filter key of an entity is answered: with a plain value, one related row, or several. */
type Answer<T> =
  | { readonly value: (row: T, view: View) => string | number | boolean | null }
  | { readonly one: (row: T, view: View) => Row | null; readonly of: Filtered }
  | { readonly many: (row: T, view: View) => readonly Row[]; readonly of: Filtered };

/** The kinds of rows that can be filtered. */
export type Filtered =
  | "Issue"
  | "State"
  | "User"
  | "Team"
  | "Label"
  | "Project"
  | "Comment"
  | "Activity"
  | "Attachment";

const TIMES = {
  id: { value: (row: Row) => row.id },
  createdAt: { value: (row: Row) => row.createdAt },
  updatedAt: { value: (row: Row) => row.updatedAt },
} as const;

const ISSUE: Readonly<Record<string, Answer<IssueRow>>> = {
  ...TIMES,
  archivedAt: { value: (row) => row.archivedAt },
  number: { value: (row) => row.number },
  title: { value: (row) => row.title },
  description: { value: (row) => row.description },
  priority: { value: (row) => row.priority },
  estimate: { value: (row) => row.estimate },
  dueDate: { value: (row) => row.dueDate },
  startedAt: { value: (row) => row.startedAt },
  completedAt: { value: (row) => row.completedAt },
  canceledAt: { value: (row) => row.canceledAt },
  state: { one: (row, view) => view.get(view.model.states, row.stateId), of: "State" },
  team: { one: (row, view) => view.get(view.model.teams, row.teamId), of: "Team" },
  assignee: { one: (row, view) => view.get(view.model.users, row.assigneeId), of: "User" },
  delegate: { one: (row, view) => view.get(view.model.users, row.delegateId), of: "User" },
  creator: { one: (row, view) => view.get(view.model.users, row.creatorId), of: "User" },
  parent: { one: (row, view) => view.get(view.model.issues, row.parentId), of: "Issue" },
  project: { one: (row, view) => view.get(view.model.projects, row.projectId), of: "Project" },
  labels: {
    many: (row, view) =>
      row.labelIds.map((id) => view.get(view.model.labels, id)).filter((label) => label !== null),
    of: "Label",
  },
  children: {
    many: (row, view) => view.all(view.model.issues).filter((issue) => issue.parentId === row.id),
    of: "Issue",
  },
  comments: { many: (row, view) => view.group(view.model.comments, row.id), of: "Comment" },
  attachments: { many: (row, view) => view.group(view.model.attachments, row.id), of: "Attachment" },
  subscribers: {
    many: (row, view) => view.all(view.model.users).filter((user) => row.subscriberIds.includes(user.id)),
    of: "User",
  },
  hasBlockedByRelations: {
    value: (row, view) => relations(view).some((each) => each.relatedIssueId === row.id),
  },
  hasBlockingRelations: { value: (row, view) => relations(view).some((each) => each.issueId === row.id) },
  hasActiveAgentSessions: {
    value: (row, view) =>
      view
        .group(view.model.sessions, row.id)
        .some((session) => ["pending", "active", "awaitingInput"].includes(view.status(session))),
  },
  hasErroredAgentSessions: {
    value: (row, view) =>
      view.group(view.model.sessions, row.id).some((session) => view.status(session) === "error"),
  },
};

const NAMED = { ...TIMES, name: { value: (row: Row & { name: string }) => row.name } } as const;

const KINDS = {
  Issue: ISSUE,
  State: {
    ...NAMED,
    type: { value: (row: StateRow) => row.type },
    position: { value: (row: StateRow) => row.position },
    team: { one: (row: StateRow, view: View) => view.get(view.model.teams, row.teamId), of: "Team" },
  },
  User: {
    ...NAMED,
    email: { value: (row: UserRow) => row.email },
    displayName: { value: (row: UserRow) => row.displayName },
    app: { value: (row: UserRow) => row.app },
    active: { value: () => true },
    isMe: { value: (row: UserRow, view: View) => row.id === view.viewerId },
  },
  Team: { ...NAMED, key: { value: (row: TeamRow) => row.key } },
  Label: {
    ...NAMED,
    team: { one: (row: LabelRow, view: View) => view.get(view.model.teams, row.teamId), of: "Team" },
  },
  Project: { ...NAMED, slugId: { value: (row: ProjectRow) => row.slugId } },
  Comment: {
    ...TIMES,
    body: { value: (row: CommentRow) => row.body },
    issue: { one: (row: CommentRow, view: View) => view.get(view.model.issues, row.issueId), of: "Issue" },
    parent: {
      one: (row: CommentRow, view: View) => view.get(view.model.comments, row.parentId),
      of: "Comment",
    },
    user: { one: (row: CommentRow, view: View) => view.get(view.model.users, row.userId), of: "User" },
  },
  Activity: {
    ...TIMES,
    type: { value: (row: ActivityRow) => row.content.type },
    agentSessionId: { value: (row: ActivityRow) => row.sessionId },
    sourceComment: {
      one: (row: ActivityRow, view: View) => view.get(view.model.comments, row.sourceCommentId),
      of: "Comment",
    },
  },
  Attachment: {
    ...TIMES,
    title: { value: (row: AttachmentRow) => row.title },
    subtitle: { value: (row: AttachmentRow) => row.subtitle },
    url: { value: (row: AttachmentRow) => row.url },
    sourceType: { value: (row: AttachmentRow) => row.sourceType },
  },
} satisfies Record<Filtered, Readonly<Record<string, Answer<never>>>>;

function relations(view: View): { issueId: string; relatedIssueId: string }[] {
  return view
    .all(view.model.relations)
    .filter((relation) => relation.type === "blocks" && relation.archivedAt === null);
}

/**
 * Whether a row fulfils one of Linear's `*Filter` inputs. A key that the model cannot answer is an error naming it,
 * never silently true.
 */
export function fulfils(view: View, kind: Filtered, row: Row, filter: object): boolean {
  return Object.entries(filter).every(([key, wanted]: [string, unknown]) => {
    if (wanted === undefined || wanted === null) return true;
    if (key === "and") return (wanted as object[]).every((part) => fulfils(view, kind, row, part));
    if (key === "or") return (wanted as object[]).some((part) => fulfils(view, kind, row, part));
    const answers = KINDS[kind] as Readonly<Record<string, Answer<Row>>>;
    const answer = Object.hasOwn(answers, key) ? answers[key] : undefined;
    if (answer === undefined) throw notModelled(`the filter ${key} of ${kind}`);
    if ("value" in answer) return compares(answer.value(row, view), wanted, view.now());
    if ("one" in answer) return fulfilsOne(view, answer.of, answer.one(row, view), wanted);
    return fulfilsMany(view, answer.of, answer.many(row, view), wanted);
  });
}

function fulfilsOne(view: View, kind: Filtered, row: Row | null, filter: object): boolean {
  const { null: absent, ...rest } = filter as { null?: boolean | null };
  if (typeof absent === "boolean" && (row === null) !== absent) return false;
  if (Object.keys(rest).length === 0) return true;
  return row !== null && fulfils(view, kind, row, rest);
}

function fulfilsMany(view: View, kind: Filtered, rows: readonly Row[], filter: object): boolean {
  const {
    some,
    every,
    length,
    null: absent,
    ...rest
  } = filter as { some?: object; every?: object; length?: object; null?: boolean };
  if (typeof absent === "boolean" && (rows.length === 0) !== absent) return false;
  if (some !== undefined && !rows.some((row) => fulfils(view, kind, row, some))) return false;
  if (every !== undefined && !rows.every((row) => fulfils(view, kind, row, every))) return false;
  if (length !== undefined && !compares(rows.length, length, view.now())) return false;
  return Object.keys(rest).length === 0 || rows.some((row) => fulfils(view, kind, row, rest));
}

import { inputError, notFound } from "../api/errors.ts";
import { asStored } from "./markdown.ts";
import { required, type Model } from "./model.ts";
import { agentContent, agentSignal, externalLinks } from "./rules.ts";
import type {
  ActivityContent,
  ActivityRow,
  CommentRow,
  ExternalLink,
  IssueRow,
  SessionRow,
  Signal,
} from "./records.ts";

/** What may be given for a new comment. */
export interface NewComment {
  readonly id?: string | undefined;
  readonly issueId: string;
  readonly body: string;
  readonly parentId?: string | null;
  readonly quotedText?: string | null;
  /** Null: Linear itself, or somebody outside. */
  readonly userId: string | null;
  readonly externalUserId?: string | null;
}

/** Writes a comment and tells it. A reply to a reply belongs to the root of that thread. */
export function addComment(model: Model, input: NewComment): CommentRow {
  if (input.body.trim() === "") throw inputError("Argument Validation Error: body must not be empty");
  const issue = required(model.issues.get(input.issueId), "issue", input.issueId);
  const parent =
    input.parentId === undefined || input.parentId === null ? null : model.comments.get(input.parentId);
  if (parent === undefined || (parent !== null && parent.issueId !== issue.id)) {
    throw notFound("Comment", String(input.parentId));
  }
  const row = model.put(model.comments, {
    ...model.fresh(input.id),
    issueId: issue.id,
    body: asStored(input.body),
    parentId: parent === null ? null : (parent.parentId ?? parent.id),
    userId: input.userId,
    externalUserId: input.externalUserId ?? null,
    quotedText: input.quotedText ?? null,
    editedAt: null,
  });
  if (input.userId !== null) subscribe(model, issue, input.userId);
  const actorId = input.userId ?? row.externalUserId;
  model.tell({ kind: "entity", entity: "Comment", action: "create", id: row.id, actorId });
  return row;
}

/** Rewrites a comment. The same text again changes nothing and tells nothing. */
export function editComment(model: Model, actorId: string, comment: CommentRow, text: string): CommentRow {
  if (text.trim() === "") throw inputError("Argument Validation Error: body must not be empty");
  const body = asStored(text);
  if (body === comment.body) return comment;
  const row = model.change(model.comments, comment, { body, editedAt: model.clock.now() });
  model.tell({
    kind: "entity",
    entity: "Comment",
    action: "update",
    id: row.id,
    actorId,
    before: comment,
  });
  return row;
}

/** Takes a comment away. */
export function removeComment(model: Model, actorId: string, comment: CommentRow): CommentRow {
  if (comment.archivedAt !== null) return comment;
  const row = model.change(model.comments, comment, { archivedAt: model.clock.now() });
  model.tell({ kind: "entity", entity: "Comment", action: "remove", id: row.id, actorId });
  return row;
}

// A subscription is no change of the issue that Linear would tell or that would make it newer.
function subscribe(model: Model, issue: IssueRow, userId: string): void {
  if (issue.subscriberIds.includes(userId)) return;
  model.put(model.issues, { ...issue, subscriberIds: [...issue.subscriberIds, userId] });
}

/** What opens a session. */
export interface Opening {
  readonly issueId: string;
  /** The person; null for an automation or the app itself. */
  readonly creatorId: string | null;
  /** Whether there is a webhook about it: yes, unless the app opened it. */
  readonly told: boolean;
  /** The thread it lives in: a comment, or `artificial` for the one Linear makes. */
  readonly rootComment: CommentRow | "artificial";
  /** The comment with the mention. */
  readonly sourceComment?: CommentRow;
  readonly links?: readonly ExternalLink[];
}

/** Opens an agent session on an issue and tells it unless the app did. */
export function openSession(model: Model, opening: Opening): SessionRow {
  const links = externalLinks(opening.links ?? []);
  const app = model.appUser();
  const root =
    opening.rootComment === "artificial"
      ? addComment(model, {
          issueId: opening.issueId,
          body: `This thread is for an agent session with ${app.displayName}.`,
          userId: null,
        })
      : opening.rootComment;
  const fresh = model.fresh();
  const row = model.put(model.sessions, {
    ...fresh,
    slugId: model.randomness.bytes(6).toString("hex"),
    issueId: opening.issueId,
    appUserId: app.id,
    creatorId: opening.creatorId,
    commentId: root.id,
    mentionId: opening.sourceComment?.id ?? null,
    sourceCommentId: model.namesMention ? (opening.sourceComment?.id ?? null) : null,
    acknowledgedAt: links.length === 0 ? null : fresh.createdAt,
    startedAt: null,
    endedAt: null,
    dismissedAt: null,
    dismissedById: null,
    summary: null,
    plan: null,
    externalLinks: links,
  });
  if (opening.told) {
    model.tell({ kind: "session", action: "created", sessionId: row.id, activityId: null });
  }
  return row;
}

/** A person writes in a session, or asks to stop: a `prompt` activity, told as `prompted`. */
export function addPrompt(
  model: Model,
  userId: string,
  session: SessionRow,
  prompt: { body: string; signal: Signal | null; sourceCommentId: string | null },
): ActivityRow {
  const row = putActivity(model, session, {
    content: { type: "prompt", body: prompt.body },
    ephemeral: false,
    signal: prompt.signal,
    signalMetadata: null,
    sourceCommentId: prompt.sourceCommentId,
    userId,
  });
  model.change(model.sessions, session, { endedAt: null });
  model.tell({ kind: "session", action: "prompted", sessionId: session.id, activityId: row.id });
  return row;
}

/**
 * The agent writes an activity. It replaces what was ephemeral; a response, elicitation or error also makes a
 * comment in the session's thread. Wrong shapes are an INPUT_ERROR.
 */
export function addAgentActivity(
  model: Model,
  session: SessionRow,
  input: {
    id?: string | undefined;
    content: unknown;
    ephemeral: boolean;
    signal: Signal | null;
    signalMetadata: unknown;
  },
): ActivityRow {
  const content = agentContent(input.content, input.ephemeral);
  const signalMetadata = agentSignal(content.type, input.signal, input.signalMetadata);
  for (const shown of model.activities.group(session.id)) {
    if (shown.ephemeral && shown.archivedAt === null) {
      model.change(model.activities, shown, { archivedAt: model.clock.now() });
    }
  }
  const speaks = content.type === "response" || content.type === "elicitation" || content.type === "error";
  const comment =
    speaks && content.body !== undefined
      ? addComment(model, {
          issueId: session.issueId,
          body: content.body,
          parentId: session.commentId,
          userId: session.appUserId,
        })
      : null;
  const row = putActivity(model, session, {
    id: input.id,
    content,
    ephemeral: input.ephemeral,
    signal: input.signal,
    signalMetadata,
    sourceCommentId: comment?.id ?? null,
    userId: session.appUserId,
  });
  const now = row.createdAt;
  const ends = (content.type === "response" && input.signal !== "continue") || content.type === "error";
  model.change(model.sessions, session, {
    acknowledgedAt: session.acknowledgedAt ?? now,
    startedAt: session.startedAt ?? now,
    endedAt: ends ? now : null,
  });
  return row;
}

function putActivity(
  model: Model,
  session: SessionRow,
  activity: {
    id?: string | undefined;
    content: ActivityContent;
    ephemeral: boolean;
    signal: Signal | null;
    signalMetadata: Readonly<Record<string, unknown>> | null;
    sourceCommentId: string | null;
    userId: string;
  },
): ActivityRow {
  const { id, ...rest } = activity;
  return model.put(model.activities, { ...model.fresh(id), sessionId: session.id, ...rest });
}

import { connection, type Fields } from "./fields.ts";
import { sessionUrl } from "../../payloads/parts.ts";
import type { ActivityContent, ActivityRow, SessionRow } from "../../model/records.ts";

/** How the fields of agent sessions and activities are answered. */

const CONTENT_TYPES: Readonly<Record<ActivityContent["type"], string>> = {
  thought: "AgentActivityThoughtContent",
  action: "AgentActivityActionContent",
  elicitation: "AgentActivityElicitationContent",
  response: "AgentActivityResponseContent",
  error: "AgentActivityErrorContent",
  prompt: "AgentActivityPromptContent",
};

export const AgentActivity: Fields<ActivityRow> = {
  agentSession: (row, view) => view.get(view.model.sessions, row.sessionId),
  user: (row, view) => view.get(view.model.users, row.userId),
  sourceComment: (row, view) => view.get(view.model.comments, row.sourceCommentId),
  sentAt: (row) => row.createdAt,
  content: (row) => ({
    __typename: CONTENT_TYPES[row.content.type],
    ...row.content,
    bodyData: { type: "doc", content: [{ type: "text", text: row.content.body ?? "" }] },
  }),
};

export const AgentSession: Fields<SessionRow> = {
  status: (row, view) => view.status(row),
  type: () => "commentThread",
  url: (row, view) => sessionUrl(view.model, row),
  appUser: (row, view) => view.get(view.model.users, row.appUserId),
  creator: (row, view) => view.get(view.model.users, row.creatorId),
  dismissedBy: (row, view) => view.get(view.model.users, row.dismissedById),
  issue: (row, view) => view.get(view.model.issues, row.issueId),
  comment: (row, view) => view.get(view.model.comments, row.commentId),
  sourceComment: (row, view) => view.get(view.model.comments, row.sourceCommentId),
  sourceMetadata: (row) => (row.mentionId === null ? null : { type: "comment" }),
  externalUrls: (row) => row.externalLinks,
  externalLink: (row) => row.externalLinks[0]?.url ?? null,
  context: () => ({}),
  activities: (row, view, args) => connection(view, "Activity", view.activities(row), args),
};

/** The rows of the stand-in's model. Times are Unix milliseconds; `null` where Linear would show nothing. */
export interface Row {
  readonly id: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly archivedAt: number | null;
}

export interface UserRow extends Row {
  readonly name: string;
  readonly displayName: string;
  readonly email: string;
  /** True for our own agent, false for people. */
  readonly app: boolean;
}

/** Somebody outside of the workspace whom an integration speaks for (Slack, Intercom, GitHub). */
export interface ExternalUserRow extends Row {
  readonly name: string;
  readonly displayName: string;
  readonly email: string;
}

export interface TeamRow extends Row {
  readonly key: string;
  readonly name: string;
}

export const STATE_TYPES = [
  "triage",
  "backlog",
  "unstarted",
  "started",
  "completed",
  "canceled",
  "duplicate",
] as const;
export type StateType = (typeof STATE_TYPES)[number];

export interface StateRow extends Row {
  readonly teamId: string;
  readonly name: string;
  readonly type: StateType;
  readonly color: string;
  readonly position: number;
}

export interface LabelRow extends Row {
  readonly name: string;
  readonly color: string;
  readonly teamId: string | null;
}

export interface ProjectRow extends Row {
  readonly name: string;
  readonly slugId: string;
  readonly teamIds: readonly string[];
}

export interface IssueRow extends Row {
  readonly number: number;
  readonly identifier: string;
  readonly teamId: string;
  readonly title: string;
  readonly description: string | null;
  readonly stateId: string;
  readonly assigneeId: string | null;
  readonly delegateId: string | null;
  readonly creatorId: string | null;
  readonly labelIds: readonly string[];
  readonly parentId: string | null;
  readonly projectId: string | null;
  readonly priority: number;
  readonly estimate: number | null;
  readonly dueDate: string | null;
  readonly sortOrder: number;
  readonly subscriberIds: readonly string[];
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly canceledAt: number | null;
  readonly trashed: boolean;
}

export interface RelationRow extends Row {
  readonly issueId: string;
  readonly relatedIssueId: string;
  readonly type: string;
}

export interface CommentRow extends Row {
  readonly body: string;
  readonly issueId: string;
  readonly parentId: string | null;
  /** Null for the comment that Linear itself makes as the root of a delegated session's thread, and for outsiders. */
  readonly userId: string | null;
  readonly externalUserId: string | null;
  readonly quotedText: string | null;
  readonly editedAt: number | null;
}

export interface AttachmentRow extends Row {
  readonly issueId: string;
  readonly title: string;
  readonly subtitle: string | null;
  readonly url: string;
  readonly sourceType: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly groupBySource: boolean;
  readonly creatorId: string | null;
}

export interface ReactionRow extends Row {
  readonly emoji: string;
  readonly issueId: string | null;
  readonly commentId: string | null;
  readonly userId: string;
}

/** One entry of an issue's history: only what changed is set. */
export interface HistoryRow extends Row {
  readonly issueId: string;
  readonly actorId: string | null;
  readonly changes: Readonly<Record<string, unknown>>;
}

export interface ExternalLink {
  readonly label: string;
  readonly url: string;
}

export interface PlanItem {
  readonly content: string;
  readonly status: "pending" | "inProgress" | "completed" | "canceled";
}

export interface SessionRow extends Row {
  readonly slugId: string;
  readonly issueId: string;
  readonly appUserId: string;
  /** Null when the app opened the session itself. */
  readonly creatorId: string | null;
  /** Root of the thread the session lives in. */
  readonly commentId: string | null;
  /** The comment whose mention opened it; null = it was delegated, or opened by the app. */
  readonly mentionId: string | null;
  /** The same, where Linear says so. */
  readonly sourceCommentId: string | null;
  /** When the agent first showed itself: an activity, or an external address. */
  readonly acknowledgedAt: number | null;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly dismissedAt: number | null;
  readonly dismissedById: string | null;
  readonly summary: string | null;
  readonly plan: readonly PlanItem[] | null;
  readonly externalLinks: readonly ExternalLink[];
}

export type ActivityType = "thought" | "action" | "elicitation" | "response" | "error" | "prompt";
export type Signal = "stop" | "auth" | "select" | "continue";

export interface ActivityContent {
  readonly type: ActivityType;
  readonly body?: string;
  readonly action?: string;
  readonly parameter?: string;
  readonly result?: string;
}

export interface ActivityRow extends Row {
  readonly sessionId: string;
  readonly content: ActivityContent;
  readonly ephemeral: boolean;
  readonly signal: Signal | null;
  readonly signalMetadata: Readonly<Record<string, unknown>> | null;
  readonly sourceCommentId: string | null;
  readonly userId: string;
}

import { iso } from "../../../src/lib/clock.ts";
import { required, type Model } from "../model/model.ts";
import {
  commentChild,
  commentUrl,
  externalUserChild,
  issueChild,
  issueUrl,
  optionalUser,
  rowTimes,
  teamChild,
  time,
  webUrl,
  type Json,
} from "./parts.ts";
import type { AttachmentRow, CommentRow, IssueRow, LabelRow, ReactionRow } from "../model/records.ts";

/** The `data` of entity webhooks (`IssueWebhookPayload`, `CommentWebhookPayload`, … of the schema). */

const PRIORITIES = ["No priority", "Urgent", "High", "Medium", "Low"];

export function priorityLabel(priority: number): string {
  return PRIORITIES[priority] ?? "No priority";
}

export function issueBody(model: Model, row: IssueRow): Json {
  const state = required(model.states.get(row.stateId), "state", row.stateId);
  const project = row.projectId === null ? undefined : model.projects.get(row.projectId);
  return {
    ...rowTimes(row),
    identifier: row.identifier,
    number: row.number,
    title: row.title,
    description: row.description,
    url: issueUrl(model, row),
    priority: row.priority,
    priorityLabel: priorityLabel(row.priority),
    prioritySortOrder: row.sortOrder,
    estimate: row.estimate,
    sortOrder: row.sortOrder,
    teamId: row.teamId,
    team: teamChild(model, row.teamId),
    stateId: row.stateId,
    state: { id: state.id, name: state.name, type: state.type, color: state.color },
    assigneeId: row.assigneeId,
    ...optionalUser(model, "assignee", row.assigneeId),
    delegateId: row.delegateId,
    ...optionalUser(model, "delegate", row.delegateId),
    creatorId: row.creatorId,
    ...optionalUser(model, "creator", row.creatorId),
    labelIds: row.labelIds,
    labels: row.labelIds.map((id) => {
      const label = required(model.labels.get(id), "label", id);
      return { id, name: label.name, color: label.color, parentId: null };
    }),
    parentId: row.parentId,
    projectId: row.projectId,
    ...(project === undefined
      ? {}
      : { project: { id: project.id, name: project.name, url: webUrl(model, `project/${project.slugId}`) } }),
    projectMilestoneId: null,
    cycleId: null,
    subscriberIds: row.subscriberIds,
    previousIdentifiers: [],
    dueDate: row.dueDate,
    trashed: row.trashed ? true : null,
    startedAt: time(row.startedAt),
    completedAt: time(row.completedAt),
    canceledAt: time(row.canceledAt),
    triagedAt: null,
    startedTriageAt: null,
    autoClosedAt: null,
    autoArchivedAt: null,
    botActor: null,
    sourceCommentId: null,
    syncedWith: null,
    reactionData: {},
    releases: [],
    addedToTeamAt: iso(row.createdAt),
    slaStartedAt: null,
    slaMediumRiskAt: null,
    slaHighRiskAt: null,
    slaBreachesAt: null,
    slaType: "all",
  };
}

export function commentBody(model: Model, row: CommentRow): { data: Json; url: string } {
  const data = {
    ...rowTimes(row),
    body: row.body,
    issueId: row.issueId,
    issue: issueChild(model, row.issueId),
    parentId: row.parentId,
    ...(row.parentId === null ? {} : { parent: commentChild(model, row.parentId) }),
    userId: row.userId,
    ...optionalUser(model, "user", row.userId),
    externalUserId: row.externalUserId,
    ...(row.externalUserId === null ? {} : { externalUser: externalUserChild(model, row.externalUserId) }),
    botActor: null,
    quotedText: row.quotedText,
    editedAt: time(row.editedAt),
    resolvedAt: null,
    resolvingUserId: null,
    resolvingCommentId: null,
    documentContentId: null,
    projectId: null,
    projectUpdateId: null,
    reactionData: {},
    syncedWith: null,
  };
  return { data, url: commentUrl(model, row) };
}

export function attachmentBody(model: Model, row: AttachmentRow): { data: Json; url: string } {
  const issue = required(model.issues.get(row.issueId), "issue", row.issueId);
  const data = {
    ...rowTimes(row),
    issueId: row.issueId,
    originalIssueId: null,
    title: row.title,
    subtitle: row.subtitle,
    url: row.url,
    source: row.sourceType === null ? null : { type: row.sourceType },
    sourceType: row.sourceType,
    metadata: row.metadata,
    groupBySource: row.groupBySource,
    creatorId: row.creatorId,
    externalUserCreatorId: null,
  };
  return { data, url: issueUrl(model, issue) };
}

export function reactionBody(model: Model, row: ReactionRow): { data: Json; url: null } {
  const data = {
    ...rowTimes(row),
    emoji: row.emoji,
    issueId: row.issueId,
    ...(row.issueId === null ? {} : { issue: issueChild(model, row.issueId) }),
    commentId: row.commentId,
    ...(row.commentId === null ? {} : { comment: commentChild(model, row.commentId) }),
    userId: row.userId,
    ...optionalUser(model, "user", row.userId),
  };
  return { data, url: null };
}

export function labelBody(row: LabelRow): { data: Json; url: null } {
  const data = {
    ...rowTimes(row),
    name: row.name,
    color: row.color,
    description: null,
    isGroup: false,
    parentId: null,
    inheritedFromId: null,
    teamId: row.teamId,
    creatorId: null,
  };
  return { data, url: null };
}

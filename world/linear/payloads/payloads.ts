import { Bug, unreachable } from "../../../src/lib/assert.ts";
import { iso } from "../../../src/lib/clock.ts";
import { attachmentBody, commentBody, issueBody, labelBody, reactionBody } from "./entity-bodies.ts";
import { required, type Happening, type Model } from "../model/model.ts";
import { payloadFaults } from "./check.ts";
import {
  commentChild,
  externalUserChild,
  issueWithDescription,
  optionalUser,
  rowTimes,
  sessionUrl,
  time,
  userChild,
  userUrl,
  type Json,
} from "./parts.ts";
import { promptContext } from "./prompt-context.ts";
import { linearSchema } from "../api/schema.ts";
import { sessionStatus } from "../model/status.ts";
import type { ActivityRow, IssueRow, Row, SessionRow } from "../model/records.ts";

/** A webhook's body and the name it is sent under (`Linear-Event`). */
export interface Payload {
  readonly event: string;
  readonly body: Json;
}

/**
 * The webhook for something that happened, now. Checked against the payload types of Linear's schema; one that does
 * not fit is a mistake of the stand-in and throws.
 */
export function payloadOf(model: Model, happening: Happening): Payload {
  const { event, body, type, unions } = drafted(model, happening);
  const faults = payloadFaults(linearSchema(), type, body, unions);
  if (faults.length > 0) throw new Bug(`a ${event} webhook is not as Linear's: ${faults.join("; ")}`);
  return { event, body };
}

interface Draft extends Payload {
  /** Its type in the schema, and which member of a union stands where. */
  readonly type: string;
  readonly unions?: Readonly<Record<string, string>>;
}

function drafted(model: Model, happening: Happening): Draft {
  switch (happening.kind) {
    case "entity":
      return entity(model, happening);
    case "session":
      return session(model, happening);
    case "notification":
      return notification(model, happening);
    case "teamAccess":
      return {
        event: "PermissionChange",
        type: "AppUserTeamAccessChangedWebhookPayload",
        body: {
          ...envelope(model, "PermissionChange", "teamAccessChanged"),
          ...forApp(model),
          canAccessAllPublicTeams: true,
          addedTeamIds: happening.added,
          removedTeamIds: happening.removed,
        },
      };
    case "revoked":
      return {
        event: "OAuthApp",
        type: "OAuthAppWebhookPayload",
        body: {
          ...envelope(model, "OAuthApp", "revoked"),
          oauthClientId: model.installation.oauthClientId,
        },
      };
    default:
      return unreachable(happening);
  }
}

function envelope(model: Model, type: string, action: string): Json {
  const now = model.clock.now();
  return {
    action,
    type,
    createdAt: iso(now),
    organizationId: model.installation.organizationId,
    webhookId: model.installation.webhookId,
    webhookTimestamp: now,
  };
}

function forApp(model: Model): Json {
  return { oauthClientId: model.installation.oauthClientId, appUserId: model.installation.appUserId };
}

function entity(model: Model, happening: Extract<Happening, { kind: "entity" }>): Draft {
  const { entity, action, id, actorId } = happening;
  const { data, url } = bodyOf(model, entity, id);
  const before = happening.before === undefined ? undefined : beforeOf(model, entity, happening.before);
  const isOutsider = actorId !== null && model.externalUsers.get(actorId) !== undefined;
  const actorType = isOutsider ? "ExternalUserActorWebhookPayload" : "UserActorWebhookPayload";
  return {
    event: entity,
    type: "EntityWebhookPayload",
    unions: { data: `${entity}WebhookPayload`, actor: actorType },
    body: {
      ...envelope(model, entity, action),
      actor: actorId === null ? null : actor(model, actorId),
      data,
      ...(url === null ? {} : { url }),
      ...(before === undefined || action !== "update" ? {} : { updatedFrom: previous(before, data) }),
    },
  };
}

function bodyOf(
  model: Model,
  entity: Extract<Happening, { kind: "entity" }>["entity"],
  id: string,
): { data: Json; url: string | null } {
  switch (entity) {
    case "Issue": {
      const data = issueBody(model, required(model.issues.get(id), "issue", id));
      return { data, url: String(data["url"]) };
    }
    case "Comment":
      return commentBody(model, required(model.comments.get(id), "comment", id));
    case "Attachment":
      return attachmentBody(model, required(model.attachments.get(id), "attachment", id));
    case "Reaction":
      return reactionBody(model, required(model.reactions.get(id), "reaction", id));
    case "IssueLabel":
      return labelBody(required(model.labels.get(id), "label", id));
    default:
      return unreachable(entity);
  }
}

function beforeOf(model: Model, entity: string, row: Row): Json {
  // The model only hands over the earlier row of the kinds that are told as updates.
  if (entity === "Issue") return issueBody(model, row as IssueRow);
  if (entity === "Comment") return commentBody(model, row as Parameters<typeof commentBody>[1]).data;
  return attachmentBody(model, row as Parameters<typeof attachmentBody>[1]).data;
}

// `updatedFrom` has the previous values of changed plain properties; joined objects are left to their ids.
const JOINED = new Set([
  "team",
  "state",
  "assignee",
  "delegate",
  "creator",
  "labels",
  "project",
  "user",
  "issue",
  "url",
]);

function previous(before: Json, after: Json): Json {
  const keys = Object.keys(after).filter(
    (key) => !JOINED.has(key) && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
  return Object.fromEntries(keys.map((key) => [key, before[key] ?? null]));
}

function actor(model: Model, userId: string): Json {
  if (model.externalUsers.get(userId) !== undefined) {
    return { ...externalUserChild(model, userId), type: "externalUser" };
  }
  const user = model.user(userId);
  return { id: user.id, type: "user", name: user.name, email: user.email, url: userUrl(model, user) };
}

function session(model: Model, happening: Extract<Happening, { kind: "session" }>): Draft {
  const row = required(model.sessions.get(happening.sessionId), "session", happening.sessionId);
  const activity = happening.activityId === null ? undefined : model.activities.get(happening.activityId);
  const source = row.mentionId === null ? undefined : model.comments.get(row.mentionId);
  const thread = source?.parentId ?? null;
  const earlier =
    thread === null || source === undefined
      ? null
      : model.comments
          .group(row.issueId)
          .filter((each) => each.id === thread || (each.parentId === thread && each.id !== source.id));
  return {
    event: "AgentSessionEvent",
    type: "AgentSessionEventWebhookPayload",
    body: {
      ...envelope(model, "AgentSessionEvent", happening.action),
      ...forApp(model),
      agentSession: sessionBody(model, row),
      ...(activity === undefined ? {} : { agentActivity: activityBody(model, activity) }),
      ...(happening.action === "created"
        ? {
            promptContext: promptContext(model, row),
            ...(earlier === null
              ? {}
              : { previousComments: earlier.map((each) => commentChild(model, each.id)) }),
          }
        : {}),
      guidance: model.guidance === null ? [] : [{ body: model.guidance, origin: { type: "Organization" } }],
    },
  };
}

function sessionBody(model: Model, row: SessionRow): Json {
  return {
    ...rowTimes(row),
    appUserId: row.appUserId,
    organizationId: model.installation.organizationId,
    status: sessionStatus(row, model.activities.group(row.id), model.clock.now()),
    type: "commentThread",
    startedAt: time(row.startedAt),
    endedAt: time(row.endedAt),
    creatorId: row.creatorId,
    ...optionalUser(model, "creator", row.creatorId),
    issueId: row.issueId,
    issue: issueWithDescription(model, row.issueId),
    commentId: row.commentId,
    ...(row.commentId === null ? {} : { comment: commentChild(model, row.commentId) }),
    sourceCommentId: row.sourceCommentId,
    sourceMetadata: row.mentionId === null ? null : { type: "comment" },
    summary: row.summary,
    url: sessionUrl(model, row),
  };
}

function activityBody(model: Model, row: ActivityRow): Json {
  return {
    ...rowTimes(row),
    agentSessionId: row.sessionId,
    content: row.content,
    signal: row.signal,
    signalMetadata: row.signalMetadata,
    sourceCommentId: row.sourceCommentId,
    userId: row.userId,
    user: userChild(model, row.userId),
  };
}

function notification(model: Model, happening: Extract<Happening, { kind: "notification" }>): Draft {
  const comment = happening.commentId === null ? undefined : model.comments.get(happening.commentId);
  const parentId = comment?.parentId ?? null;
  return {
    event: "AppUserNotification",
    type: "AppUserNotificationWebhookPayload",
    unions: { notification: notificationType(happening.type) },
    body: {
      ...envelope(model, "AppUserNotification", happening.type),
      ...forApp(model),
      notification: {
        ...rowTimes(model.fresh()),
        type: happening.type,
        userId: model.installation.appUserId,
        actorId: happening.actorId,
        ...optionalUser(model, "actor", happening.actorId),
        externalUserActorId: null,
        issueId: happening.issueId,
        issue: issueWithDescription(model, happening.issueId),
        ...(comment === undefined
          ? {}
          : { commentId: comment.id, comment: commentChild(model, comment.id), parentCommentId: parentId }),
        ...(parentId === null ? {} : { parentComment: commentChild(model, parentId) }),
      },
    },
  };
}

// The inbox kinds that agents are told about have types of their own; the rest share one.
function notificationType(type: string): string {
  const own = `${type.slice(0, 1).toUpperCase()}${type.slice(1)}NotificationWebhookPayload`;
  return linearSchema().getType(own) === undefined ? "OtherNotificationWebhookPayload" : own;
}

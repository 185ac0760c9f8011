import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Observation } from "../../../factory/facts/observation.ts";
import type { Interpretation, TrackerContext } from "../../tracker.ts";
import { readComment, readIssueChanged, readIssueRemoved } from "./issue.ts";
import { readAssigned, readUnassigned } from "./notification.ts";
import { readPrompted, readSessionCreated } from "./session.ts";
import type { LinearEventReader } from "./interpretation.ts";

/** One row of the table of webhooks: what an event means to us, or why it means nothing. */
export interface EventRow {
  /** The body's `type`. */
  readonly type: string;
  /** The body's `action`; `*` = any other. */
  readonly action: string;
  /** Reads it, or the reason for ignoring it. */
  readonly meaning: LinearEventReader | string;
  /** Whether our sign-in is to be checked again. */
  readonly recheck?: true;
}

const SESSION_TELLS = "the agent session event of the same mention says it";
const NOT_KEPT = "we keep no facts about it";
const READ_TELLS = "reading the issue shows it";

/** Every webhook type that Linear sends. A new event with a meaning is a new row. */
export const EVENTS: readonly EventRow[] = [
  { type: "AgentSessionEvent", action: "created", meaning: readSessionCreated },
  { type: "AgentSessionEvent", action: "prompted", meaning: readPrompted },
  { type: "AgentSessionEvent", action: "*", meaning: "unknown agent session action" },

  { type: "AppUserNotification", action: "issueAssignedToYou", meaning: readAssigned },
  { type: "AppUserNotification", action: "issueUnassignedFromYou", meaning: readUnassigned },
  { type: "AppUserNotification", action: "issueMention", meaning: SESSION_TELLS },
  { type: "AppUserNotification", action: "issueCommentMention", meaning: SESSION_TELLS },
  { type: "AppUserNotification", action: "agentConversationMention", meaning: SESSION_TELLS },
  { type: "AppUserNotification", action: "issueNewComment", meaning: "a comment is not addressed to us" },
  { type: "AppUserNotification", action: "issueEmojiReaction", meaning: "a reaction asks for nothing" },
  { type: "AppUserNotification", action: "issueCommentReaction", meaning: "a reaction asks for nothing" },
  {
    type: "AppUserNotification",
    action: "issueStatusChanged",
    meaning: "it does not say which status; the issue event does",
  },
  {
    type: "AppUserNotification",
    action: "*",
    meaning: "a notice for people; the issue's own events say it",
  },

  { type: "Issue", action: "create", meaning: readIssueChanged },
  { type: "Issue", action: "update", meaning: readIssueChanged },
  { type: "Issue", action: "remove", meaning: readIssueRemoved },
  { type: "Issue", action: "*", meaning: "unknown issue action" },

  { type: "Comment", action: "*", meaning: readComment },

  {
    type: "OAuthApp",
    action: "revoked",
    meaning: "our app was removed from the workspace",
    recheck: true,
  },
  { type: "OAuthApp", action: "*", meaning: NOT_KEPT },
  { type: "OAuthAuthorization", action: "*", meaning: NOT_KEPT },
  {
    type: "PermissionChange",
    action: "*",
    meaning: "reading shows which teams we may see",
    recheck: true,
  },

  { type: "IssueLabel", action: "*", meaning: "labels come with the issue's own events" },
  { type: "Attachment", action: "*", meaning: NOT_KEPT },
  { type: "Reaction", action: "*", meaning: "a reaction asks for nothing" },
  { type: "IssueSLA", action: "*", meaning: NOT_KEPT },
  { type: "Project", action: "*", meaning: READ_TELLS },
  { type: "ProjectLabel", action: "*", meaning: NOT_KEPT },
  { type: "ProjectUpdate", action: "*", meaning: NOT_KEPT },
  { type: "Cycle", action: "*", meaning: NOT_KEPT },
  { type: "Document", action: "*", meaning: NOT_KEPT },
  { type: "Initiative", action: "*", meaning: NOT_KEPT },
  { type: "InitiativeUpdate", action: "*", meaning: NOT_KEPT },
  { type: "Customer", action: "*", meaning: NOT_KEPT },
  { type: "CustomerNeed", action: "*", meaning: NOT_KEPT },
  { type: "Release", action: "*", meaning: NOT_KEPT },
  { type: "ReleaseNote", action: "*", meaning: NOT_KEPT },
  { type: "User", action: "*", meaning: NOT_KEPT },
  { type: "AuditEntry", action: "*", meaning: NOT_KEPT },
];

const ROWS: ReadonlyMap<string, EventRow> = new Map(
  EVENTS.map((row) => [`${row.type}/${row.action}`, row] as const),
);

/**
 * What a stored webhook says. The body's own `type` counts, not `Linear-Event`, which nobody signed; `event` is
 * only for the story of a body that has none. Throws when an event that matters is not as Linear documents it.
 */
export function interpretEvent(body: unknown, event: string, context: TrackerContext): Interpretation {
  const type = field(body, "type");
  const action = field(body, "action");
  if (type === null) return ignore(action, `the body of this ${event} event names no type`);
  const row = ROWS.get(`${type}/${action ?? ""}`) ?? ROWS.get(`${type}/*`);
  if (row === undefined) return ignore(action, `unknown event type ${type}`);
  if (typeof row.meaning === "string") return ignore(action, row.meaning, row.recheck === true);
  const workspace = field(body, "organizationId");
  const us = context.us.find((one) => one.workspace === workspace) ?? null;
  if (us === null && context.us.length > 0) {
    return ignore(action, `we are not signed in to the workspace that it is from (${workspace ?? "none"})`);
  }
  const known = (issue: IssueId): boolean => context.known(issue);
  const reading = row.meaning(body, { us, known });
  if ("ignored" in reading) return ignore(action, reading.ignored);
  const { issue, observations } = reading;
  // The first news of an issue says with whose credential it is to be read.
  const located: readonly Observation[] =
    workspace === null || context.known(issue)
      ? []
      : [{ kind: "ticket_located", at: observations[0]?.at ?? context.receivedAt, workspace }];
  return {
    action,
    observations: [...located, ...observations].map((observation) => ({ issue, observation })),
    ignored: null,
    recheck: false,
  };
}

function ignore(action: string | null, why: string, recheck = false): Interpretation {
  return { action, observations: [], ignored: why, recheck };
}

function field(body: unknown, key: "type" | "action" | "organizationId"): string | null {
  if (typeof body !== "object" || body === null || !Object.hasOwn(body, key)) return null;
  const value = (body as Record<string, unknown>)[key];
  return typeof value === "string" ? value.slice(0, 100) : null;
}

import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Observation } from "../../../factory/facts/observation.ts";
import type { TrackerInterpretation, TrackerContext } from "../../tracker.ts";
import { interpretComment, interpretIssueChanged, interpretIssueRemoved } from "./issue.ts";
import { interpretAssigned, interpretUnassigned } from "./notification.ts";
import { interpretPrompted, interpretSessionCreated } from "./session.ts";
import type { EventInterpreter } from "./interpretation.ts";

/** One row of the table of webhooks: what an event means to us, or why it means nothing. */
export interface EventRow {
  /** The body's `type`. */
  readonly type: string;
  /** The body's `action`; `*` = any other. */
  readonly action: string;
  /** Reads it, or the reason for ignoring it. */
  readonly says: EventInterpreter | string;
  /** Whether our sign-in is to be checked again. */
  readonly recheck?: true;
}

const SESSION_TELLS = "the agent session event of the same mention says it";
const NOT_KEPT = "we keep no facts about it";
const READ_TELLS = "reading the issue shows it";

/** Every webhook type that Linear sends. A new event that matters is a new row. */
export const EVENTS: readonly EventRow[] = [
  { type: "AgentSessionEvent", action: "created", says: interpretSessionCreated },
  { type: "AgentSessionEvent", action: "prompted", says: interpretPrompted },
  { type: "AgentSessionEvent", action: "*", says: "unknown agent session action" },

  { type: "AppUserNotification", action: "issueAssignedToYou", says: interpretAssigned },
  { type: "AppUserNotification", action: "issueUnassignedFromYou", says: interpretUnassigned },
  { type: "AppUserNotification", action: "issueMention", says: SESSION_TELLS },
  { type: "AppUserNotification", action: "issueCommentMention", says: SESSION_TELLS },
  { type: "AppUserNotification", action: "agentConversationMention", says: SESSION_TELLS },
  { type: "AppUserNotification", action: "issueNewComment", says: "a comment is not addressed to us" },
  { type: "AppUserNotification", action: "issueEmojiReaction", says: "a reaction asks for nothing" },
  { type: "AppUserNotification", action: "issueCommentReaction", says: "a reaction asks for nothing" },
  {
    type: "AppUserNotification",
    action: "issueStatusChanged",
    says: "it does not say which status; the issue event does",
  },
  {
    type: "AppUserNotification",
    action: "*",
    says: "a notice for people; the issue's own events say it",
  },

  { type: "Issue", action: "create", says: interpretIssueChanged },
  { type: "Issue", action: "update", says: interpretIssueChanged },
  { type: "Issue", action: "remove", says: interpretIssueRemoved },
  { type: "Issue", action: "*", says: "unknown issue action" },

  { type: "Comment", action: "*", says: interpretComment },

  {
    type: "OAuthApp",
    action: "revoked",
    says: "our app was removed from the workspace",
    recheck: true,
  },
  { type: "OAuthApp", action: "*", says: NOT_KEPT },
  { type: "OAuthAuthorization", action: "*", says: NOT_KEPT },
  {
    type: "PermissionChange",
    action: "*",
    says: "reading shows which teams we may see",
    recheck: true,
  },

  { type: "IssueLabel", action: "*", says: "labels come with the issue's own events" },
  { type: "Attachment", action: "*", says: NOT_KEPT },
  { type: "Reaction", action: "*", says: "a reaction asks for nothing" },
  { type: "IssueSLA", action: "*", says: NOT_KEPT },
  { type: "Project", action: "*", says: READ_TELLS },
  { type: "ProjectLabel", action: "*", says: NOT_KEPT },
  { type: "ProjectUpdate", action: "*", says: NOT_KEPT },
  { type: "Cycle", action: "*", says: NOT_KEPT },
  { type: "Document", action: "*", says: NOT_KEPT },
  { type: "Initiative", action: "*", says: NOT_KEPT },
  { type: "InitiativeUpdate", action: "*", says: NOT_KEPT },
  { type: "Customer", action: "*", says: NOT_KEPT },
  { type: "CustomerNeed", action: "*", says: NOT_KEPT },
  { type: "Release", action: "*", says: NOT_KEPT },
  { type: "ReleaseNote", action: "*", says: NOT_KEPT },
  { type: "User", action: "*", says: NOT_KEPT },
  { type: "AuditEntry", action: "*", says: NOT_KEPT },
];

const ROWS: ReadonlyMap<string, EventRow> = new Map(
  EVENTS.map((row) => [`${row.type}/${row.action}`, row] as const),
);

/**
 * What a stored webhook says. The body's own `type` counts, not `Linear-Event`, which nobody signed; `event` is
 * only for the story of a body that has none. Throws when an event that matters is not as Linear documents it.
 */
export function interpretEvent(body: unknown, event: string, context: TrackerContext): TrackerInterpretation {
  const type = field(body, "type");
  const action = field(body, "action");
  if (type === null) return ignore(action, `the body of this ${event} event names no type`);
  const row = ROWS.get(`${type}/${action ?? ""}`) ?? ROWS.get(`${type}/*`);
  if (row === undefined) return ignore(action, `unknown event type ${type}`);
  if (typeof row.says === "string") return ignore(action, row.says, row.recheck === true);
  const workspace = field(body, "organizationId");
  const us = context.us.find((one) => one.workspace === workspace) ?? null;
  if (us === null && context.us.length > 0) {
    return ignore(action, `we are not signed in to the workspace that it is from (${workspace ?? "none"})`);
  }
  if (us !== null && us.quick !== null) return ignore(action, "with a person's key, news is looked for");
  const known = (issue: IssueId): boolean => context.known(issue);
  const said = row.says(body, { us, known });
  if ("ignored" in said) return ignore(action, said.ignored);
  const { issue, observations } = said;
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

function ignore(action: string | null, why: string, recheck = false): TrackerInterpretation {
  return { action, observations: [], ignored: why, recheck };
}

function field(body: unknown, key: "type" | "action" | "organizationId"): string | null {
  if (typeof body !== "object" || body === null || !Object.hasOwn(body, key)) return null;
  const value = (body as Record<string, unknown>)[key];
  return typeof value === "string" ? value.slice(0, 100) : null;
}

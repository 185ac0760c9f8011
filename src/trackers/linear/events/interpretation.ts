import type { IssueId } from "../../../factory/facts/ids.ts";
import { issueId } from "../../../factory/facts/ids.ts";
import type { TicketStatus } from "../../../factory/facts/ticket.ts";
import type { Observation } from "../../../factory/facts/observation.ts";
import type { TrackerIdentity } from "../../tracker.ts";

/** What one event says: observations about one issue, or why nothing is done with it. */
type EventInterpretation =
  | { readonly issue: IssueId; readonly observations: readonly Observation[] }
  | { readonly ignored: string };

/** What interpreting an event needs to know. */
export interface EventContext {
  /** Who we are in the workspace of the event; null = nobody could say so yet. */
  readonly us: TrackerIdentity | null;
  /** Whether we already keep this issue. */
  known(issue: IssueId): boolean;
}

/** Interprets one event's body. Throws when a body that matters is not as Linear documents it: it is then quarantined. */
export type EventInterpreter = (body: unknown, context: EventContext) => EventInterpretation;

/** Our id of Linear's issue. */
export function linearIssue(uuid: string): IssueId {
  return issueId("linear", uuid);
}

const STATUS_TYPES: ReadonlySet<string> = new Set([
  "triage",
  "backlog",
  "unstarted",
  "started",
  "completed",
  "canceled",
  "duplicate",
] satisfies TicketStatus["type"][]);

const ENDED: ReadonlySet<string> = new Set(["completed", "canceled", "duplicate"]);

/** A workflow state and since when it ended the issue, where Linear says so; a type that Linear adds later reads as `other`. */
export function statusOf(
  state: { readonly id: string; readonly name: string; readonly type: string },
  ended: { readonly completedAt: number | null; readonly canceledAt: number | null },
): TicketStatus {
  const type = STATUS_TYPES.has(state.type) ? (state.type as TicketStatus["type"]) : "other";
  const endedAt = ENDED.has(type) ? (ended.completedAt ?? ended.canceledAt) : null;
  return { id: state.id, name: state.name, type, endedAt };
}

/**
 * Whether a session came by delegation rather than a mention. Linear gives a delegated session a root comment of
 * its own, written by nobody; a mention has the comment of the person who wrote it.
 */
export function isDelegation(rootCommentAuthor: string | null, sourceComment: string | null): boolean {
  return rootCommentAuthor === null && sourceComment === null;
}

/** The reason to leave an event that is meant for another app of the workspace. */
export function notOurs(
  event: { readonly appUserId: string },
  context: EventContext,
): { readonly ignored: string } | null {
  const { us } = context;
  if (us === null || us.id === event.appUserId) return null;
  return {
    ignored: `it is for app user ${event.appUserId}, but our credential belongs to ${us.id}`,
  };
}

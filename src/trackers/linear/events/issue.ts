import type { TicketCore } from "../../../factory/facts/ticket.ts";
import type { Observation } from "../../../factory/facts/observation.ts";
import { entityActor } from "./actors.ts";
import { linearIssue, statusOf } from "./interpretation.ts";
import type { EventInterpreter } from "./interpretation.ts";
import { commentEvent, issueEvent, parsed } from "./schema.ts";
import type { IssueEvent } from "./schema.ts";

/** An issue was made or changed. */
export const interpretIssueChanged: EventInterpreter = (body, context) => {
  const event = parsed(issueEvent, body);
  const { data, updatedFrom } = event;
  const issue = linearIssue(data.id);
  const us = context.us?.id ?? null;
  const isDelegate = us !== null && data.delegateId === us;
  if (!context.known(issue) && !isDelegate) return { ignored: "not one of our issues" };
  const by = entityActor(event.actor, context.us);
  const at = data.updatedAt ?? event.createdAt;
  const observations: Observation[] = [];

  const core = coreOf(event);
  const status = data.state === null ? null : statusOf(data.state, data);
  if (core !== null || status !== null) {
    const ours = by.kind === "us" && updatedFrom?.hasState === true && status?.type === "completed";
    const ticket = {
      ...(core === null ? {} : { core }),
      ...(status === null ? {} : { status }),
      // Only the event of the move itself says whose it was.
      ...(ours ? { ownEnd: status.endedAt ?? at } : {}),
    };
    observations.push({ kind: "ticket_changed", at, ticket });
  }
  // What we did ourselves (setting ourselves as delegate) gives nobody's permission.
  if (us !== null && by.kind !== "us" && updatedFrom?.hasDelegate === true) {
    const was = updatedFrom.delegateId === us;
    if (was && !isDelegate) observations.push({ kind: "undelegated", at, by });
    if (!was && isDelegate) observations.push({ kind: "delegated", at, by });
  }
  if (data.trashed === true || data.archivedAt !== null) {
    observations.push({ kind: "ticket_removed", at: data.archivedAt ?? at, by });
  }
  return observations.length === 0 ? { ignored: "it changes none of our facts" } : { issue, observations };
};

/** An issue was deleted. */
export const interpretIssueRemoved: EventInterpreter = (body, context) => {
  const event = parsed(issueEvent, body);
  const issue = linearIssue(event.data.id);
  if (!context.known(issue)) return { ignored: "not one of our issues" };
  const at = event.data.archivedAt ?? event.data.updatedAt ?? event.createdAt;
  return { issue, observations: [{ kind: "ticket_removed", at, by: entityActor(event.actor, context.us) }] };
};

/** A comment: never work of its own, but the reason for leaving it differs. */
export const interpretComment: EventInterpreter = (body, context) => {
  const { actor, data } = parsed(commentEvent, body);
  const us = context.us?.id ?? null;
  if (us !== null && (actor?.id === us || data.userId === us)) {
    return { ignored: "our own comment came back" };
  }
  return { ignored: "a comment is not addressed to us; what is comes as an agent session event" };
};

// A payload without all of these (an older webhook version, say) must not blank what a read has found.
function coreOf(event: IssueEvent): TicketCore | null {
  const { data } = event;
  if (data.identifier === null || data.title === null || data.url === null) return null;
  if (data.team === null || data.labels === null) return null;
  if (data.projectId !== null && data.project === null) return null;
  return {
    key: data.identifier,
    title: data.title,
    description: data.description ?? "",
    url: data.url,
    workspace: event.organizationId,
    team: data.team.key,
    project: data.project?.name ?? null,
    labels: data.labels.map((label) => label.name),
    creator: data.creatorId,
  };
}

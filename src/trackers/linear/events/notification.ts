import { person } from "./actors.ts";
import { linearIssue, notOurs } from "./interpretation.ts";
import type { EventInterpreter } from "./interpretation.ts";
import { notificationEvent, parsed } from "./schema.ts";

/** Linear's inbox says that the issue was delegated to us: the same fact as the session event, told apart from it. */
export const interpretAssigned: EventInterpreter = (body, context) => reading("delegated", body, context);

/** Linear's inbox says that the delegation was taken back; often the only event that does. */
export const interpretUnassigned: EventInterpreter = (body, context) => reading("undelegated", body, context);

function reading(
  kind: "delegated" | "undelegated",
  ...[body, context]: Parameters<EventInterpreter>
): ReturnType<EventInterpreter> {
  const event = parsed(notificationEvent, body);
  const none = notOurs(event, context);
  if (none !== null) return none;
  const { notification } = event;
  const actor =
    notification.actor ?? (notification.actorId === null ? null : { id: notification.actorId, name: null });
  const by = person(actor, context.us);
  if (by.kind === "us") return { ignored: "we did that ourselves" };
  const issue = linearIssue(notification.issueId);
  if (kind === "undelegated" && !context.known(issue)) {
    return { ignored: "not one of our issues" };
  }
  return { issue, observations: [{ kind, at: notification.createdAt, by }] };
}

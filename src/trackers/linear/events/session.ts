import { person } from "./actors.ts";
import { isDelegation, linearIssue, notOurs } from "./interpretation.ts";
import type { EventInterpreter } from "./interpretation.ts";
import { parsed, sessionEvent } from "./schema.ts";
import type { SessionEvent } from "./schema.ts";

/** A mention or delegation opened a session. */
export const interpretSessionCreated: EventInterpreter = (body, context) => {
  const event = parsed(sessionEvent, body);
  const none = notOurs(event, context);
  if (none !== null) return none;
  const { agentSession: session } = event;
  if (session.issueId === null) return { ignored: "the session is not about an issue" };
  const by = person(session.creator, context.us);
  if (by.kind === "us") return { ignored: "we opened this session ourselves" };
  const at = session.createdAt;
  const delegated =
    isDelegation(session.comment?.userId ?? null, session.sourceCommentId) &&
    session.sourceMetadata?.type !== "comment" &&
    !isReply(event);
  const opened = {
    kind: "session_opened",
    at,
    session: session.id,
    by,
    automatic: session.creator === null,
    delegated,
    ticket: {},
  } as const;
  const mention = mentionOf(event);
  return {
    issue: linearIssue(session.issueId),
    observations:
      mention === null
        ? [opened]
        : [
            opened,
            {
              kind: "prompted",
              at,
              prompt: mention.id,
              session: session.id,
              by:
                mention.userId === session.creator?.id
                  ? by
                  : person({ id: mention.userId, name: null }, context.us),
              from: "tracker",
              text: mention.body,
            },
          ],
  };
};

/** A person wrote in a session, or pressed stop. */
export const interpretPrompted: EventInterpreter = (body, context) => {
  const event = parsed(sessionEvent, body);
  const none = notOurs(event, context);
  if (none !== null) return none;
  const { agentSession: session, agentActivity: activity } = event;
  if (session.issueId === null) return { ignored: "the session is not about an issue" };
  if (activity === null) return { ignored: "it carries no activity" };
  const by = person(
    { id: activity.userId, name: activity.user?.id === activity.userId ? activity.user.name : null },
    context.us,
  );
  if (by.kind === "us") return { ignored: "our own activity came back" };
  if (activity.content.type !== "prompt") {
    return { ignored: `an activity of type ${activity.content.type} is not a message to us` };
  }
  const issue = linearIssue(session.issueId);
  const said = { at: activity.createdAt, prompt: activity.id, session: session.id, by } as const;
  if (activity.signal === "stop") return { issue, observations: [{ kind: "stop_requested", ...said }] };
  const text = activity.content.body ?? "";
  return { issue, observations: [{ kind: "prompted", ...said, from: "tracker", text }] };
};

/**
 * The comment with the mention, where the webhook carries it; else a read tells it. `comment` is the root of the thread: in a
 * reply it is somebody else's word, or an older one, and never what we are asked.
 */
function mentionOf(event: SessionEvent): { id: string; userId: string; body: string } | null {
  const { agentSession: session, agentActivity: activity } = event;
  if (activity?.content.type === "prompt" && activity.sourceCommentId !== null && activity.signal === null) {
    return { id: activity.sourceCommentId, userId: activity.userId, body: activity.content.body ?? "" };
  }
  const { comment, sourceCommentId, creator } = session;
  if (comment === null || comment.userId === null || comment.userId !== creator?.id) return null;
  if (isReply(event) || (sourceCommentId !== null && sourceCommentId !== comment.id)) return null;
  return { id: comment.id, userId: comment.userId, body: comment.body };
}

function isReply({ previousComments }: SessionEvent): boolean {
  return previousComments !== null && previousComments.length > 0;
}

import { addAgentActivity, openSession } from "../../model/conversation.ts";
import { forbidden } from "../errors.ts";
import type { Args } from "../answers/fields.ts";
import { done, inputOf, isList, newId, theComment, theIssue, theSession } from "./parts.ts";
import type { RootFields } from "../answers/queries.ts";
import type { ExternalLink, SessionRow, Signal } from "../../model/records.ts";
import { externalLinks, plan, refused, summary } from "../../model/rules.ts";
import type { View } from "../../view.ts";

/** Mutations of agent sessions and activities. */
export const AGENT_MUTATIONS: RootFields = {
  agentActivityCreate: (view, args) => {
    const input = inputOf(args);
    const session = ownSession(view, input["agentSessionId"]);
    const agentActivity = addAgentActivity(view.model, session, {
      id: newId(view.model.activities, input, "AgentActivity"),
      content: input["content"],
      ephemeral: input["ephemeral"] === true,
      signal: (input["signal"] as Signal | null | undefined) ?? null,
      signalMetadata: input["signalMetadata"] ?? null,
    });
    return done(view, { agentActivity });
  },
  agentSessionUpdate: (view, args) => {
    const session = ownSession(view, args["id"]);
    const changes = sessionChange(session, inputOf(args));
    // An address counts as an answer to a new session; a title alone does not.
    const shown = (changes.externalLinks ?? []).length > 0 && session.acknowledgedAt === null;
    const acknowledged = shown ? { acknowledgedAt: view.model.clock.now() } : {};
    return done(view, {
      agentSession: view.model.change(view.model.sessions, session, { ...changes, ...acknowledged }),
    });
  },
  agentSessionCreateOnIssue: (view, args) => {
    const input = inputOf(args);
    const agentSession = openSession(view.model, {
      issueId: theIssue(view, input["issueId"]).id,
      creatorId: null,
      told: false,
      rootComment: "artificial",
      links: (input["externalUrls"] as ExternalLink[] | null | undefined) ?? [],
    });
    return done(view, { agentSession });
  },
  agentSessionCreateOnComment: (view, args) => {
    const input = inputOf(args);
    const comment = theComment(view, input["commentId"]);
    if (comment.parentId !== null) throw refused("commentId must be the root comment of a thread");
    const agentSession = openSession(view.model, {
      issueId: comment.issueId,
      creatorId: null,
      told: false,
      rootComment: comment,
      links: (input["externalUrls"] as ExternalLink[] | null | undefined) ?? [],
    });
    return done(view, { agentSession });
  },
};

function ownSession(view: View, id: unknown): SessionRow {
  const session = theSession(view, id);
  if (session.appUserId !== view.viewerId) throw forbidden("The session belongs to another agent.");
  return session;
}

function sessionChange(session: SessionRow, input: Args): Partial<SessionRow> {
  const odd = ["dismissedAt", "userState"].find((key) => input[key] !== undefined);
  if (odd !== undefined) throw forbidden(`${odd} is for Linear's own clients.`);
  return {
    ...(input["plan"] === undefined ? {} : { plan: plan(input["plan"]) }),
    ...(input["summary"] === undefined ? {} : { summary: summary(input["summary"] as string | null) }),
    ...linksChange(session, input),
  };
}

function linksChange(session: SessionRow, input: Args): Partial<SessionRow> {
  const all = input["externalUrls"] as readonly ExternalLink[] | null | undefined;
  const added = (input["addedExternalUrls"] as readonly ExternalLink[] | null | undefined) ?? [];
  const removed = isList(input["removedExternalUrls"]) ? input["removedExternalUrls"] : [];
  if (Array.isArray(all)) return { externalLinks: externalLinks(all) };
  if (added.length === 0 && removed.length === 0) return {};
  const kept = session.externalLinks.filter((link) => !removed.includes(link.url));
  return { externalLinks: externalLinks([...kept, ...added]) };
}

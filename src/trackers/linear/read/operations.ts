import { z } from "zod";
import type { Operation } from "../client/client.ts";
import { id, maybe, name, prose, time } from "../events/schema.ts";
import { ISSUE_FIELDS, issueAnswer, LISTED, pageEnd, user, USER } from "./shapes.ts";

const viewerAnswer = z.object({ viewer: user, organization: z.object({ id, name }) });

/** Who the credential belongs to. */
export const VIEWER: Operation<z.output<typeof viewerAnswer>> = {
  name: "Viewer",
  kind: "read",
  document: `query Viewer { viewer ${USER} organization { id name } }`,
  answer: viewerAnswer,
};

const historyEntry = z.object({
  createdAt: time,
  actor: maybe(user),
  botActor: maybe(z.object({ id: maybe(name), name: maybe(name) })),
  fromDelegate: maybe(z.object({ id })),
  toDelegate: maybe(z.object({ id })),
  toStateId: maybe(id),
});
export type HistoryEntry = z.output<typeof historyEntry>;

const session = z.object({
  id,
  status: z.string(),
  createdAt: time,
  updatedAt: time,
  dismissedAt: maybe(time),
  dismissedBy: maybe(user),
  appUser: z.object({ id }),
  creator: maybe(user),
  comment: maybe(
    z.object({
      id,
      body: prose,
      user: maybe(user),
      children: z.object({
        nodes: z.array(z.object({ id, body: prose, createdAt: time, user: maybe(z.object({ id })) })),
      }),
    }),
  ),
  sourceComment: maybe(z.object({ id, body: prose, user: maybe(user) })),
  activities: z.object({
    nodes: z.array(
      z.object({
        id,
        createdAt: time,
        signal: maybe(z.string()),
        user: maybe(user),
        sourceComment: maybe(z.object({ id })),
        content: z.object({ body: maybe(prose) }),
      }),
    ),
  }),
});
export type SessionAnswer = z.output<typeof session>;

const ticketAnswer = z.object({
  organization: z.object({ id }),
  issue: issueAnswer.extend({
    delegate: maybe(z.object({ id })),
    history: z.object({ nodes: z.array(historyEntry) }),
    agentSessions: z.object({ nodes: z.array(session) }),
  }),
});
export type TicketAnswer = z.output<typeof ticketAnswer>;

const SESSION_FIELDS = `
        id status createdAt updatedAt dismissedAt
        dismissedBy ${USER}
        appUser { id }
        creator ${USER}
        comment {
          id body
          user ${USER}
          children(first: ${LISTED.replies}) { nodes { id body createdAt user { id } } }
        }
        sourceComment { id body user ${USER} }
        activities(first: ${LISTED.prompts}, filter: { type: { eq: "prompt" } }) {
          nodes {
            id createdAt signal
            user ${USER}
            sourceComment { id }
            content { ... on AgentActivityPromptContent { body } }
          }
        }`;
const TICKET_SESSIONS = `
    agentSessions(first: ${LISTED.sessions}, orderBy: updatedAt) {
      nodes {${SESSION_FIELDS}
      }
    }`;

/** Everything about one issue that the factory wants to know. About 1,400 of the 10,000 points a query may cost. */
export const TICKET: Operation<TicketAnswer> = {
  name: "Ticket",
  kind: "read",
  document: `query Ticket($id: String!) {
  organization { id }
  issue(id: $id) {${ISSUE_FIELDS}
    creator { id }
    delegate { id }
    history(first: ${LISTED.history}) {
      nodes { createdAt actor ${USER} botActor { id name } fromDelegate { id } toDelegate { id } toStateId }
    }${TICKET_SESSIONS}
  }
}`,
  answer: ticketAnswer,
};

/**
 * The same without its sessions, for a day on which Linear takes away `Issue.agentSessions`, which its schema calls
 * internal.
 */
export const TICKET_ALONE: Operation<
  Omit<TicketAnswer, "issue"> & { issue: Omit<TicketAnswer["issue"], "agentSessions"> }
> = {
  ...TICKET,
  document: TICKET.document.replace(TICKET_SESSIONS, ""),
  answer: ticketAnswer.extend({ issue: ticketAnswer.shape.issue.omit({ agentSessions: true }) }),
};

const sessionAnswer = z.object({ agentSession: session });

/** One session by its id. */
export const SESSION: Operation<z.output<typeof sessionAnswer>> = {
  name: "Session",
  kind: "read",
  document: `query Session($id: String!) {
  agentSession(id: $id) {${SESSION_FIELDS}
  }
}`,
  answer: sessionAnswer,
};

const sessionsAnswer = z.object({
  agentSessions: z.object({
    nodes: z.array(
      z.object({
        updatedAt: time,
        appUser: z.object({ id }),
        creator: maybe(user),
        issue: maybe(z.object({ id })),
      }),
    ),
    pageInfo: pageEnd,
  }),
});

/** Agent sessions, last changed first. Linear does not say whose; the caller picks ours. */
export const SESSIONS: Operation<z.output<typeof sessionsAnswer>> = {
  name: "Sessions",
  kind: "background",
  document: `query Sessions($after: String) {
  agentSessions(first: ${LISTED.page}, after: $after, orderBy: updatedAt) {
    nodes { updatedAt appUser { id } creator ${USER} issue { id } }
    pageInfo { hasNextPage endCursor }
  }
}`,
  answer: sessionsAnswer,
};

const delegatedAnswer = z.object({
  issues: z.object({ nodes: z.array(z.object({ id, updatedAt: time })), pageInfo: pageEnd }),
});

/** Issues whose delegate is `$us` and that are still open, last changed first. */
export const DELEGATED: Operation<z.output<typeof delegatedAnswer>> = {
  name: "Delegated",
  kind: "background",
  document: `query Delegated($us: ID!, $after: String) {
  issues(
    first: ${LISTED.page}, after: $after, orderBy: updatedAt,
    filter: { delegate: { id: { eq: $us } }, state: { type: { nin: ["completed", "canceled", "duplicate"] } } }
  ) {
    nodes { id updatedAt }
    pageInfo { hasNextPage endCursor }
  }
}`,
  answer: delegatedAnswer,
};

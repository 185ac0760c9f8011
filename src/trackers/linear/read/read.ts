import { NOBODY } from "../../../factory/facts/actor.ts";
import type { Observation, TicketReading } from "../../../factory/facts/observation.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { Discovery, TrackerIdentity } from "../../tracker.ts";
import { readActor } from "../events/actors.ts";
import type { LinearClient } from "../client/client.ts";
import { DELEGATED, SESSIONS, VIEWER } from "./operations.ts";
import { lookThrough } from "./pages.ts";
import type { List } from "./pages.ts";

interface ReadParts {
  readonly client: LinearClient;
  readonly log: Log;
}

/** Who the credential acts as. `workspace` is the organization's id, as webhooks name it too. */
export async function readIdentity(client: LinearClient, signal: AbortSignal): Promise<TrackerIdentity> {
  const { us, isApp } = await readViewer(client, signal);
  return isApp ? us : { ...us, inert: tokenOfPerson(us.name) };
}

/** The same, and whether it is an application. */
export async function readViewer(
  client: LinearClient,
  signal: AbortSignal,
): Promise<{ readonly us: TrackerIdentity; readonly isApp: boolean }> {
  const { viewer, organization } = await client.call(VIEWER, {}, signal);
  const { id, name } = viewer;
  const { id: workspace, name: workspaceName } = organization;
  return { us: { id, name, workspace, workspaceName, inert: null, quick: null }, isApp: viewer.app };
}

/** What is wrong with a token that should be an application's and is a person's. */
export function tokenOfPerson(name: string): NonNullable<TrackerIdentity["inert"]> {
  return {
    why: `this token belongs to a person (${name}): Linear lets only apps be delegates and have agent sessions`,
    remedy:
      "install the application as itself (actor=app), or set LINEAR_API_KEY alone to work with a person's key",
  };
}

/** Everything about one issue as `ticket_read`; `ticket_removed` only when Linear itself says there is no such issue. */
export async function readTicket<Answer extends { readonly issue: { readonly updatedAt: number } }>(
  ask: () => Promise<Answer>,
  reading: (answer: Answer) => TicketReading,
  clock: Clock,
): Promise<Observation> {
  try {
    const answer = await ask();
    // The issue's own time, not that of the read: an answer from a lagging replica must not overwrite newer news.
    return { kind: "ticket_read", at: answer.issue.updatedAt, ...reading(answer) };
  } catch (error) {
    if (!(error instanceof ExternalError) || error.kind !== "not_found") throw error;
    return { kind: "ticket_removed", at: clock.now(), by: NOBODY };
  }
}

/** Issues delegated to us or with a session of ours that changed since `since` (Unix ms), last changed first. */
export async function discoverIssues(
  { client, log }: ReadParts,
  us: TrackerIdentity,
  since: number,
  rest: string | null,
  signal: AbortSignal,
): Promise<Discovery> {
  const delegated: List = {
    name: "delegated",
    page: async (after) => {
      const { issues } = await client.call(DELEGATED, { us: us.id, after }, signal);
      return {
        found: issues.nodes.map((node) => ({ issue: node.id, by: NOBODY, at: node.updatedAt })),
        oldest: issues.nodes.at(-1)?.updatedAt ?? null,
        next: issues.pageInfo.hasNextPage ? issues.pageInfo.endCursor : null,
      };
    },
  };
  const sessions: List = {
    name: "sessions",
    page: async (after) => {
      const { agentSessions } = await client.call(SESSIONS, { after }, signal);
      const ours = agentSessions.nodes.filter((node) => node.appUser.id === us.id);
      return {
        found: ours.flatMap((node) =>
          node.issue === null
            ? []
            : [{ issue: node.issue.id, by: readActor(node.creator, us), at: node.updatedAt }],
        ),
        oldest: agentSessions.nodes.at(-1)?.updatedAt ?? null,
        next: agentSessions.pageInfo.hasNextPage ? agentSessions.pageInfo.endCursor : null,
      };
    },
  };
  // Sessions name a person.
  return await lookThrough([sessions, delegated], us, since, rest, log);
}

import { z } from "zod";
import { trackerIdOf } from "../../../factory/facts/ids.ts";
import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Actor } from "../../../factory/facts/actor.ts";
import { NOBODY } from "../../../factory/facts/actor.ts";
import type { Observation } from "../../../factory/facts/observation.ts";
import type { Clock } from "../../../lib/clock.ts";
import { iso } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { Discovery, TrackerIdentity } from "../../tracker.ts";
import { readActor } from "../events/actors.ts";
import type { LinearClient } from "../client/client.ts";
import { DELEGATED, SESSIONS, VIEWER } from "./operations.ts";
import type { TicketReader } from "./sessions.ts";
import { linearIssue } from "../events/interpretation.ts";
import { ticketReading } from "./ticket.ts";

export interface ReadParts {
  readonly client: LinearClient;
  readonly clock: Clock;
  readonly log: Log;
}

/** Who the credential acts as. `workspace` is the organization's id, as webhooks name it too. */
export async function readIdentity(client: LinearClient, signal: AbortSignal): Promise<TrackerIdentity> {
  const { viewer, organization } = await client.call(VIEWER, {}, signal);
  const { id, name } = viewer;
  const { id: workspace, name: workspaceName } = organization;
  return { id, name, workspace, workspaceName, inert: viewer.app ? null : person(name) };
}

function person(name: string): NonNullable<TrackerIdentity["inert"]> {
  return {
    why: `this key belongs to a person (${name}): Linear lets only apps be delegates and have agent sessions, so nothing will start`,
    remedy:
      "create an OAuth application, enable client credentials, set LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET",
  };
}

/** Everything about one issue as `ticket_read`; `ticket_removed` only when Linear itself says there is no such issue. */
export async function readTicket(
  { tickets, clock }: { readonly tickets: TicketReader; readonly clock: Clock },
  us: TrackerIdentity,
  issue: IssueId,
  known: readonly string[],
  background: boolean,
  signal: AbortSignal,
): Promise<Observation> {
  try {
    const answer = await tickets.read(trackerIdOf(issue), known, background, signal);
    // The issue's own time, not that of the read: an answer from a lagging replica must not overwrite newer news.
    return { kind: "ticket_read", at: answer.issue.updatedAt, ...ticketReading(answer, us) };
  } catch (error) {
    if (!(error instanceof ExternalError) || error.kind !== "not_found") throw error;
    return { kind: "ticket_removed", at: clock.now(), by: NOBODY };
  }
}

/** Pages of 50 that one look takes of each list; the next look goes on there. */
const MOST_PAGES = 20;

interface Found {
  readonly issue: string;
  readonly by: Actor;
  readonly at: number;
}

interface Page {
  readonly found: readonly Found[];
  /** Oldest change on the page, Unix ms; null = the page is empty. */
  readonly oldest: number | null;
  readonly next: string | null;
}

/** Where each list goes on; `ended` = it was read to its end, null = from its beginning. */
const place = z.object({
  sessions: z.union([z.object({ after: z.string() }), z.literal("ended")]).nullable(),
  delegated: z.union([z.object({ after: z.string() }), z.literal("ended")]).nullable(),
});
type Place = z.output<typeof place>;
type PlaceInList = Place["sessions"];

const BEGINNING: Place = { sessions: null, delegated: null };

/** Issues delegated to us or with a session of ours that changed since `since` (Unix ms), last changed first. */
export async function discoverIssues(
  parts: ReadParts,
  us: TrackerIdentity,
  since: number,
  rest: string | null,
  signal: AbortSignal,
): Promise<Discovery> {
  const from = rest === null ? BEGINNING : place.parse(JSON.parse(rest));
  const sessions = await pages(parts, "sessions", since, from.sessions, async (after) => {
    const { agentSessions } = await parts.client.call(SESSIONS, { after }, signal);
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
  });
  const delegated = await pages(parts, "delegated issues", since, from.delegated, async (after) => {
    const { issues } = await parts.client.call(DELEGATED, { us: us.id, after }, signal);
    return {
      found: issues.nodes.map((node) => ({ issue: node.id, by: NOBODY, at: node.updatedAt })),
      oldest: issues.nodes.at(-1)?.updatedAt ?? null,
      next: issues.pageInfo.hasNextPage ? issues.pageInfo.endCursor : null,
    };
  });
  const byIssue = new Map<string, Found>();
  // Sessions last, so that the person they name stands where an issue is found both ways.
  for (const one of [...delegated.found, ...sessions.found]) {
    const before = byIssue.get(one.issue);
    const by = one.by.kind === "unknown" ? (before?.by ?? one.by) : one.by;
    byIssue.set(one.issue, { ...one, by, at: Math.max(one.at, before?.at ?? one.at) });
  }
  const next: Place = { sessions: sessions.next, delegated: delegated.next };
  return {
    issues: [...byIssue.values()]
      .toSorted((a, b) => b.at - a.at)
      .map(({ issue, by, at }) => ({
        issue: linearIssue(issue),
        workspace: us.workspace,
        by,
        at,
        isOurs: true,
      })),
    rest: next.sessions === "ended" && next.delegated === "ended" ? null : JSON.stringify(next),
  };
}

async function pages(
  parts: ReadParts,
  what: string,
  since: number,
  from: PlaceInList,
  page: (after: string | null) => Promise<Page>,
): Promise<{ readonly found: readonly Found[]; readonly next: PlaceInList }> {
  if (from === "ended") return { found: [], next: "ended" };
  const found: Found[] = [];
  let after = from?.after ?? null;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const { found: here, oldest, next }: Page = await page(after);
    found.push(...here.filter((one) => one.at >= since));
    if (next === null || oldest === null || oldest < since) return { found, next: "ended" };
    after = next;
  }
  parts.log.warn("too many issues for one search; the next one continues there", {
    what,
    pages: MOST_PAGES,
    since: iso(since),
  });
  return { found, next: after === null ? null : { after } };
}

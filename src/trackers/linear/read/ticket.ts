import type { Blocker } from "../../../factory/facts/ticket.ts";
import type { TicketReading } from "../../../factory/facts/observation.ts";
import type { TrackerIdentity } from "../../tracker.ts";
import { readActor } from "../events/actors.ts";
import { authoritiesOf } from "./authority.ts";
import type { SessionAnswer, TicketAnswer } from "./operations.ts";
import type { IssueAnswer } from "./shapes.ts";
import { statusOf } from "../events/interpretation.ts";
import { openingOf } from "./opening.ts";

type Prompt = TicketReading["prompts"][number];

/** An answer about an issue in the factory's words. Pure. */
export function ticketReading(answer: TicketAnswer, us: TrackerIdentity): TicketReading {
  const { issue } = answer;
  const sessions = issue.agentSessions.nodes.filter((session) => session.appUser.id === us.id);
  const parts = issueParts(answer);
  const { status } = parts;
  const authorities = authoritiesOf({ ...issue, sessions }, us);
  return {
    ...parts,
    ownEnd: status.type === "completed" && isOwnMove(issue, us) ? status.endedAt : null,
    authorities,
    sessions: sessions
      .map((session) => ({
        id: session.id,
        at: session.createdAt,
        by: readActor(session.creator, us),
        automatic: session.creator === null,
        staleAt: session.status === "stale" ? session.updatedAt : null,
      }))
      .toSorted(oldestFirst),
    prompts: sessions.flatMap((session) => promptsOf(session, us)).toSorted(oldestFirst),
  };
}

/** What an issue is, whoever it was given to. */
export function issueParts({
  issue,
  organization,
}: {
  readonly issue: IssueAnswer;
  readonly organization: { readonly id: string };
}): Pick<TicketReading, "core" | "status" | "blockers" | "removed"> {
  return {
    core: {
      key: issue.identifier,
      title: issue.title,
      description: issue.description ?? "",
      url: issue.url,
      workspace: organization.id,
      team: issue.team.key,
      project: issue.project?.name ?? null,
      labels: issue.labels.nodes.map((label) => label.name),
      creator: issue.creator?.id ?? null,
    },
    status: statusOf(issue.state, issue),
    blockers: blockersOf(issue),
    removed: issue.trashed === true || issue.archivedAt !== null,
  };
}

/** Whether it was us who moved the issue to where it is: whoever did so last, if the history reaches back to it. */
function isOwnMove({ state, history }: TicketAnswer["issue"], us: TrackerIdentity): boolean {
  const moves = history.nodes.filter((entry) => entry.toStateId === state.id);
  const last = moves.toSorted((a, b) => a.createdAt - b.createdAt).at(-1);
  return last?.actor?.id === us.id;
}

const OVER: ReadonlySet<string> = new Set(["completed", "canceled", "duplicate"]);

// "A blocks B" is stored once, on A; B finds it among its inverse relations.
function blockersOf({ inverseRelations, children }: IssueAnswer): readonly Blocker[] {
  const before = inverseRelations.nodes.filter((relation) => relation.type === "blocks");
  return [
    ...before.map(({ issue }) => blocker(issue, false)),
    ...children.nodes.map((issue) => blocker(issue, true)),
  ];
}

function blocker(issue: IssueAnswer["children"]["nodes"][number], isSubIssue: boolean): Blocker {
  return {
    key: issue.identifier,
    done: issue.trashed === true || OVER.has(issue.state.type),
    isSubIssue,
  };
}

function promptsOf(session: SessionAnswer, us: TrackerIdentity): Prompt[] {
  const opening = openingOf(session);
  const said = session.activities.nodes.filter(
    (activity) =>
      activity.signal !== "stop" &&
      activity.user?.id !== us.id &&
      // Where Linear also keeps the mention as an activity, it is the same sentence.
      (opening === null || activity.sourceComment?.id !== opening.id),
  );
  const prompts: Prompt[] = said.map((activity) => ({
    id: activity.id,
    session: session.id,
    at: activity.createdAt,
    by: readActor(activity.user, us),
    text: activity.content.body ?? "",
  }));
  if (opening !== null && opening.user.id !== us.id) {
    // The webhook of a mention has no time of the comment, so both take the session's.
    const { id, body, user } = opening;
    prompts.push({ id, session: session.id, at: session.createdAt, by: readActor(user, us), text: body });
  }
  return prompts;
}

function oldestFirst(a: { readonly at: number }, b: { readonly at: number }): number {
  return a.at - b.at;
}

import type { TicketReading } from "../../../factory/facts/observation.ts";
import { NOBODY } from "../../../factory/facts/actor.ts";
import type { TrackerIdentity } from "../../tracker.ts";
import { issueParts } from "../read/ticket.ts";
import { givenOf } from "./given.ts";
import type { QuickIssue } from "./operations.ts";
import type { OwnComments } from "./own.ts";
import { saidIn } from "./threads.ts";
import type { Trigger } from "./trigger.ts";

/** An issue as quick mode sees it, in the factory's words. Pure. */
export function quickReading(
  answer: { readonly issue: QuickIssue; readonly organization: { readonly id: string } },
  us: TrackerIdentity,
  own: OwnComments,
  trigger: Trigger,
): TicketReading {
  const { issue } = answer;
  const given = givenOf(issue, us.id, trigger);
  const said = saidIn(issue.id, issue.comments.nodes, given.sessions, own, trigger);
  return {
    ...issueParts(answer),
    // Whose move it was nobody can tell here; the effect that made it has told.
    ownEnd: null,
    delegation: {
      granted: given.now,
      // Where the history does not tell of this turn, whoever made the last one like it stands for it.
      by: given.authorities.findLast(({ granted }) => granted === given.now)?.by ?? NOBODY,
    },
    authorities: [...given.authorities, ...said.stops].toSorted(oldestFirst),
    sessions: [...given.sessions, ...said.sessions].toSorted(oldestFirst),
    prompts: said.prompts.toSorted(oldestFirst),
  };
}

function oldestFirst(a: { readonly at: number }, b: { readonly at: number }): number {
  return a.at - b.at;
}

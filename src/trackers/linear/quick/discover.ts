import { NOBODY } from "../../../factory/facts/actor.ts";
import { iso } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { Discovery, TrackerIdentity } from "../../tracker.ts";
import type { LinearClient } from "../client/client.ts";
import { readActor } from "../events/actors.ts";
import { lookThrough } from "../read/pages.ts";
import type { List } from "../read/pages.ts";
import { CHANGED_COMMENTS, CHANGED_ISSUES } from "./operations.ts";
import type { OwnComments } from "./own.ts";
import { isPersons } from "./threads.ts";
import { askedWith } from "./trigger.ts";
import type { Trigger } from "./trigger.ts";

const OVER: ReadonlySet<string> = new Set(["completed", "canceled", "duplicate"]);

/**
 * Issues that have changed since `since` (Unix ms), and those in which people wrote, last changed first. Two calls as a rule.
 * All of them are told, since a label that was taken away shows only by its absence.
 */
export async function discoverChanges(
  parts: {
    readonly client: LinearClient;
    readonly own: OwnComments;
    readonly trigger: Trigger;
    readonly log: Log;
  },
  us: TrackerIdentity,
  since: number,
  rest: string | null,
  signal: AbortSignal,
): Promise<Discovery> {
  const { client, own, trigger, log } = parts;
  const issues: List = {
    name: "issues",
    page: async (after) => {
      const asked = { since: iso(since), label: trigger.label, after };
      const { nodes, pageInfo } = (await client.call(CHANGED_ISSUES, asked, signal)).issues;
      return {
        found: nodes.map(({ id, updatedAt, labels, assignee, state }) => ({
          issue: id,
          by: NOBODY,
          at: updatedAt,
          isOurs:
            !OVER.has(state.type) &&
            (labels.nodes.length > 0 || (trigger.assignment && assignee?.id === us.id)),
        })),
        oldest: nodes.at(-1)?.updatedAt ?? null,
        next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
      };
    },
  };
  const comments: List = {
    name: "comments",
    page: async (after) => {
      const { nodes, pageInfo } = (await client.call(CHANGED_COMMENTS, { since: iso(since), after }, signal))
        .comments;
      return {
        // Ours change with all that we report: what is in them nobody has to read.
        found: nodes
          .filter((comment) => isPersons(comment, own))
          .flatMap(({ issue, body, parent, user, updatedAt }) =>
            issue === null
              ? []
              : [
                  {
                    issue: issue.id,
                    by: readActor(user, null),
                    at: updatedAt,
                    isOurs:
                      askedWith(trigger, body) !== null ||
                      (parent !== null && (own.isOurs(parent) || askedWith(trigger, parent.body) !== null)),
                  },
                ],
          ),
        oldest: nodes.at(-1)?.updatedAt ?? null,
        next: pageInfo.hasNextPage ? pageInfo.endCursor : null,
      };
    },
  };
  return await lookThrough([comments, issues], us, since, rest, log);
}

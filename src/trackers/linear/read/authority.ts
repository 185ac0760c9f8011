import { NOBODY } from "../../../factory/facts/actor.ts";
import type { Actor } from "../../../factory/facts/actor.ts";
import type { ReadAuthority } from "../../../factory/facts/observation.ts";
import type { TrackerIdentity } from "../../tracker.ts";
import { readActor } from "../events/actors.ts";
import type { HistoryEntry, SessionAnswer } from "./operations.ts";
import { openingOf } from "./opening.ts";
import { isDelegation } from "../events/interpretation.ts";

/** What an issue remembers about who let us work on it, and who took that back. */
export interface Remembered {
  readonly createdAt: number;
  readonly delegate: { readonly id: string } | null;
  readonly history: { readonly nodes: readonly HistoryEntry[] };
  /** Ours only. */
  readonly sessions: readonly SessionAnswer[];
}

/**
 * Every grant and withdrawal with its own time, oldest first. Ours alone give no permission and are left out. A
 * withdrawal is never made up from silence: only from the history, a stop, a dismissed session, or because somebody
 * else has the delegation that we had.
 */
export function authoritiesOf(issue: Remembered, us: TrackerIdentity): readonly ReadAuthority[] {
  const changes = issue.history.nodes.flatMap((entry) => delegateChange(entry, us));
  const told = [...changes, ...issue.sessions.flatMap((session) => sessionAuthorities(session, us))];
  return [...told, ...inferred(issue, changes, told, us)]
    .filter((authority) => authority.by.kind !== "us")
    .toSorted((a, b) => a.at - b.at);
}

function delegateChange(entry: HistoryEntry, us: TrackerIdentity): ReadAuthority[] {
  const was = entry.fromDelegate?.id === us.id;
  const is = entry.toDelegate?.id === us.id;
  if (was === is) return [];
  const by =
    entry.actor === null && entry.botActor !== null ? bot(entry.botActor) : readActor(entry.actor, us);
  return [{ granted: is, at: entry.createdAt, cause: is ? "delegated" : "undelegated", by, session: null }];
}

function sessionAuthorities(session: SessionAnswer, us: TrackerIdentity): ReadAuthority[] {
  const delegation =
    isDelegation(session.comment?.user?.id ?? null, session.sourceComment?.id ?? null) &&
    openingOf(session) === null;
  const found: ReadAuthority[] = [
    {
      granted: true,
      at: session.createdAt,
      cause: delegation ? "delegated" : "mentioned",
      by: readActor(session.creator, us),
      session: null,
    },
  ];
  for (const activity of session.activities.nodes) {
    const stop = activity.signal === "stop";
    found.push({
      granted: !stop,
      at: activity.createdAt,
      cause: stop ? "stopped" : "prompted",
      by: readActor(activity.user, us),
      session: stop ? session.id : null,
    });
  }
  if (session.dismissedAt !== null) {
    const by = readActor(session.dismissedBy, us);
    found.push({ granted: false, at: session.dismissedAt, cause: "stopped", by, session: null });
  }
  return found;
}

/** What must be so although nothing says when: dated as early as it can have been, so that any later word wins. */
function inferred(
  issue: Remembered,
  changes: readonly ReadAuthority[],
  told: readonly ReadAuthority[],
  us: TrackerIdentity,
): ReadAuthority[] {
  if (changes.length > 0 || issue.delegate === null) return [];
  const delegations = told.filter((authority) => authority.cause === "delegated");
  if (issue.delegate.id === us.id) {
    return delegations.length > 0
      ? []
      : [{ granted: true, at: issue.createdAt, cause: "delegated", by: NOBODY, session: null }];
  }
  if (delegations.length === 0) return [];
  const last = Math.max(...delegations.map((authority) => authority.at));
  return [{ granted: false, at: last + 1, cause: "undelegated", by: NOBODY, session: null }];
}

function bot(actor: NonNullable<HistoryEntry["botActor"]>): Actor {
  return { kind: "bot", id: actor.id, name: actor.name, association: null, permission: null };
}

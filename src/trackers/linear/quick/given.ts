import { NOBODY } from "../../../factory/facts/actor.ts";
import type { Actor } from "../../../factory/facts/actor.ts";
import type { ReadAuthority, TicketReading } from "../../../factory/facts/observation.ts";
import { readActor } from "../events/actors.ts";
import { LISTED } from "../read/shapes.ts";
import type { QuickHistoryEntry, QuickIssue } from "./operations.ts";
import { givenSession } from "./place.ts";
import { isLabel } from "./trigger.ts";
import type { Trigger } from "./trigger.ts";

/** How an issue was given to us by label or assignment, and taken away again. */
export interface Given {
  readonly authorities: readonly ReadAuthority[];
  readonly sessions: readonly TicketReading["sessions"][number][];
  /** Whether it is ours now. What one person does and undoes within a moment leaves no trace in the history. */
  readonly now: boolean;
}

/** What `issue` shows of it. `us`: the account of the key. */
export function givenOf(issue: QuickIssue, us: string, trigger: Trigger): Given {
  const entries = issue.history.nodes.toSorted((a, b) => a.createdAt - b.createdAt);
  const labelled = entries.map((entry) => labelChange(entry, trigger));
  const assigned = entries.map((entry) => (trigger.assignment ? assignmentChange(entry, us) : null));
  const hasLabel = issue.labels.nodes.some(({ name }) => isLabel(trigger, name));
  const isAssigned = trigger.assignment && issue.assignee?.id === us;
  // What the first change changed from is what there was before.
  const first = (changes: readonly (boolean | null)[], now: boolean): boolean => {
    const change = changes.find((one) => one !== null) ?? null;
    return change === null ? now : !change;
  };
  let state = { label: first(labelled, hasLabel), assigned: first(assigned, isAssigned) };
  const authorities: ReadAuthority[] = [];
  const sessions: TicketReading["sessions"][number][] = [];
  const turn = (granted: boolean, at: number, by: Actor, since: string): void => {
    authorities.push({ granted, at, cause: granted ? "delegated" : "undelegated", by, session: null });
    if (granted) {
      const id = givenSession(issue.id, since);
      sessions.push({ id, at, by, automatic: by.kind !== "person", staleAt: null });
    }
  };
  if (state.label || state.assigned) {
    // Where the history does not reach back to the creation, nobody knows who it was.
    const isWhole = entries.length < LISTED.history;
    turn(true, issue.createdAt, isWhole ? readActor(issue.creator, null) : NOBODY, "created");
  }
  for (const [index, entry] of entries.entries()) {
    const next = {
      label: labelled[index] ?? state.label,
      assigned: assigned[index] ?? state.assigned,
    };
    const [was, is] = [state.label || state.assigned, next.label || next.assigned];
    if (was !== is) turn(is, entry.createdAt, actorOf(entry), entry.id);
    state = next;
  }
  return { authorities, sessions, now: hasLabel || isAssigned };
}

function labelChange(entry: QuickHistoryEntry, trigger: Trigger): boolean | null {
  if (entry.addedLabels?.some(({ name }) => isLabel(trigger, name)) === true) return true;
  if (entry.removedLabels?.some(({ name }) => isLabel(trigger, name)) === true) return false;
  return null;
}

function assignmentChange({ fromAssigneeId, toAssigneeId }: QuickHistoryEntry, us: string): boolean | null {
  if (toAssigneeId === us) return true;
  return fromAssigneeId === us ? false : null;
}

// The account of the key is a person like all others here, whoever holds it.
function actorOf({ actor, botActor }: QuickHistoryEntry): Actor {
  if (actor !== null || botActor === null) return readActor(actor, null);
  return { kind: "bot", id: botActor.id, name: botActor.name, association: null, permission: null };
}

import type { Performer } from "../../engines/engine.ts";
import { stillWanted } from "../../factory/effects/called-for.ts";
import { trackerOf } from "../parts.ts";
import type { EffectParts } from "../parts.ts";

export const setStatus =
  (parts: EffectParts): Performer<"set_status"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, parts.policy, parts.clock.now())) return [];
    const team = facts.ticket.core?.value.team ?? null;
    const name =
      facts.project === null ? null : parts.statusName(effect.issue, facts.project.id, team, effect.to);
    const { moved } = await trackerOf(parts, facts).setStatus(effect.issue, effect.to, name, signal);
    if (moved === null) return [];
    const { status, at } = moved;
    // Where we write with a person's account, nobody could tell later whose move it was.
    const ownEnd = effect.to === "completed" ? (status.endedAt ?? at) : null;
    return [{ kind: "ticket_changed", at, ticket: { status, ownEnd } }];
  };

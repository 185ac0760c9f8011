import type { Performer } from "../../engines/engine.ts";
import { stillWanted } from "../../factory/effects/called-for.ts";
import { trackerOf } from "../parts.ts";
import type { EffectParts } from "../parts.ts";

export const takeDelegation =
  (parts: EffectParts): Performer<"take_delegation"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, parts.policy, parts.clock.now())) return [];
    await trackerOf(parts, facts).takeDelegation(effect.issue, signal);
    return [];
  };

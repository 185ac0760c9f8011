import type { Performer } from "../../engines/engine.ts";
import { stillWanted } from "../../factory/effects/called-for.ts";
import type { EffectParts } from "../parts.ts";

export const takeDelegation =
  ({ tracker, policy, clock }: EffectParts): Performer<"take_delegation"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, policy, clock.now())) return [];
    await tracker(effect.issue).takeDelegation(effect.issue, signal);
    return [];
  };

import type { Performer } from "../engines/engine.ts";
import { stillWanted } from "../factory/effects.ts";
import type { EffectParts } from "./parts.ts";

export const takeDelegation =
  ({ tracker, policy }: EffectParts): Performer<"take_delegation"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, policy)) return [];
    await tracker.takeDelegation(effect.issue, signal);
    return [];
  };

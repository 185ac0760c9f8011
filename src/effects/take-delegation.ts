import type { Performer } from "../engines/engine.ts";
import type { EffectParts } from "./parts.ts";

export const takeDelegation =
  ({ tracker }: EffectParts): Performer<"take_delegation"> =>
  async (effect, { signal }) => {
    await tracker.takeDelegation(effect.issue, signal);
    return [];
  };

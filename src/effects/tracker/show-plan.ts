import type { Performer } from "../../engines/engine.ts";
import type { EffectParts } from "../parts.ts";

export const showPlan =
  ({ tracker }: EffectParts): Performer<"show_plan"> =>
  async (effect, { facts, signal }) => {
    await tracker(facts.id).showPlan(effect.session, effect.items, signal);
    return [];
  };

import type { Performer } from "../../engines/engine.ts";
import { trackerOf } from "../parts.ts";
import type { EffectParts } from "../parts.ts";

export const showPlan =
  (parts: EffectParts): Performer<"show_plan"> =>
  async (effect, { facts, signal }) => {
    await trackerOf(parts, facts).showPlan(effect.session, effect.items, signal);
    return [];
  };

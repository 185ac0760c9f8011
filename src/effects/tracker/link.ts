import type { Performer } from "../../engines/engine.ts";
import type { EffectParts } from "../parts.ts";

export const link =
  ({ tracker }: EffectParts): Performer<"link"> =>
  async (effect, { facts, signal }) => {
    await tracker(facts.id).link(effect.session, effect.label, effect.url, signal);
    return [];
  };

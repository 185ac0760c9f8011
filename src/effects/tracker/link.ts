import type { Performer } from "../../engines/engine.ts";
import type { EffectParts } from "../parts.ts";

export const link =
  ({ tracker }: EffectParts): Performer<"link"> =>
  async (effect, { signal }) => {
    await tracker.link(effect.session, effect.label, effect.url, signal);
    return [];
  };

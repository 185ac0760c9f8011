import type { Performer } from "../../engines/engine.ts";
import { trackerOf } from "../parts.ts";
import type { EffectParts } from "../parts.ts";

export const link =
  (parts: EffectParts): Performer<"link"> =>
  async (effect, { facts, signal }) => {
    await trackerOf(parts, facts).link(effect.session, effect.label, effect.url, signal);
    return [];
  };

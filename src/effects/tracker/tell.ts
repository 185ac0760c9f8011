import type { Performer } from "../../engines/engine.ts";
import { trackerOf } from "../parts.ts";
import type { EffectParts } from "../parts.ts";

/** Posts an activity; the effect's key gives it an id of its own, so that a retry does not double it. */
export const tell =
  (parts: EffectParts): Performer<"tell"> =>
  async (effect, { facts, signal }) => {
    await trackerOf(parts, facts).tell(effect.session, effect.key, effect.activity, signal);
    return [];
  };

import type { Performer } from "../../engines/engine.ts";
import { stillWanted } from "../../factory/effects/called-for.ts";
import { ExternalError } from "../../lib/external.ts";
import { trackerOf } from "../parts.ts";
import type { EffectParts } from "../parts.ts";

/**
 * Posts an activity; the effect's key gives it an id of its own, so that a retry does not double it. A word that matters
 * only now is left out when the allowance runs low: what is to stay must not wait behind it.
 */
export const tell =
  (parts: EffectParts): Performer<"tell"> =>
  async (effect, { facts, signal }) => {
    const { session, key, activity, acknowledges } = effect;
    if (!stillWanted(effect, facts, parts.policy, parts.clock.now())) return [];
    const fleeting = !acknowledges && "ephemeral" in activity && activity.ephemeral;
    try {
      await trackerOf(parts, facts).tell(session, key, activity, signal, fleeting ? "fleeting" : "wanted");
    } catch (error) {
      if (!fleeting || !(error instanceof ExternalError) || error.kind !== "rate_limited") throw error;
    }
    return [];
  };

import type { Performer } from "../engines/engine.ts";
import type { EffectParts } from "./parts.ts";

export const setStatus =
  ({ tracker, statusName }: EffectParts): Performer<"set_status"> =>
  async (effect, { facts, signal }) => {
    const name = facts.project === null ? null : statusName(facts.project.id, effect.to);
    await tracker.setStatus(effect.issue, effect.to, name, signal);
    return [];
  };

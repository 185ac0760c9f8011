import type { Performer } from "../../engines/engine.ts";
import type { EffectParts } from "../parts.ts";

export const readTicket =
  ({ tracker }: EffectParts): Performer<"read_ticket"> =>
  async (effect, { facts, signal }) => [
    await tracker(effect.issue, effect.workspace ?? facts.ticket.workspace).readTicket(
      effect.issue,
      signal,
      effect.background ? "background" : "wanted",
    ),
  ];

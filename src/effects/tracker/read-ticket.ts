import type { Performer } from "../../engines/engine.ts";
import type { EffectParts } from "../parts.ts";

export const readTicket =
  ({ tracker }: EffectParts): Performer<"read_ticket"> =>
  async ({ issue, workspace, background }, { facts, signal }) => {
    const sessions = Object.values(facts.sessions).toSorted((a, b) => a.at - b.at);
    const observation = await tracker(issue, workspace ?? facts.ticket.workspace).readTicket(issue, signal, {
      need: background ? "background" : "wanted",
      sessions: sessions.map(({ id }) => id),
    });
    return [observation];
  };

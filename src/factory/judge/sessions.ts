import type { Facts } from "../facts/facts.ts";
import type { Session } from "../facts/ticket.ts";
import { asksForNothing } from "./courtesy.ts";

/** Oldest first. */
export function sessionsOf(facts: Facts): Session[] {
  return Object.values(facts.sessions).toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

export function newestSession(facts: Facts): Session | null {
  return sessionsOf(facts).at(-1) ?? null;
}

/** Whether all that was said in a session only thanks or praises. */
export function isCourtesy({ prompts }: Facts, { id }: Session): boolean {
  const said = Object.values(prompts).filter(({ session }) => session === id);
  return said.length > 0 && said.every(({ text }) => asksForNothing(text));
}

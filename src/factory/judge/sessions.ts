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

/** What is said this soon opened the session (ms); a delegation opens one without a word. */
const OPENING_MS = 60_000;

/** Whether a session was opened by thanks or praise, and nothing else was said in it. */
export function isCourtesy({ prompts }: Facts, { id, at }: Session): boolean {
  const said = Object.values(prompts).filter(({ session }) => session === id);
  return said.some((prompt) => prompt.at < at + OPENING_MS) && said.every(({ text }) => asksForNothing(text));
}

/** The newest session, if it was opened by a mention of which nobody has told us the message; a delegation has none. */
export function wordlessMention(facts: Facts): Session | null {
  const session = newestSession(facts);
  if (session === null) return null;
  const given = facts.grants.delegation?.at ?? Infinity;
  const ofDelegation = sessionsOf(facts).find(({ at }) => at > given - OPENING_MS);
  const isTold = Object.values(facts.prompts).some((prompt) => prompt.session === session.id);
  return session.id === ofDelegation?.id || isTold ? null : session;
}

import type { Actor } from "../facts/actor.ts";
import { endOf } from "../judge/ticket.ts";
import type { Facts } from "../facts/facts.ts";
import type { Prompt, Session } from "../facts/ticket.ts";
import type { PartialTicket, TicketReading } from "../facts/observation.ts";
import { own } from "../facts/own.ts";
import { later } from "../facts/stamp.ts";

/** Bound on what one issue keeps of prompts and sessions; the oldest go first. */
const MOST = 500;

export function withTicket(facts: Facts, ticket: PartialTicket, at: number, read: boolean): Facts {
  const { core, status, ownEnd } = ticket;
  const known = {
    ...facts.ticket,
    workspace: facts.ticket.workspace ?? core?.workspace ?? null,
    core: core === undefined ? facts.ticket.core : later(facts.ticket.core, core, at, read),
    status: status === undefined ? facts.ticket.status : later(facts.ticket.status, status, at, read),
  };
  // What ended it before it was opened again is history, and so is a move that news about a later one overtook.
  const end = endOf(known.status);
  const own = end !== null && (end === ownEnd || end === facts.ticket.ownEnd);
  return { ...facts, ticket: { ...known, ownEnd: own ? end : null } };
}

export function withSession(facts: Facts, session: Session): Facts {
  const kept = own(facts.sessions, session.id);
  if (kept !== undefined) {
    if (session.staleAt === null || session.staleAt <= (kept.staleAt ?? 0)) return facts;
    const stale = { ...kept, staleAt: session.staleAt };
    return { ...facts, sessions: { ...facts.sessions, [session.id]: stale } };
  }
  return { ...facts, sessions: bounded({ ...facts.sessions, [session.id]: session }) };
}

export function withPrompt(facts: Facts, prompt: Prompt): Facts {
  const kept = own(facts.prompts, prompt.id);
  if (kept !== undefined) {
    // A reading may know the person's permission, which the webhook did not carry.
    if (kept.by.permission !== null || prompt.by.permission === null) return facts;
    return { ...facts, prompts: { ...facts.prompts, [prompt.id]: { ...kept, by: prompt.by } } };
  }
  return { ...facts, prompts: bounded({ ...facts.prompts, [prompt.id]: prompt }) };
}

export function withDelegation(facts: Facts, granted: boolean, by: Actor, at: number, read: boolean): Facts {
  const { grants } = facts;
  return {
    ...facts,
    delegation: later(facts.delegation, { granted, by }, at, read),
    grants: granted ? { ...grants, delegation: later(grants.delegation, { by }, at, read) } : grants,
  };
}

export function withStop(facts: Facts, by: Actor, session: string | null, at: number, read: boolean): Facts {
  return { ...facts, stopped: later(facts.stopped, { by, session }, at, read) };
}

/** All that the tracker says at one moment. It adds and corrects; what it does not mention is not gone. */
export function withTicketReading(facts: Facts, reading: TicketReading, at: number): Facts {
  const { core, status, ownEnd } = reading;
  let next = withTicket(facts, { core, status, ownEnd }, at, true);
  next = {
    ...next,
    ticket: {
      ...next.ticket,
      blockers: later(next.ticket.blockers, reading.blockers, at, true),
      removed: later(next.ticket.removed, reading.removed, at, true),
    },
  };
  for (const session of reading.sessions) next = withSession(next, session);
  for (const prompt of reading.prompts) next = withPrompt(next, { ...prompt, from: "tracker" });
  for (const word of reading.authorities) {
    if (word.cause === "delegated" || word.cause === "undelegated") {
      next = withDelegation(next, word.granted, word.by, word.at, true);
    }
    if (word.cause === "stopped") next = withStop(next, word.by, word.session, word.at, true);
  }
  return reading.delegation === undefined ? next : withShownDelegation(next, reading.delegation, at);
}

/**
 * What the tracker shows of the delegation now counts, where its memory does not tell how it came to that: nobody knows
 * when, so it is dated by the first reading that shows it.
 */
function withShownDelegation(
  facts: Facts,
  shown: NonNullable<TicketReading["delegation"]>,
  at: number,
): Facts {
  const delegated = later(facts.ticket.delegated, shown, at, true);
  const next = { ...facts, ticket: { ...facts.ticket, delegated } };
  const { granted, by } = delegated.value;
  const told = next.delegation;
  if (told === null ? !granted : told.value.granted === granted || told.at >= delegated.at) return next;
  return withDelegation(next, granted, by, delegated.at, true);
}

function bounded<T extends { readonly at: number }>(
  rows: Readonly<Record<string, T>>,
): Readonly<Record<string, T>> {
  const entries = Object.entries(rows);
  if (entries.length <= MOST) return rows;
  return Object.fromEntries(entries.toSorted(([, a], [, b]) => a.at - b.at).slice(-MOST));
}

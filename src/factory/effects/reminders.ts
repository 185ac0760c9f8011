import type { Decision } from "../rules/decision.ts";
import { authorityOf, trustedPrompts } from "../judge/authority.ts";
import { projectOf } from "../judge/trust.ts";
import { type Facts, activeRun } from "../facts/facts.ts";
import type { Policy } from "../facts/policy.ts";
import { TERMINAL } from "../facts/state.ts";
import type { Conversation, Session } from "../facts/ticket.ts";
import { addressed, conversation, spokenTo, type Closing, type Said } from "./conversation.ts";
import type { EffectOf } from "./effect.ts";
import { closing } from "./last-words.ts";
import * as texts from "./texts/tracker.ts";

/**
 * Against silence. A person who is awaited is reminded, as often as policy says; a session that the tracker shows as if
 * nobody were there any more gets a word. Both are told where a person spoke last, or was told of the work.
 */

const HOUR_MS = 3_600_000;
/** How long a reminder waits for what is read before it: the person may have spoken while nobody told us. */
const READ_MS = 60_000;
/** The tracker calls a session stale after as long without a word (ms): sooner than that it is not told again. */
const STALE_MS = 30 * 60_000;

/** What a person is awaited for where they spoke last, as long as nothing else is to be told there. */
interface Awaited {
  readonly session: Session;
  readonly talk: Conversation;
  readonly final: Closing;
}

function awaited(facts: Facts, decision: Decision, policy: Policy): Awaited | null {
  const session = addressed(facts, policy);
  const talk = session === null ? undefined : conversation(facts, session);
  if (session === null || talk?.left !== "asked" || activeRun(facts) !== null) return null;
  // Who did not answer in time was reminded meanwhile, and was told that nobody waits on.
  if (decision.rule === "question_overdue") return null;
  const final = closing(facts, decision, policy).at(-1);
  return final === undefined || final.fact !== talk.fact ? null : { session, talk, final };
}

/** When the next reminder of it is due (Unix ms); null = it was told often enough. */
function dueAt({ session, talk }: Awaited, facts: Facts, policy: Policy): number | null {
  const { afterHours, times } = projectOf(facts, policy)?.reminders ?? policy.reminders;
  if (talk.reminded >= times) return null;
  // Thanks are no answer, and yet who thanks has seen it.
  const said = trustedPrompts(facts, policy).filter((prompt) => prompt.session === session.id);
  return Math.max(talk.at ?? 0, said.at(-1)?.at ?? 0) + Math.round(afterHours * HOUR_MS);
}

/** When time alone calls for a reminder, or for the readings before it (Unix ms); null = nobody is to be reminded. */
export function reminderAt(facts: Facts, decision: Decision, policy: Policy): number | null {
  const found = awaited(facts, decision, policy);
  if (found === null) return null;
  const due = dueAt(found, facts, policy);
  return due === null || found.talk.dueAt === null ? due : found.talk.dueAt + READ_MS;
}

/** The facts once a reminder that is due is asked about, and once it is told. */
export function withReminder(facts: Facts, decision: Decision, policy: Policy, now: number): Facts {
  const found = awaited(facts, decision, policy);
  const at = reminderAt(facts, decision, policy);
  if (found === null || at === null || now < at) return facts;
  const { session, talk } = found;
  const next =
    talk.dueAt === null
      ? { ...talk, dueAt: now }
      : { ...talk, at: now, dueAt: null, reminded: talk.reminded + 1 };
  return { ...facts, conversations: { ...facts.conversations, [session.id]: next } };
}

/** Names what is read before a reminder; null = none is due. */
export function readBeforeReminding(facts: Facts, policy: Policy): string | null {
  const session = addressed(facts, policy);
  const talk = session === null ? undefined : conversation(facts, session);
  return session === null || talk === undefined || talk.dueAt === null
    ? null
    : `${reminderFact(session.id, talk)}:${talk.dueAt}`;
}

/** The reminder that was told last, as long as its person is silent. */
export function reminded(facts: Facts, decision: Decision, policy: Policy): readonly Said[] {
  const found = awaited(facts, decision, policy);
  if (found === null || found.talk.reminded === 0) return [];
  const { session, talk, final } = found;
  const { activity } = final;
  const isQuestion = decision.rule === "question_open" && activity.type === "elicitation";
  const body = texts.reminder(facts, decision, {
    asked: isQuestion ? activity.body : null,
    who: authorityOf(facts, policy)?.by.name ?? null,
  });
  // It leaves the session as it was left, and shows the options again that the tracker takes away.
  const again: Said["activity"] =
    activity.type === "thought" || activity.type === "action"
      ? { type: "response", body }
      : { ...activity, body };
  const fact = reminderFact(session.id, talk);
  return [{ fact, key: fact, session, activity: again, acknowledges: false, reminds: true }];
}

function reminderFact(session: string, { fact, stretch, reminded: number }: Conversation): string {
  return `remind:${fact}:${session}:${stretch}:${number}`;
}

/** Whether an effect reminds of something that has moved on since. */
export function isOverReminder({ reminds, session, key, issue }: EffectOf<"tell">, facts: Facts): boolean {
  if (reminds === undefined) return false;
  const talk = facts.conversations[session];
  return talk?.left !== "asked" || key !== `tell:${issue}:${reminderFact(session, talk)}`;
}

/** The facts once a word is called for in each session that the tracker shows as stale while it is not left closed. */
export function withRevival(facts: Facts, decision: Decision, policy: Policy, now: number): Facts {
  if (TERMINAL.has(decision.state) || decision.state === "paused") return facts;
  const stale = spokenTo(facts, policy).flatMap((session) => {
    const talk = conversation(facts, session);
    const { staleAt } = session;
    if (talk?.left !== "open" || talk.at === null || staleAt === null) return [];
    const isNew = staleAt > (talk.revivedAt ?? 0) && now >= talk.at + STALE_MS;
    return isNew ? [[session.id, { ...talk, at: now, revivedAt: staleAt }] as const] : [];
  });
  if (stale.length === 0) return facts;
  return { ...facts, conversations: { ...facts.conversations, ...Object.fromEntries(stale) } };
}

/** What a stale session was last told because of it. */
export function revived(facts: Facts, decision: Decision, policy: Policy): readonly Said[] {
  return spokenTo(facts, policy).flatMap((session): readonly Said[] => {
    const talk = conversation(facts, session);
    if (talk?.left !== "open" || talk.revivedAt === null) return [];
    const fact = `revive:${session.id}:${talk.revivedAt}`;
    const activity = { type: "thought", body: texts.stillThere(decision), ephemeral: true } as const;
    return [{ fact, key: fact, session, activity, acknowledges: false }];
  });
}

import { trustedPrompts } from "../judge/authority.ts";
import { asksForNothing } from "../judge/courtesy.ts";
import { isCourtesy, sessionsOf } from "../judge/sessions.ts";
import type { Activity } from "./effect.ts";
import type { Conversation, Session } from "../facts/ticket.ts";
import type { GlimpseOf } from "../facts/run.ts";
import type { Facts } from "../facts/facts.ts";
import { own } from "../facts/own.ts";
import type { Policy } from "../facts/policy.ts";

/**
 * With whom we talk, and whether we have said the last word there. The tracker shows a session as it was told last:
 * one in which work was reported and never its end hangs for good. So each is left with a closing activity, once, and
 * is told again only after a further word from a person or from us.
 */

// A tracker that could not reach us tries for hours, and we believe what it signed within the last day: for that long
// before we first heard of an issue somebody may have opened a session for us. Older ones belong to another life.
const LATE_MS = 24 * 3_600_000;

/** What is to be said to one session: `fact` names what it tells. */
export interface Said {
  readonly fact: string;
  readonly key: string;
  readonly session: Session;
  readonly activity: Activity;
  readonly acknowledges: boolean;
  readonly glimpse?: GlimpseOf;
  /** Whether it says that an operator has paused the issue. */
  readonly paused?: boolean;
  /** How it leaves the session, where its kind does not say so. */
  readonly leaves?: Conversation["left"];
  /** Whether it only says again what a person is awaited for. */
  readonly reminds?: true;
}

/** How far each way of leaving a session is from open. */
const CLOSED = { open: 0, asked: 1, over: 2 } as const;

/** How a session is left by an activity, as the tracker shows it. */
const LEAVES: Readonly<Record<Activity["type"], Conversation["left"]>> = {
  thought: "open",
  action: "open",
  elicitation: "asked",
  error: "asked",
  response: "over",
};

function leavesOf({ activity, leaves }: Pick<Said, "activity" | "leaves">): Conversation["left"] {
  return leaves ?? LEAVES[activity.type];
}

/** When an authorised person last spoke in each session (Unix ms), by session: opened it, wrote in it, stopped us there. */
function wordsOf(facts: Facts, policy: Policy): ReadonlyMap<string, number> {
  const words = new Map(Object.values(facts.sessions).map(({ id, at }) => [id, at]));
  const word = (session: string | null, at: number): void => {
    const before = session === null ? undefined : words.get(session);
    if (session !== null && before !== undefined) words.set(session, Math.max(before, at));
  };
  for (const { session, at, text } of trustedPrompts(facts, policy))
    if (!asksForNothing(text)) word(session, at);
  if (facts.stopped !== null) word(facts.stopped.value.session, facts.stopped.at);
  return words;
}

/** Where a person spoke last: the work is reported there. */
export function addressed(facts: Facts, policy: Policy): Session | null {
  const words = wordsOf(facts, policy);
  const at = (session: Session): number => words.get(session.id) ?? session.at;
  const sessions = sessionsOf(facts).toSorted((a, b) => at(a) - at(b));
  return sessions.findLast((session) => !isCourtesy(facts, session)) ?? sessions.at(-1) ?? null;
}

/** The sessions in which we speak: what a first reading finds of years ago is left alone. */
export function spokenTo(facts: Facts, policy: Policy): readonly Session[] {
  const present = addressed(facts, policy);
  return sessionsOf(facts).filter(
    (session) =>
      session.id === present?.id ||
      session.at > facts.createdAt - LATE_MS ||
      conversation(facts, session) !== undefined,
  );
}

/** How a session is left as far as it has been told; null = nothing has been. */
export function leftAs(facts: Facts, session: Session): Conversation["left"] | null {
  return conversation(facts, session)?.left ?? null;
}

/** What leaves a session closed: `fact` names what it tells. */
export interface Closing {
  readonly fact: string;
  readonly activity: Activity;
  /** How often it is told: in each stretch of a session, once in each session, or once, where a person spoke last. */
  readonly once: "stretch" | "session" | "issue";
  /** Whether it says that an operator has paused the issue. */
  readonly paused?: boolean;
  /** How it leaves the session, where its kind does not say so. */
  readonly leaves?: Conversation["left"];
}

const UNSAID = {
  left: "open",
  fact: null,
  paused: false,
  stretch: 0,
  plan: null,
  at: null,
  reminded: 0,
  dueAt: null,
  revivedAt: null,
} as const;

/** How we left a session; undefined = we have not spoken there. */
export function conversation(facts: Facts, session: Session): Conversation | undefined {
  return own(facts.conversations, session.id);
}

/**
 * What `closing` (last one last) still has to be told to whom: to each session that is not left that far closed, and
 * where a person spoke last also what is news there.
 */
export function stillToClose(facts: Facts, policy: Policy, closing: readonly Closing[]): readonly Said[] {
  const present = addressed(facts, policy);
  return sessionsOf(facts).flatMap((session) => {
    const isPresent = session.id === present?.id;
    const here = closing.filter(({ once }) => isPresent || once !== "issue");
    const final = here.at(-1);
    const talk = conversation(facts, session);
    if (talk === undefined || final === undefined) return [];
    const news = isPresent && talk.fact !== final.fact && !isCourtesy(facts, session);
    if (CLOSED[talk.left] >= CLOSED[leavesOf(final)] && !news) return [];
    const keys = {
      stretch: `:${session.id}:${talk.stretch}`,
      session: `:${session.id}`,
      issue: "",
    };
    return here.map(({ fact, activity, once, leaves, paused = false }) => ({
      fact,
      paused,
      ...(leaves === undefined ? {} : { leaves }),
      key: `${fact}${keys[once]}`,
      session,
      activity,
      acknowledges: false,
    }));
  });
}

/** The facts after a person's words and after `said`, news to their sessions, was said `now` (Unix ms). */
export function afterTalk(facts: Facts, policy: Policy, said: readonly Said[], now: number): Facts {
  const words = wordsOf(facts, policy);
  const talks = new Map<string, Conversation>();
  for (const session of spokenTo(facts, policy)) {
    const word = words.get(session.id) ?? session.at;
    const kept = conversation(facts, session) ?? { ...UNSAID, word };
    talks.set(session.id, word > kept.word ? { ...opened(kept), word } : kept);
  }
  for (const told of said) {
    const { session, fact, paused = false } = told;
    const kept = talks.get(session.id);
    if (kept === undefined) continue;
    const left = leavesOf(told);
    const next = left === "open" ? opened(kept) : { ...kept, left, fact, paused };
    talks.set(session.id, { ...next, at: now, reminded: 0, dueAt: null });
  }
  const before = facts.conversations;
  const same =
    talks.size === Object.keys(before).length && [...talks].every(([id, talk]) => own(before, id) === talk);
  return same ? facts : { ...facts, conversations: Object.fromEntries(talks) };
}

/** What is shown as the plan of a session: how many others were shown before it there. */
export function planAfter(
  facts: Facts,
  session: Session,
  picture: string,
): NonNullable<Conversation["plan"]> {
  const shown = conversation(facts, session)?.plan ?? null;
  if (shown === null) return { picture, earlier: 0 };
  return shown.picture === picture ? shown : { picture, earlier: shown.earlier + 1 };
}

/** The facts once that plan is shown. */
export function afterPlan(facts: Facts, session: Session, picture: string): Facts {
  const talk = conversation(facts, session);
  const plan = planAfter(facts, session, picture);
  if (talk === undefined || talk.plan === plan) return facts;
  return { ...facts, conversations: { ...facts.conversations, [session.id]: { ...talk, plan } } };
}

function opened(talk: Conversation): Conversation {
  return talk.left === "open"
    ? talk
    : {
        ...talk,
        left: "open",
        fact: null,
        paused: false,
        stretch: talk.stretch + 1,
        reminded: 0,
        dueAt: null,
      };
}

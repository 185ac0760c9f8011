import type { Decision } from "../rules/decision.ts";
import type { Activity, Effect, EffectOf } from "./effect.ts";
import { own } from "../facts/own.ts";
import { isCourtesy } from "../judge/sessions.ts";
import { asksForNothing } from "../judge/courtesy.ts";
import { type Facts, activeRun } from "../facts/facts.ts";
import type { GlimpseOf, Run } from "../facts/run.ts";
import type { Session } from "../facts/ticket.ts";
import { isAssigned } from "../judge/assignment.ts";
import { pendingPrompts, trustedPrompts } from "../judge/authority.ts";
import {
  leftAs,
  addressed,
  afterPlan,
  afterTalk,
  planAfter,
  spokenTo,
  stillToClose,
} from "./conversation.ts";
import type { Said } from "./conversation.ts";
import { classOf } from "../judge/charging.ts";
import { answerOf, closing, endKey } from "./last-words.ts";
import { reminded, revived } from "./reminders.ts";
import { pictureOf, planOf } from "./plan.ts";
import type { Policy } from "../facts/policy.ts";
import * as texts from "./texts/tracker.ts";

/**
 * What the tracker is told, and when; the words are in texts/tracker.ts. Everything is
 * keyed by the fact it tells, so that nothing is told twice; routine repairs are thoughts and actions, an
 * error is only what needs a person: an error for a routine repair frightens people.
 */
export function narration(facts: Facts, decision: Decision, policy: Policy): readonly Effect[] {
  const session = addressed(facts, policy);
  if (session === null) return [];
  const told = [
    ...routine(facts, decision, policy, session),
    ...revived(facts, decision, policy),
    ...lastWords(facts, decision, policy),
    ...reminded(facts, decision, policy),
  ].map(({ key, session: to, activity, acknowledges, glimpse, reminds }): Effect => ({
    kind: "tell",
    key: `tell:${facts.id}:${key}`,
    issue: facts.id,
    session: to.id,
    activity,
    acknowledges,
    ...(glimpse === undefined ? {} : { glimpse }),
    ...(reminds === undefined ? {} : { reminds }),
  }));
  const items = planOf(facts, decision);
  if (!hasPlan(facts, policy)) return [...told, ...linked(facts, session)];
  const { picture, earlier } = planAfter(facts, session, pictureOf(items));
  const plan: Effect = {
    kind: "show_plan",
    key: `plan:${facts.id}:${session.id}:${earlier}:${picture}`,
    issue: facts.id,
    session: session.id,
    items,
  };
  return [...told, ...linked(facts, session), plan];
}

/** What only answers a message goes through no stages. */
function hasPlan(facts: Facts, policy: Policy): boolean {
  return facts.pullRequest !== null || isAssigned(facts, policy);
}

/** The facts once what is called for beyond `already` (keys of effects) is told, but for the last words. */
export function withRoutineTold(
  facts: Facts,
  decision: Decision,
  policy: Policy,
  already: ReadonlySet<string>,
  now: number,
): Facts {
  const session = addressed(facts, policy);
  const said = session === null ? [] : routine(facts, decision, policy, session);
  const talked = afterTalk(
    facts,
    policy,
    said.filter(({ key }) => !already.has(`tell:${facts.id}:${key}`)),
    now,
  );
  return session === null || !hasPlan(facts, policy)
    ? talked
    : afterPlan(talked, session, pictureOf(planOf(facts, decision)));
}

/** The facts once the last words are told, too. */
export function withClosingTold(facts: Facts, decision: Decision, policy: Policy, now: number): Facts {
  return afterTalk(facts, policy, lastWords(facts, decision, policy), now);
}

function lastWords(facts: Facts, decision: Decision, policy: Policy): readonly Said[] {
  return stillToClose(facts, policy, closing(facts, decision, policy));
}

type Tell = (fact: string, activity: Activity, glimpse?: GlimpseOf) => void;

/** What is told while things go on, to whoever spoke last. */
function routine(facts: Facts, decision: Decision, policy: Policy, session: Session): readonly Said[] {
  const said: Said[] = [];
  for (const each of spokenTo(facts, policy)) {
    if (isCourtesy(facts, each)) continue;
    const fact = `ack:${each.id}`;
    said.push({
      fact,
      key: fact,
      session: each,
      activity: {
        type: "thought",
        body: texts.acknowledgement(facts.ticket.core?.value.key),
        ephemeral: true,
      },
      acknowledges: true,
    });
  }
  const tell: Tell = (fact, activity, glimpse) =>
    said.push({
      fact,
      key: fact,
      session,
      activity,
      acknowledges: false,
      ...(glimpse === undefined ? {} : { glimpse }),
    });
  for (const run of facts.runs) tellRun(facts, run, tell);
  tellState(facts, decision, (fact, activity) => {
    said.push({ fact, key: `${fact}:${session.id}`, session, activity, acknowledges: false });
  });
  tellPause(facts, session, tell);
  return [...said, ...passedOn(facts, policy), ...thanked(facts, policy)];
}

/** An operator's pause while a run goes on, and that work goes on after one. */
function tellPause(facts: Facts, session: Session, tell: Tell): void {
  const { paused } = facts;
  const going = activeRun(facts) !== null;
  if (paused === null) return;
  if (paused.value && going)
    tell(`held:${paused.at}:going`, { type: "thought", body: texts.PAUSED_WHILE_GOING, ephemeral: true });
  // Without a run the pause was the last word only where nothing else stands in the way.
  const held = own(facts.conversations, session.id)?.paused === true;
  if (!paused.value && (going || held))
    tell(`resumed:${paused.at}`, { type: "thought", body: texts.RESUMED, ephemeral: true });
}

/** To whoever writes while an agent works, as soon as it is known: that the agent hears of it. */
function passedOn(facts: Facts, policy: Policy): readonly Said[] {
  const run = activeRun(facts);
  if (run === null || run.state !== "running" || run.stop !== null) return [];
  return pendingPrompts(facts, policy).flatMap((prompt): Said[] => {
    const session = prompt.session === null ? undefined : own(facts.sessions, prompt.session);
    // The word that opened a session is acknowledged as such.
    if (session === undefined || session.at === prompt.at) return [];
    const fact = `passed:${prompt.id}`;
    const activity: Activity = { type: "thought", body: texts.passedOn(prompt), ephemeral: true };
    return [{ fact, key: fact, session, activity, acknowledges: true }];
  });
}

/** To thanks that came while nothing was going on: one sentence, and the session is left as it was. */
function thanked(facts: Facts, policy: Policy): readonly Said[] {
  if (activeRun(facts) !== null) return [];
  const endedAt = facts.runs.at(-1)?.endedAt ?? 0;
  const spoken = spokenTo(facts, policy);
  return trustedPrompts(facts, policy).flatMap(({ id, session: said, at, text }): Said[] => {
    const session = said === null ? undefined : own(facts.sessions, said);
    if (session === undefined || at <= endedAt || !asksForNothing(text)) return [];
    const isOpening = isCourtesy(facts, session) && spoken.includes(session);
    // Where nothing was said yet, or more is to be said, thanks are not what the session is left with.
    const leaves = isOpening ? "over" : leftAs(facts, session);
    if (leaves === null || leaves === "open") return [];
    const key = `thanks:${id}`;
    const activity: Activity = { type: "response", body: texts.WELCOME };
    return [
      {
        fact: own(facts.conversations, session.id)?.fact ?? key,
        key,
        session,
        activity,
        acknowledges: isOpening,
        leaves,
      },
    ];
  });
}

function tellRun(facts: Facts, run: Run, tell: Tell): void {
  if (run.startedAt !== null) {
    tell(`run:${run.number}:started`, { type: "action", ...texts.doing(facts, run), ephemeral: true });
  }
  const word = run.glimpse?.word ?? null;
  if (word !== null) {
    const body = texts.underWay(run, word);
    const glimpse = { run: run.number, at: word.at };
    tell(`run:${run.number}:glimpse:${word.at}`, { type: "thought", body, ephemeral: true }, glimpse);
  }
  const end = run.end;
  if (end === null) return;
  const key = endKey(run);
  switch (end.outcome) {
    case "published":
      tell(key, { type: "action", ...texts.published(run), result: end.summary, ephemeral: true });
      return;
    case "answered": {
      const { fact, activity } = answerOf(run, end);
      tell(fact, activity);
      return;
    }
    case "no_change":
      tell(key, { type: "thought", body: texts.changedNothing(run, end.summary) });
      return;
    case "failed":
      tell(key, {
        type: "thought",
        body: texts.runFailed(run, classOf(end), end.summary),
      });
      return;
    case "asked":
    case "interrupted":
    case "superseded":
    case "stopped":
      return;
  }
}

/** Whether an effect tells what a run was at, and it is at something else since, or over. */
export function isOverGlimpse({ glimpse }: EffectOf<"tell">, facts: Facts): boolean {
  if (glimpse === undefined) return false;
  const run = activeRun(facts);
  return run?.number !== glimpse.run || run.glimpse?.word?.at !== glimpse.at;
}

function linked(facts: Facts, session: Session): readonly Effect[] {
  const pull = facts.pullRequest;
  if (pull === null) return [];
  return [
    {
      kind: "link",
      key: `link:${facts.id}:${session.id}:${pull.number}`,
      issue: facts.id,
      session: session.id,
      label: texts.pullRequestLabel(pull.number),
      url: pull.url,
    },
  ];
}

/** Where it stands, when the next word is not a person's. */
function tellState(facts: Facts, decision: Decision, tell: Tell): void {
  const head = facts.pullRequest?.core.value.head ?? "none";
  const { rule, refusal, state, why, step } = decision;
  // A merge that was refused or held back is asked for again, which is no news to anybody.
  const isAgain = step.kind === "merge" && step.basis.attempt > 1;
  if (!isAgain && state === "awaiting_queue" && ["merge", "in_queue"].includes(rule))
    tell(`merge:${rule}:${head}`, { type: "thought", body: why, ephemeral: true });
  if (rule === "red_on_base") tell(`checks:${rule}:${head}`, { type: "thought", body: why, ephemeral: true });
  // Between hearing of an issue and reading it passes a moment that nobody has to read about.
  if (state === "delegated" && refusal !== null && refusal !== "blockers_unread") {
    const body = texts.notStarted(decision, facts.runs.length > 0);
    tell(`waits:${rule}:${facts.runs.length}`, { type: "thought", body, ephemeral: true });
  }
}

import type { Decision } from "../rules/decision.ts";
import type { Activity, Effect, EffectOf } from "./effect.ts";
import { own } from "../facts/own.ts";
import { isCourtesy } from "../judge/sessions.ts";
import { asksForNothing } from "../judge/courtesy.ts";
import { type Facts, activeRun } from "../facts/facts.ts";
import type { GlimpseOf, Run, RunEnd } from "../facts/run.ts";
import type { Session } from "../facts/ticket.ts";
import { isAssigned } from "../judge/assignment.ts";
import { openQuestions, pendingPrompts, trustedPrompts } from "../judge/authority.ts";
import {
  leftAs,
  addressed,
  afterPlan,
  afterTalk,
  planAfter,
  spokenTo,
  stillToClose,
} from "./conversation.ts";
import type { Closing, Said } from "./conversation.ts";
import { classOf } from "../judge/charging.ts";
import { mergeUnderWay } from "../judge/merging.ts";
import { pictureOf, planOf } from "./plan.ts";
import type { Policy } from "../facts/policy.ts";
import { projectOf } from "../judge/trust.ts";
import * as texts from "./texts/tracker.ts";

/**
 * What the tracker is told, and when; the words are in texts/tracker.ts. Everything is
 * keyed by the fact it tells, so that nothing is told twice; routine repairs are thoughts and actions, an
 * error is only what needs a person: an error for a routine repair frightens people.
 */
export function narration(facts: Facts, decision: Decision, policy: Policy): readonly Effect[] {
  const session = addressed(facts, policy);
  if (session === null) return [];
  const told = [...routine(facts, decision, policy, session), ...lastWords(facts, decision, policy)].map(
    ({ key, session: to, activity, acknowledges, glimpse }): Effect => ({
      kind: "tell",
      key: `tell:${facts.id}:${key}`,
      issue: facts.id,
      session: to.id,
      activity,
      acknowledges,
      ...(glimpse === undefined ? {} : { glimpse }),
    }),
  );
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
): Facts {
  const session = addressed(facts, policy);
  const said = session === null ? [] : routine(facts, decision, policy, session);
  const talked = afterTalk(
    facts,
    policy,
    said.filter(({ key }) => !already.has(`tell:${facts.id}:${key}`)),
  );
  return session === null || !hasPlan(facts, policy)
    ? talked
    : afterPlan(talked, session, pictureOf(planOf(facts, decision)));
}

/** The facts once the last words are told, too. */
export function withClosingTold(facts: Facts, decision: Decision, policy: Policy): Facts {
  return afterTalk(facts, policy, lastWords(facts, decision, policy));
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
    const fact = `thanks:${id}`;
    const activity: Activity = { type: "response", body: texts.WELCOME };
    return [
      {
        fact,
        key: fact,
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

function endKey(run: Run): string {
  return `run:${run.number}:ended`;
}

function answerOf(run: Run, end: RunEnd): LastWord {
  return { fact: endKey(run), activity: { type: "response", body: end.summary } };
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
  const { rule, refusal, state, why } = decision;
  if (state === "awaiting_queue" && ["merge", "in_queue", "person_merges"].includes(rule)) {
    // Who has to merge it is for a person; the rest passes by itself.
    const ephemeral = rule !== "person_merges";
    tell(`merge:${rule}:${head}`, { type: "thought", body: why, ephemeral });
  }
  if (rule === "red_on_base") tell(`checks:${rule}:${head}`, { type: "thought", body: why, ephemeral: true });
  // Between hearing of an issue and reading it passes a moment that nobody has to read about.
  if (state === "delegated" && refusal !== null && refusal !== "blockers_unread") {
    const body = texts.notStarted(decision, facts.runs.length > 0);
    tell(`waits:${rule}:${facts.runs.length}`, { type: "thought", body, ephemeral: true });
  }
}

type LastWord = Omit<Closing, "once">;

/** What leaves a session closed for now: an end, or that a person's word is awaited. The last of them stands. */
function closing(facts: Facts, decision: Decision, policy: Policy): readonly Closing[] {
  const questions = activeRun(facts) === null ? openQuestions(facts, policy) : [];
  const asked = questions.map(({ id, text, options }): Closing => ({
    fact: `question:${id}`,
    activity: { type: "elicitation", body: text, options },
    once: "stretch",
  }));
  if (decision.rule === "merged" && decision.step.kind === "finish")
    return [...asked, ...merged(facts, decision, policy)];
  const word = lastWord(facts, decision, policy);
  return word === null ? asked : [...asked, { ...word, once: "stretch" }];
}

/** Merged is merged: that is told once in each session, and what came too late for it is answered once, each by itself. */
function merged(facts: Facts, decision: Decision, policy: Policy): readonly Closing[] {
  const number = facts.pullRequest?.number ?? 0;
  const late = pendingPrompts(facts, policy).map((prompt): Closing => ({
    fact: `late:${prompt.id}`,
    activity: { type: "response", body: texts.tooLate(number, prompt) },
    once: "issue",
  }));
  const body = texts.conclusion(facts, decision);
  const fact = `done:merged:${number}:${facts.past.length}`;
  return [{ fact, activity: { type: "response", body }, once: "session" }, ...late];
}

function lastWord(facts: Facts, decision: Decision, policy: Policy): LastWord | null {
  const head = facts.pullRequest?.core.value.head ?? "none";
  const runs = facts.runs.length;
  const { rule, state, why } = decision;
  switch (state) {
    case "done":
    case "failed": {
      if (decision.step.kind !== "finish") return null;
      const late = pendingPrompts(facts, policy).at(-1)?.id ?? "";
      const fact = `${state}:${rule}:${facts.pullRequest?.number ?? 0}:${facts.past.length}:${late}${notCancelled(facts, policy)}`;
      const body = state === "done" ? texts.conclusion(facts, decision) : texts.stopped(why);
      return { fact, activity: { type: "response", body } };
    }
    case "escalated":
      return {
        fact: `escalated:${rule}:${head}:${runs}`,
        activity: { type: "error", body: texts.handOver(facts, decision) },
      };
    case "awaiting_input":
      return awaited(facts, decision);
    case "paused": {
      if (activeRun(facts) !== null) return null;
      if (rule === "paused") {
        const body = texts.pausedByOperator(decision);
        return { fact: `held:${facts.paused?.at ?? 0}`, activity: { type: "response", body }, paused: true };
      }
      if (rule !== "taken_away") return null;
      const at = Math.max(facts.stopped?.at ?? 0, facts.delegation?.at ?? 0, facts.commanded?.at ?? 0);
      const body = texts.pausedByPerson(why, facts);
      return { fact: `paused:${at}${notCancelled(facts, policy)}`, activity: { type: "response", body } };
    }
    case "awaiting_review": {
      // A review that has just come is judged by a reading: until then there is nothing true to say.
      if (facts.pullRequest === null || facts.pullRequest.hint !== null) return null;
      // A run is called for and may not begin yet, or a merge is being cancelled: no person's word is what it waits for.
      if (decision.refusal !== null || decision.step.kind === "cancel_merge") return null;
      const body = texts.readyForReview(facts.pullRequest, facts, decision);
      // The tracker shows the work as done, and yet a person's word is awaited: the end is still to be told.
      return { fact: `review:${rule}:${head}`, activity: { type: "response", body }, leaves: "asked" };
    }
    case "delegated":
    case "preparing":
    case "implementing":
    case "pr_open":
    case "repairing_ci":
    case "changes_requested":
    case "awaiting_queue":
    case "repairing_queue":
      return null;
  }
}

/** That a merge which was to be cancelled goes on is news to whoever was told that we stop. */
function notCancelled(facts: Facts, policy: Policy): string {
  return (mergeUnderWay(facts, projectOf(facts, policy))?.refused ?? null) === null ? "" : ":merge";
}

function awaited(facts: Facts, decision: Decision): LastWord | null {
  const head = facts.pullRequest?.core.value.head ?? "none";
  const runs = facts.runs.length;
  const { rule } = decision;
  if (rule === "question_open") return null;
  if (rule !== "said_all") {
    const body = texts.awaitsWord(decision);
    return { fact: `input:${rule}:${head}:${runs}`, activity: { type: "elicitation", body } };
  }
  const last = facts.runs.at(-1);
  // The agent's answer was the last word already; it is for sessions that have not seen it.
  if (last?.end?.outcome === "answered") return answerOf(last, last.end);
  const body = texts.whatNext(last?.end?.summary ?? decision.why);
  return { fact: `input:no_change:${runs}`, activity: { type: "elicitation", body } };
}

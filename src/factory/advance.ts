import { grantedAt } from "./judge/authority.ts";
import { settled } from "./judge/charging.ts";
import { decide, evidenceOf } from "./rules/decide.ts";
import type { Decision, Evidence } from "./rules/decision.ts";
import type { Effect } from "./effects/effect.ts";
import { effectsCalledFor } from "./effects/called-for.ts";
import { withClosingTold, withRoutineTold } from "./effects/narration.ts";
import { reminderAt, withReminder, withRevival } from "./effects/reminders.ts";
import type { Facts } from "./facts/facts.ts";
import { freshBranch } from "./facts/ids.ts";
import { isNews, isSame } from "./facts/news.ts";
import type { Observation } from "./facts/observation.ts";
import { observe, withQuestion } from "./observe/observe.ts";
import type { Conditions, Policy } from "./facts/policy.ts";
import { withProject } from "./judge/route.ts";
import { withAnotherTry } from "./judge/another-try.ts";
import { endOfSecond } from "./facts/stamp.ts";
import { projectOf } from "./judge/trust.ts";

export interface AdvanceInput {
  readonly facts: Facts;
  /** The decision of the advance before, as it was stored; null when the issue is new. */
  readonly before: Decision | null;
  readonly observations: readonly Observation[];
  readonly policy: Policy;
  readonly conditions: Conditions;
  /** Wall clock, Unix ms. */
  readonly now: number;
}

/** What one advance leads to; an engine commits all of it together. */
export interface Advance {
  readonly facts: Facts;
  readonly decision: Decision;
  /** Effects to add to the outbox (their keys make a repeat harmless). */
  readonly effects: readonly Effect[];
  readonly evidence: readonly Evidence[];
  /**
   * Whether there is news: something known, decided or asked for that was not before. Facts that were only read to be
   * still so are not, nor is another `until`; they are to be kept all the same, for `facts` is then another object than
   * it was.
   */
  readonly changed: boolean;
}

/** A decision may change the facts (a run reserved, a stop marked) and so call for another; this many at most. */
const MOST_ROUNDS = 5;

/** Observations in; new facts, decision and effects out. Pure and total; the same door for every source. */
export function advance(input: AdvanceInput): Advance {
  const { before, policy, conditions, now } = input;
  let facts = input.observations.reduce((known, seen) => observe(known, seen, now), input.facts);
  facts = withAnotherTry(reopened(withProject(facts, policy), policy), policy);
  let decided = decide(facts, policy, conditions, now);
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    const next = carriedOut(facts, decided, now);
    if (next === facts) break;
    facts = next;
    decided = decide(facts, policy, conditions, now);
  }
  let { decision } = decided;
  const already = new Set(
    before === null ? [] : effectsCalledFor(input.facts, before, policy, now).map((effect) => effect.key),
  );
  facts = withRoutineTold(facts, decision, policy, already, now);
  facts = withReminder(withRevival(facts, decision, policy, now), decision, policy, now);
  const effects = effectsCalledFor(facts, decision, policy, now).filter((effect) => !already.has(effect.key));
  facts = withClosingTold(facts, decision, policy, now);
  decision = { ...decision, until: earlier(decision.until, reminderAt(facts, decision, policy)) };
  // When it looks again moves with every look, and is no news either.
  const same = before !== null && isSame({ ...before, until: null }, { ...decision, until: null });
  const changed = effects.length > 0 || !same || isNews(input.facts, facts);
  return {
    facts: !changed && isSame(input.facts, facts) ? input.facts : facts,
    decision,
    effects,
    evidence: evidenceOf(facts, policy, now),
    changed,
  };
}

/** The earlier of two times, each of which may be never. */
function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

/** The part of a decision that is itself a fact: a run that was reserved, a stop, a question. */
function carriedOut(facts: Facts, decided: ReturnType<typeof decide>, now: number): Facts {
  const { decision, run } = decided;
  if (run !== null) return { ...facts, runs: [...facts.runs, run] };
  const { step } = decision;
  if (step.kind === "stop_run") {
    const last = facts.runs.at(-1);
    if (last === undefined || last.state === "ended" || last.stop !== null) return facts;
    const stopped = { ...last, stop: { at: now, reason: step.reason } };
    // A run that has not begun has nothing to stop: it ends here, and gives its attempt back.
    const ended = {
      ...stopped,
      state: "ended" as const,
      phase: "settle" as const,
      endedAt: now,
      end: settled({
        outcome: step.reason === "superseded" ? "superseded" : "stopped",
        failureClass: null,
        summary: decision.why,
        retryAt: null,
        replies: [],
      }),
    };
    return { ...facts, runs: [...facts.runs.slice(0, -1), last.state === "queued" ? ended : stopped] };
  }
  if (step.kind === "ask") {
    const { question, about, text, options } = step;
    return withQuestion(facts, {
      id: question,
      about,
      askedAt: now,
      run: null,
      afterRun: facts.runs.at(-1)?.number ?? 0,
      text,
      options,
      known: Object.keys(facts.prompts).toSorted(),
      dueAt: null,
      answer: null,
    });
  }
  if (step.kind === "call_in") {
    const question = facts.questions[step.question];
    if (question === undefined || question.dueAt !== null) return facts;
    return { ...facts, questions: { ...facts.questions, [question.id]: { ...question, dueAt: now } } };
  }
  return facts;
}

/**
 * A closed or merged pull request absorbs everything but an explicit new request: that opens the next
 * generation, with a branch of its own.
 */
function reopened(facts: Facts, policy: Policy): Facts {
  const pull = facts.pullRequest;
  const project = projectOf(facts, policy);
  if (pull === null || project === null || facts.project === null) return facts;
  const core = pull.core.value;
  if (core.state === "open") return facts;
  // What was said within the second of the end was said before it.
  const endedAt = endOfSecond(core.closedAt ?? pull.core.at);
  if (grantedAt(facts, policy) <= endedAt) return facts;
  const past = [
    ...facts.past,
    { number: pull.number, url: pull.url, branch: core.branch, merged: core.merged, at: endedAt },
  ];
  const key = facts.ticket.core?.value.key ?? facts.id;
  return {
    ...facts,
    past,
    pullRequest: null,
    project: { ...facts.project, branch: freshBranch(project.branchPrefix, key, past) },
  };
}

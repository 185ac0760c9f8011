import type { Authority, Prompt, Question } from "../facts/ticket.ts";
import type { Facts } from "../facts/facts.ts";
import { own } from "../facts/own.ts";
import type { Policy } from "../facts/policy.ts";
import type { Run } from "../facts/run.ts";
import { asksForNothing } from "./courtesy.ts";
import { acceptsOffer, isPick, triesAgain } from "./offer.ts";
import { personHead } from "./pushes.ts";
import { isCourtesy } from "./sessions.ts";
import { mayDelegate, maySteer } from "./trust.ts";

/**
 * When work was last asked for by somebody who may (Unix ms), whether or not it was taken away since; 0 = never. An end
 * that is older was overtaken by that, and a stop does not bring it back.
 */
export function grantedAt(facts: Facts, policy: Policy): number {
  const { delegation, command } = facts.grants;
  const kept = [
    delegation !== null && mayDelegate(facts, delegation.value.by, policy) ? delegation.at : 0,
    command?.at ?? 0,
  ];
  return Math.max(0, ...kept, ...wordsOf(facts, policy).map(({ granted, at }) => (granted ? at : 0)));
}

/**
 * Whether we may work on the issue: the newest of all that grants or takes away, by the sources' own times.
 * On a tie what takes away wins, so that a stop is never lost to a delegation of the same millisecond.
 */
export function authorityOf(facts: Facts, policy: Policy): Authority | null {
  return wordsOf(facts, policy).reduce<Authority | null>(
    (last, word) =>
      last === null || word.at > last.at || (word.at === last.at && last.granted && !word.granted)
        ? word
        : last,
    null,
  );
}

/** Of each source of authority what it said last. */
function wordsOf(facts: Facts, policy: Policy): readonly Authority[] {
  const words: Authority[] = [];
  if (
    facts.delegation !== null &&
    (!facts.delegation.value.granted || mayDelegate(facts, facts.delegation.value.by, policy))
  ) {
    const { granted, by } = facts.delegation.value;
    words.push({ granted, at: facts.delegation.at, cause: granted ? "delegated" : "undelegated", by });
  }
  const prompts = trustedPrompts(facts, policy);
  for (const session of Object.values(facts.sessions)) {
    if (mayDelegate(facts, session.by, policy) && !isCourtesy(facts, session)) {
      words.push({ granted: true, at: session.at, cause: "mentioned", by: session.by });
    }
  }
  for (const prompt of prompts) {
    if (asksForNothing(prompt.text)) continue;
    words.push({ granted: true, at: prompt.at, cause: "prompted", by: prompt.by });
  }
  if (facts.stopped !== null) {
    words.push({ granted: false, at: facts.stopped.at, cause: "stopped", by: facts.stopped.value.by });
  }
  if (facts.commanded !== null) {
    const { granted, by } = facts.commanded.value;
    words.push({ granted, at: facts.commanded.at, cause: granted ? "commanded" : "stopped", by });
  }
  return words;
}

/**
 * When an operator's word that is given now was said. The trackers' words are dated by their clocks: where ours is
 * behind, ours would be older than what it answers, and change nothing.
 */
export function saidNow(facts: Facts, policy: Policy, now: number): number {
  const { paused, closed, budgetReset, commanded } = facts;
  const known = [authorityOf(facts, policy), paused, closed, budgetReset, commanded];
  return Math.max(now, ...known.map((word) => (word === null ? 0 : word.at + 1)));
}

/** Prompts by people whom policy lets steer, oldest first. */
export function trustedPrompts(facts: Facts, policy: Policy): Prompt[] {
  return Object.values(facts.prompts)
    .filter((prompt) => maySteer(facts, prompt.by, prompt.from, policy))
    .toSorted((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
}

/** A run that failed, was interrupted or was stopped has not dealt with what it was given. */
const DEALT_WITH: ReadonlySet<string> = new Set(["published", "no_change", "answered", "asked"]);

function hasDealtWith({ end }: Run): boolean {
  return end === null || DEALT_WITH.has(end.outcome);
}

/** Trusted prompts that no run has dealt with or is dealing with, oldest first. */
export function pendingPrompts(facts: Facts, policy: Policy): Prompt[] {
  const given = new Set(
    facts.runs.filter(hasDealtWith).flatMap((run) => [...run.cause.prompts, ...run.steered]),
  );
  const isAnswer = new Set<string>();
  for (const question of Object.values(facts.questions)) {
    const answer = answeringPrompt(facts, question, policy);
    if (answer === null) continue;
    // Whoever says something else there has it done: that is another matter, with a budget of its own.
    if (question.about === "budget") {
      if (triesAgain(answer.text) !== null) given.add(answer.id);
      // Where several people pick, the first of them has decided, and nobody else has said anything to the agent.
      for (const { id, text } of answeringPrompts(facts, question, policy)) if (isPick(text)) given.add(id);
      continue;
    }
    isAnswer.add(answer.id);
    // What answers a question of the relay's own is for the relay, and asks the agent for nothing. An offer may be
    // answered with something else to do.
    if (question.run === null && (question.about !== "offer" || acceptsOffer(answer.text) !== null))
      given.add(answer.id);
  }
  return trustedPrompts(facts, policy).filter(
    (prompt) =>
      !given.has(prompt.id) &&
      (isAnswer.has(prompt.id) || !asksForNothing(prompt.text)) &&
      standsByItself(facts, prompt),
  );
}

/**
 * Whether a message is to be dealt with by itself. What is said in a review that requests changes is dealt with as that
 * review, or goes with it; of which kind a review is may have to be read first.
 */
function standsByItself(facts: Facts, prompt: Prompt): boolean {
  const review = prompt.on?.review ?? null;
  if (review === null) return true;
  if (facts.runs.some((run) => run.cause.reviews.includes(review) && hasDealtWith(run))) return false;
  const state = own(facts.pullRequest?.reviews ?? {}, review)?.state;
  if (state !== undefined) return state === "commented" || state === "approved";
  // A review of an earlier pull request is kept no longer.
  return prompt.at > (facts.past.at(-1)?.at ?? 0) && !isReviewUnread(facts, prompt);
}

/** Whether it was said in a review of which nothing is known, and no reading since tells that there is none. */
export function isReviewUnread({ pullRequest }: Facts, { at, on }: Prompt): boolean {
  const review = on?.review ?? null;
  if (review === null || pullRequest === null || own(pullRequest.reviews, review) !== undefined) return false;
  return pullRequest.hint !== null || (pullRequest.readAt ?? 0) < at;
}

/** What was said this long before a question was asked is no answer to it, however far apart two clocks are (ms). */
const CLOCKS_APART_MS = 300_000;

/**
 * Questions nobody has answered, oldest first. An answer is the first trusted prompt that was not there when it was
 * asked; one that was said well before, and was only heard late, is not.
 */
export function openQuestions(facts: Facts, policy: Policy): Question[] {
  return Object.values(facts.questions)
    .filter((question) => question.about !== "budget" || isStillOut(facts, question))
    .filter((question) => question.answer === null && answeringPrompt(facts, question, policy) === null)
    .toSorted((a, b) => a.askedAt - b.askedAt);
}

/** Whether nothing was tried, and no person has pushed, since it was asked whether to try again. */
function isStillOut(facts: Facts, { afterRun }: Question): boolean {
  const last = facts.runs.at(-1);
  const word = personHead(facts);
  return last?.number === afterRun && (word === null || last.personHead === word);
}

/** The messages that may answer it, in the order they were sent. */
export function answeringPrompts(facts: Facts, question: Question, policy: Policy): Prompt[] {
  return trustedPrompts(facts, policy).filter(
    (prompt) =>
      prompt.from !== "forge" &&
      !question.known.includes(prompt.id) &&
      prompt.at > question.askedAt - CLOCKS_APART_MS,
  );
}

function answeringPrompt(facts: Facts, question: Question, policy: Policy): Prompt | null {
  return answeringPrompts(facts, question, policy)[0] ?? null;
}

/** What was answered to a question, in the person's words; null = nothing yet. */
export function answerTo(facts: Facts, question: Question, policy: Policy): string | null {
  return question.answer?.text ?? answeringPrompt(facts, question, policy)?.text ?? null;
}

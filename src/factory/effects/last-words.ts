import type { Decision } from "../rules/decision.ts";
import { type Facts, activeRun } from "../facts/facts.ts";
import type { Run, RunEnd } from "../facts/run.ts";
import { openQuestions, pendingPrompts } from "../judge/authority.ts";
import { isTakenOver, tryQuestion } from "../judge/another-try.ts";
import type { Closing } from "./conversation.ts";
import { mergeUnderWay } from "../judge/merging.ts";
import { personHead } from "../judge/pushes.ts";
import type { Policy } from "../facts/policy.ts";
import { projectOf } from "../judge/trust.ts";
import * as texts from "./texts/tracker.ts";

/** What a session is left with; how often it is told is added by `closing`. */
type LastWord = Omit<Closing, "once">;

/** Names the end of a run as something told. */
export function endKey(run: Run): string {
  return `run:${run.number}:ended`;
}

/** The agent's answer, which is the last word. */
export function answerOf(run: Run, end: RunEnd): LastWord {
  return { fact: endKey(run), activity: { type: "response", body: end.summary } };
}

/** What leaves a session closed for now: an end, or that a person's word is awaited. The last of them stands. */
export function closing(facts: Facts, decision: Decision, policy: Policy): readonly Closing[] {
  const questions = activeRun(facts) === null ? openQuestions(facts, policy) : [];
  const asked = questions
    .filter(({ about }) => about !== "budget")
    .map(({ id, text, options }): Closing => ({
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
      return handedOver(facts, decision, policy);
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
    case "awaiting_queue": {
      if (rule !== "person_merges" || facts.pullRequest === null) return null;
      const body = texts.readyForReview(facts.pullRequest, facts, decision);
      return { fact: `merge:${rule}:${head}`, activity: { type: "response", body }, leaves: "asked" };
    }
    case "delegated":
    case "preparing":
    case "implementing":
    case "pr_open":
    case "repairing_ci":
    case "changes_requested":
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
  if (rule === "question_open" || rule === "question_overdue") return null;
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

/** A person has to go on: with a choice where another try is theirs to give. */
function handedOver(facts: Facts, decision: Decision, policy: Policy): LastWord {
  const [late] = decision.rule === "question_overdue" ? openQuestions(facts, policy) : [];
  if (late !== undefined) {
    const body = texts.notAnswered(decision);
    return { fact: `overdue:${late.id}`, activity: { type: "error", body } };
  }
  const question = decision.refusal === null ? null : tryQuestion(facts);
  if (question !== null && isTakenOver(facts, policy)) {
    const body = texts.takenOver(decision);
    return { fact: `taken_over:${question.id}`, activity: { type: "response", body } };
  }
  const body = texts.handOver(facts, decision);
  const isOpen = openQuestions(facts, policy).some(({ id }) => id === question?.id);
  return {
    // What machines push meanwhile is no news to whoever has it now.
    fact: `escalated:${decision.rule}:${personHead(facts)}:${facts.runs.length}`,
    activity:
      question !== null && isOpen
        ? { type: "elicitation", body, options: question.options }
        : { type: "error", body },
  };
}

import type { Facts } from "../facts/facts.ts";
import type { Policy } from "../facts/policy.ts";
import type { Question } from "../facts/ticket.ts";
import { answerTo } from "./authority.ts";
import { triesAgain } from "./offer.ts";

/**
 * A person may have tried again what was tried as often as policy allows for one trouble. What an issue as a whole may cost
 * is the operator's to say: that no answer changes.
 */
export function withAnotherTry(facts: Facts, policy: Policy): Facts {
  const after = Object.values(facts.questions).map((question) =>
    question.about === "budget" && isToTry(facts, question, policy) === true ? question.afterRun : 0,
  );
  const triedAfterRun = Math.max(facts.triedAfterRun, ...after);
  return triedAfterRun === facts.triedAfterRun ? facts : { ...facts, triedAfterRun };
}

/** The question whether to try again after the last run; null = it was not asked. */
export function tryQuestion({ questions, runs }: Facts): Question | null {
  const last = runs.at(-1)?.number ?? 0;
  return (
    Object.values(questions).find(({ about, afterRun }) => about === "budget" && afterRun === last) ?? null
  );
}

/** Whether the person who was asked takes over: then nobody waits for anybody. */
export function isTakenOver(facts: Facts, policy: Policy): boolean {
  const question = tryQuestion(facts);
  return question !== null && isToTry(facts, question, policy) === false;
}

function isToTry(facts: Facts, question: Question, policy: Policy): boolean | null {
  const answer = answerTo(facts, question, policy);
  return answer === null ? null : triesAgain(answer);
}

import type { Facts } from "../facts/facts.ts";
import type { Question } from "../facts/ticket.ts";
import type { Policy } from "../facts/policy.ts";
import { answerTo } from "./authority.ts";
import { acceptsOffer } from "./offer.ts";
import { mayDelegate, projectOf } from "./trust.ts";

/**
 * Whether the issue as a whole is ours to carry out: it is delegated to us, or the offer to do so was taken up, since our
 * last pull request of it ended. A mention asks only for what its message says, unless policy has it start the work.
 */
export function isAssigned(facts: Facts, policy: Policy): boolean {
  const since = facts.past.at(-1)?.at ?? 0;
  const { delegation } = facts;
  if (
    delegation !== null &&
    delegation.value.granted &&
    delegation.at > since &&
    mayDelegate(facts, delegation.value.by, policy)
  )
    return true;
  if (
    Object.values(facts.questions).some(
      (question) => question.askedAt > since && isTakenUp(facts, question, policy),
    )
  )
    return true;
  return (
    projectOf(facts, policy)?.mentions === "start" &&
    Object.values(facts.sessions).some(({ at, by }) => at > since && mayDelegate(facts, by, policy))
  );
}

function isTakenUp(facts: Facts, question: Question, policy: Policy): boolean {
  const answer = question.about === "offer" ? answerTo(facts, question, policy) : null;
  return answer !== null && acceptsOffer(answer) === true;
}

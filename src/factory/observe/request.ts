import type { Facts } from "../facts/facts.ts";
import type { Answered } from "../facts/request.ts";
import type { Observation } from "../facts/observation.ts";

/** How many answers of each kind an issue remembers; the oldest go first. */
const MOST_ANSWERS = 100;

/** The forge's answer to a request of ours; told again it changes nothing. */
export function withAnswer(facts: Facts, seen: Extract<Observation, { kind: "effect_settled" }>): Facts {
  const { effect, at, ok, detail } = seen;
  const answered: Answered = { key: effect.key, at, ok, detail, because: seen.because };
  switch (effect.kind) {
    case "merge": {
      const { number, head, basis } = effect;
      const merges = added(facts.merges, { ...answered, number, head, basis });
      return merges === facts.merges ? facts : { ...facts, merges };
    }
    case "cancel_merge": {
      const { number, request, retriedAt } = effect;
      const cancellations = added(facts.cancellations, { ...answered, number, request, retriedAt });
      return cancellations === facts.cancellations ? facts : { ...facts, cancellations };
    }
    case "rerun_checks": {
      const { head, failure } = effect;
      const reruns = added(facts.reruns, { ...answered, head, failure });
      return reruns === facts.reruns ? facts : { ...facts, reruns };
    }
    case "update_branch": {
      const { number, head } = effect;
      const updates = added(facts.updates, { ...answered, number, head });
      return updates === facts.updates ? facts : { ...facts, updates };
    }
  }
}

function added<T extends Answered>(list: readonly T[], row: T): readonly T[] {
  return list.some(({ key }) => key === row.key) ? list : [...list, row].slice(-MOST_ANSWERS);
}

import type { FactoryState } from "../facts/state.ts";
import type { Answer } from "./answer.ts";
import type { Situation } from "./situation.ts";

/** A row of the decision table. The first that answers wins. */
export interface Rule {
  readonly name: string;
  /** The rule as a sentence, for docs/factory.md and `patchrelay machine`. */
  readonly says: string;
  readonly states: readonly FactoryState[];
  /** What follows from the situation; null = the row does not hold. */
  readonly answer: (situation: Situation) => Answer | null;
}

interface Row<Found> {
  readonly name: string;
  readonly says: string;
  readonly states: readonly FactoryState[];
  /** What the row holds for; null = it does not hold. */
  readonly when: (situation: Situation) => Found | null;
  readonly gives: (found: Found, situation: Situation) => Answer;
}

/** A row whose answer rests on what its condition found, so that neither looks for it twice. */
export function rule<Found>({ name, says, states, when, gives }: Row<Found>): Rule {
  return {
    name,
    says,
    states,
    answer: (situation) => {
      const found = when(situation);
      return found === null ? null : gives(found, situation);
    },
  };
}

/** What a row finds that only asks whether something is so. */
export function holds(condition: boolean): true | null {
  return condition ? true : null;
}

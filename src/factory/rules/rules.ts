import type { Step } from "./decision.ts";
import { ENDINGS } from "./ending.ts";
import { MERGING_RULES } from "./merging.ts";
import { PULL_REQUEST_RULES } from "./pull-request.ts";
import { RUN_RULES } from "./run.ts";
import { TICKET_RULES } from "./ticket.ts";
import type { Situation } from "./situation.ts";
import type { FactoryState } from "../facts/state.ts";

/** A row of the decision table. The first row whose `when` holds wins. */
export interface Rule {
  readonly name: string;
  /** The rule as a sentence, for docs/factory.md and `patchrelay machine`. */
  readonly says: string;
  readonly states: readonly FactoryState[];
  when(situation: Situation): boolean;
  gives(situation: Situation): Answer;
}

export interface Answer {
  readonly state: FactoryState;
  readonly step: Step;
  readonly why: string;
  readonly waitsFor: string | null;
  readonly until?: number | null;
  /** For a step `run`: the state while the run may not start yet. */
  readonly refused?: FactoryState;
}

/**
 * The whole timetable, in order: what ends an issue and what people own comes first, then the run under way,
 * then what was asked for, then the pull request from the merge queue back to its checks, and at last its merge.
 */
export const RULES: readonly Rule[] = [
  ...ENDINGS,
  ...TICKET_RULES,
  ...RUN_RULES,
  ...PULL_REQUEST_RULES,
  ...MERGING_RULES,
];

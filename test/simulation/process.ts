import { EFFECTS, type Effect } from "../../src/factory/effects/effect.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import type { AdvanceInput, Advance } from "../../src/factory/advance.ts";
import type { Agenda } from "./agenda.ts";
import type { Chance } from "./chance.ts";
import type { Mistake } from "./mistakes.ts";
import type { Outside } from "./outside.ts";
import type { Setting } from "./settings.ts";
import type { Store } from "./store.ts";

/** The simulated process as its parts and its judge see it. */
export interface Process {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly outside: Outside;
  readonly setting: Setting;
  readonly store: Store;
  has(mistake: Mistake): boolean;
  /** Plans something that this process does; it does not happen if the process dies before. */
  later(ms: number, act: () => void): void;
  /** A point between two commits or calls: the process may die here. */
  boundary(): void;
  facts(issue: IssueId): Facts | null;
  turn(input: AdvanceInput): Advance;
  /** One transaction: observations in, facts, decision, effects and timer out. */
  observe(issue: IssueId, observations: readonly Observation[]): void;
  /** A call outside, as the network lets it be. */
  call<T>(service: "tracker" | "forge", ask: () => T): T;
}

/** The process died here. What was committed stays. */
export class Crash extends Error {
  override readonly name = "Crash";
}

/** A call that did not come back with an answer; it may have taken effect all the same. */
export class ExternalFault extends Error {
  override readonly name = "ExternalFault";
}

/** The lane of an effect's row; effects of one lane are carried out in order. */
export function laneOf(effect: Effect): string {
  return `${effect.issue} ${EFFECTS[effect.kind].lane}`;
}

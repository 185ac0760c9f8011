import type { Advance, AdvanceInput } from "../../src/factory/advance.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import { ExternalError } from "../../src/lib/external.ts";
import type { Agenda } from "./time/agenda.ts";
import type { Chance } from "./chance.ts";
import type { Forge } from "./outside/forge.ts";
import type { Outside } from "./outside/outside.ts";
import type { Ledger } from "./oracle/ledger.ts";
import type { Mistake } from "./mistakes.ts";
import type { ProcessClock } from "./time/clock.ts";
import type { Setting } from "./settings.ts";

export type Side = "tracker" | "forge";

/** Who judges a history, as those who take part in it see him: each tells what it is about to do or has done. */
export interface Judge {
  /** Deliveries, as `source:id`, whose content was looked at. */
  readonly interpreted: Set<string>;
  /** In each advance: the decision, the facts it leaves and the runs it starts and ends. */
  advanced(life: Life, input: AdvanceInput, result: Advance): void;
  /** An effect is about to be carried out. */
  performs(life: Life, effect: Effect): void;
  /** A run begins; `other` is one that is still under way. */
  begins(life: Life, run: { readonly issue: IssueId; readonly run: number }, other: number | null): void;
  /** The forge is about to be asked for a merge. */
  merges(life: Life, issue: IssueId, what: string): void;
  /** A run, by its id, is about to push; something was pushed. */
  pushes(life: Life, run: string): void;
  pushed(life: Life, forge: Forge): void;
  /** The relay logged an error of its own. */
  logged(life: Life, message: string): void;
  /** Before a restart, on what the process left: what was promised must still be there. */
  restarted(stage: Stage, ledger: Ledger): void;
}

/** What one history is made of. */
export interface Stage {
  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly setting: Setting;
  readonly outside: Outside;
  readonly oracle: Judge;
}

/** One life of the process, from its start to its end or death, as the fakes around the engine see it. */
export interface Life extends Stage {
  readonly clock: ProcessClock;
  /** What its database holds. */
  readonly ledger: Ledger;
  readonly alive: boolean;
  has(mistake: Mistake): boolean;
  /** A point between two commits or acts: the process may die here; what follows then reaches nobody. */
  boundary(): void;
}

/** Waits in virtual time; rejects when the signal fires, and never resolves once the process is dead. */
export async function pause(life: Life, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const refuse = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = life.agenda.after(ms, () => {
      if (!life.alive) return;
      life.boundary();
      if (!life.alive) return;
      signal.removeEventListener("abort", refuse);
      resolve();
    });
    signal.addEventListener("abort", refuse, { once: true });
  });
}

/** For what a dead process waits for. */
export async function nothing(signal: AbortSignal): Promise<never> {
  return await new Promise<never>((_, reject) => {
    const refuse = (): void => reject(signal.reason as Error);
    if (signal.aborted) refuse();
    else signal.addEventListener("abort", refuse, { once: true });
  });
}

/** A call outside, as the network lets it be: it takes time, may fail, and its answer may be lost after it took effect. */
export async function call<T>(life: Life, side: Side, signal: AbortSignal, ask: () => T): Promise<T> {
  const { chance, outside } = life;
  const { fault, lostAnswer } = life.setting.network;
  await pause(life, chance.between(25, 1_500), signal);
  if (outside.down.has(side) || chance.that(fault))
    throw new ExternalError("unavailable", `${side} is not reachable`);
  const answer = ask();
  await pause(life, chance.between(25, 1_500), signal);
  if (chance.that(lostAnswer)) throw new ExternalError("unavailable", `${side} did not answer in time`);
  return answer;
}

import type { EffectTrait } from "../../factory/effects/effect.ts";
import { acknowledges, waitsForNothing } from "./effects.ts";
import type { EffectClass } from "./effects.ts";

/** An effect that is not over, as far as its turn in its lane matters. */
export interface OpenEffect {
  /** Grows with each effect that is added. */
  readonly id: number;
  readonly class: EffectClass;
  readonly underWay: boolean;
}

/** Whether effects of this lane wait for one another at all. */
export function isOrdered(lane: EffectTrait["lane"]): boolean {
  return lane !== "control";
}

/**
 * Which of the effects that wait in one lane of one issue may go, given all of that lane that are open: those that wait for
 * nothing, and the one that heads the rest.
 */
export function mayGo(lane: EffectTrait["lane"], open: readonly OpenEffect[]): readonly number[] {
  const free = open.filter((effect) => !isOrdered(lane) || waitsForNothing(effect.class));
  const rest = open.filter((effect) => !free.includes(effect));
  const head = headOf(
    rest.find(({ underWay }) => underWay) ?? oldest(rest),
    free.some((effect) => acknowledges(effect.class)),
  );
  return [...free.filter(({ underWay }) => !underWay).map(({ id }) => id), ...(head === null ? [] : [head])];
}

/**
 * The effect that may go next of those in an ordered lane that wait for others; null = none may. `first`: one of them that
 * is under way, or else the oldest; null = there is none. `acknowledging`: something that acknowledges is open in the lane,
 * and the rest of it waits, or it would come after what it is to come before.
 */
export function headOf(
  first: Pick<OpenEffect, "id" | "underWay"> | null,
  acknowledging: boolean,
): number | null {
  return first === null || first.underWay || acknowledging ? null : first.id;
}

/** When an effect may be tried (Unix ms), and the tries that count by then. */
export interface Planned {
  readonly attempts: number;
  readonly nextAt: number;
}

/**
 * What a newer effect takes over of those not begun that it replaces; null = there are none. The wait that the world asked
 * for stays, or each newer wish would ask it at once again.
 */
export function inherited(replaced: readonly Planned[]): Planned | null {
  if (replaced.length === 0) return null;
  return {
    attempts: Math.max(...replaced.map(({ attempts }) => attempts)),
    nextAt: Math.max(...replaced.map(({ nextAt }) => nextAt)),
  };
}

/** Of effects that may go, those that wait the longest first: by when they may be tried (Unix ms), then by age. */
export function byDue(
  a: { readonly nextAt: number; readonly id: number },
  b: { readonly nextAt: number; readonly id: number },
): number {
  return a.nextAt - b.nextAt || a.id - b.id;
}

/** Of runs that wait for a slot, rework before new work (`placeOf`), then by age. */
export function byPlace(
  a: { readonly priority: number; readonly id: number },
  b: { readonly priority: number; readonly id: number },
): number {
  return a.priority - b.priority || a.id - b.id;
}

function oldest(effects: readonly OpenEffect[]): OpenEffect | null {
  return effects.toSorted((a, b) => a.id - b.id)[0] ?? null;
}

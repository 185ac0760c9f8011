/** Numbers that a seed fixes, so that a failed history can be asked for again. */
export interface Dice {
  /** In [0, 1). */
  fraction(): number;
  /** In [from, to). */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  /** One of a list that is not empty. */
  pick<T>(list: readonly T[]): T;
}

/** Mulberry32, a generator of 32 bits of state: small, and good enough to choose instants with. */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    fraction,
    between: (from, to) => from + fraction() * (to - from),
    chance: (probability) => fraction() < probability,
    pick(list) {
      const found = list[Math.floor(fraction() * list.length)];
      if (found === undefined) throw new Error("there is nothing to pick from");
      return found;
    },
  };
}

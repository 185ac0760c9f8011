import type { Dice } from "../random.ts";

/** Where the next relay is killed: at a named place, or at a random instant. */
export type Aim = { readonly failpoint: string; readonly nth: number } | { readonly afterMs: number };

/** Which failpoints were killed at, how often, and which are still to come. */
export interface Aims {
  next(): Aim;
  /** Tells whether the process died at the failpoint it was aimed at. */
  met(failpoint: string, died: boolean): void;
  readonly killedAt: ReadonlyMap<string, number>;
  missing(): readonly string[];
}

/** An aim that was missed is taken up again so often before it is left to chance. */
const TRIES = 6;

/**
 * Deals out aims: the schema's steps first (only a new database takes them), then failpoints and random instants mixed,
 * `pointed` of them on average at failpoints, half of those at the `favourite` where there is one.
 */
export function openAims(
  names: readonly string[],
  dice: Dice,
  pointed: number,
  favourite: string | null = null,
): Aims {
  const killedAt = new Map(names.map((name) => [name, 0]));
  const tried = new Map<string, number>();
  const isMigration = (name: string): boolean => name.startsWith("migrate.");
  const missing = (): string[] => names.filter((name) => killedAt.get(name) === 0);
  let round: string[] = [];

  const choose = (): string => {
    if (favourite !== null && dice.chance(0.5)) return favourite;
    const open = missing().filter((name) => !isMigration(name) && (tried.get(name) ?? 0) < TRIES);
    if (open.length > 0 && dice.chance(0.7)) return dice.pick(open);
    if (round.length === 0) round = names.filter((name) => !isMigration(name));
    return round.splice(Math.floor(dice.fraction() * round.length), 1)[0] ?? dice.pick(names);
  };

  return {
    next() {
      const migration = names.find((name) => isMigration(name) && !tried.has(name));
      if (migration !== undefined) return { failpoint: migration, nth: 1 };
      if (!dice.chance(pointed)) return { afterMs: 20 * 150 ** dice.fraction() };
      const failpoint = choose();
      const first = (killedAt.get(failpoint) ?? 0) === 0;
      return { failpoint, nth: first ? 1 : 1 + Math.floor(dice.between(0, 3)) };
    },
    met(failpoint, died) {
      tried.set(failpoint, (tried.get(failpoint) ?? 0) + 1);
      if (died) killedAt.set(failpoint, (killedAt.get(failpoint) ?? 0) + 1);
    },
    killedAt,
    missing,
  };
}

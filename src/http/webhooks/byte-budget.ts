/** A bound on something that many requests share, e.g. bytes in memory. */
export interface ByteBudget {
  /** Takes `amount`, or says false and takes nothing when that is more than is left. */
  take(amount: number): boolean;
  give(amount: number): void;
  used(): number;
}

export function createByteBudget(limit: number): ByteBudget {
  let used = 0;
  return {
    take(amount) {
      if (used + amount > limit) return false;
      used += amount;
      return true;
    },
    give(amount) {
      used -= amount;
    },
    used: () => used,
  };
}

import type { Clock } from "../../src/lib/clock.ts";

/** A clock that stands still until it is wound: timers fire in order when their time is passed. */
export interface HandClock extends Clock {
  advance(ms: number): void;
  /** Resolves once somebody waits for exactly that long: the moment to wind the clock. */
  waits(ms: number): Promise<void>;
}

/** Starts at 2026-01-01T00:00:00Z. */
export function handClock(): HandClock {
  const start = Date.UTC(2026, 0, 1);
  const timers = new Map<number, { readonly at: number; readonly fire: () => void }>();
  let elapsed = 0;
  let next = 0;
  const asked: { readonly ms: number; readonly tell: () => void }[] = [];
  const waiting = new Set<number>();
  return {
    now: () => start + elapsed,
    monotonic: () => elapsed,
    after(ms, fire) {
      const number = (next += 1);
      waiting.add(ms);
      for (const one of asked) if (one.ms === ms) one.tell();
      timers.set(number, { at: elapsed + ms, fire });
      return () => timers.delete(number);
    },
    waits: (ms) =>
      waiting.has(ms)
        ? Promise.resolve()
        : new Promise((resolve) => {
            asked.push({ ms, tell: resolve });
          }),
    advance(ms) {
      const until = elapsed + ms;
      for (;;) {
        const due = [...timers]
          .filter(([, timer]) => timer.at <= until)
          .toSorted(([, a], [, b]) => a.at - b.at)[0];
        if (due === undefined) break;
        const [number, timer] = due;
        timers.delete(number);
        elapsed = Math.max(elapsed, timer.at);
        timer.fire();
      }
      elapsed = until;
    },
  };
}

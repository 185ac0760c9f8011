import type { Clock } from "../src/lib/clock.ts";

/** A clock that moves only when a test moves it. */
export interface VirtualClock extends Clock {
  /** Lets everything that is due run until it waits for time or for the outside. */
  settle(): Promise<void>;
  /** Moves time on by `ms`, firing each timer at its own time and settling after each. */
  advance(ms: number): Promise<void>;
  /** The wall clock jumps by `ms`; monotonic time and timers do not notice. */
  jump(ms: number): void;
  /** Timers that are armed now. */
  pending(): number;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

const ROUNDS = 30;
const MOST_FIRES = 200_000;

/** Begins at `start` (Unix ms). */
export function createVirtualClock(start = Date.UTC(2026, 0, 5, 9)): VirtualClock {
  let elapsed = 0;
  let wall = start;
  let order = 0;
  const timers = new Set<Timer>();

  const settle = async (): Promise<void> => {
    for (let round = 0; round < ROUNDS; round += 1) {
      await new Promise<void>((resolve) => {
        setImmediate(resolve);
      });
    }
  };

  const next = (until: number): Timer | undefined =>
    [...timers].filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at || a.order - b.order)[0];

  return {
    now: () => wall,
    monotonic: () => elapsed,
    after(ms, fire) {
      order += 1;
      const timer = { at: elapsed + Math.max(0, ms), order, fire };
      timers.add(timer);
      return () => {
        timers.delete(timer);
      };
    },
    settle,
    async advance(ms) {
      const until = elapsed + ms;
      await settle();
      for (let fires = 0; ; fires += 1) {
        if (fires > MOST_FIRES) throw new Error(`more than ${MOST_FIRES} timers fired within ${ms} ms`);
        const timer = next(until);
        if (timer === undefined) break;
        timers.delete(timer);
        wall += timer.at - elapsed;
        elapsed = timer.at;
        timer.fire();
        await settle();
      }
      wall += until - elapsed;
      elapsed = until;
    },
    jump(ms) {
      wall += ms;
    },
    pending: () => timers.size,
  };
}

const MOST_STEPS = 100_000;

/** Moves a clock that is turned by hand on until `what` is over: for what waits for its deadline while nobody answers. */
export async function passUntilOver(advance: (ms: number) => void, what: Promise<unknown>): Promise<void> {
  const wait = { over: false };
  const end = (): void => {
    wait.over = true;
  };
  what.then(end, end);
  for (let step = 0; !wait.over; step += 1) {
    if (step > MOST_STEPS) throw new Error("it is not over, however much time passes");
    advance(1_000);
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
  }
}

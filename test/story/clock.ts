import { systemClock, type Clock } from "../../src/lib/clock.ts";

/** The machine's clock, which a story may turn forward: waits of minutes and hours pass at once. */
export interface StoryClock extends Clock {
  /** Moves time forward by `ms`; every timer that falls due fires, the earliest first. */
  skip(ms: number): void;
}

interface Timer {
  readonly due: number;
  readonly fire: () => void;
  disarm: () => void;
}

export function createStoryClock(): StoryClock {
  let skipped = 0;
  const timers = new Set<Timer>();
  const monotonic = (): number => systemClock.monotonic() + skipped;
  return {
    now: () => systemClock.now() + Math.round(skipped),
    monotonic,
    after(ms, fire) {
      const timer: Timer = {
        due: monotonic() + ms,
        fire: () => {
          if (timers.delete(timer)) fire();
        },
        disarm: () => undefined,
      };
      timers.add(timer);
      timer.disarm = systemClock.after(ms, timer.fire);
      return () => {
        timers.delete(timer);
        timer.disarm();
      };
    },
    skip(ms) {
      skipped += ms;
      const now = monotonic();
      const due = [...timers].toSorted((a, b) => a.due - b.due);
      for (const timer of due) {
        timer.disarm();
        if (timer.due <= now) timer.fire();
        else timer.disarm = systemClock.after(timer.due - now, timer.fire);
      }
    },
  };
}

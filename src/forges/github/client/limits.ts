import type { Clock } from "../../../lib/clock.ts";
import { ExternalError } from "../../../lib/external.ts";

/** Lets a bounded number of things happen at a time, first come first served. */
export interface Gate {
  /** Runs `work` when there is room. Rejects with the signal's reason when it is aborted while waiting. */
  run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>;
}

const MAX_WAITING = 1_000;

export function createGate(room: number): Gate {
  const waiting: (() => void)[] = [];
  let free = room;
  const enter = async (signal: AbortSignal): Promise<void> => {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return;
    }
    if (waiting.length >= MAX_WAITING)
      throw new ExternalError("unavailable", `${MAX_WAITING} calls to GitHub are already waiting`);
    await new Promise<void>((resolve, reject) => {
      const admit = (): void => {
        signal.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        waiting.splice(waiting.indexOf(admit), 1);
        reject(signal.reason as Error);
      };
      waiting.push(admit);
      signal.addEventListener("abort", leave, { once: true });
    });
  };
  return {
    async run(signal, work) {
      await enter(signal);
      try {
        return await work();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free += 1;
        else next();
      }
    },
  };
}

/** So many tokens per period, gained evenly; a full one allows a burst of all of them. */
export interface Bucket {
  /** Milliseconds until a token is there; 0 = now. */
  wait(): number;
  /** Takes one; ask `wait` first. */
  take(): void;
}

export function createBucket(clock: Clock, capacity: number, periodMs: number): Bucket {
  let tokens = capacity;
  let at = clock.monotonic();
  const fill = (): void => {
    const now = clock.monotonic();
    tokens = Math.min(capacity, tokens + ((now - at) * capacity) / periodMs);
    at = now;
  };
  return {
    wait() {
      fill();
      return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) * periodMs) / capacity);
    },
    take() {
      fill();
      tokens -= 1;
    },
  };
}

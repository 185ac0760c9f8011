/**
 * Time, as an argument. Everything outside `lib/` that needs the time, a delay or a timer takes a Clock,
 * so that tests and simulations run whole histories in virtual time.
 */
export interface Clock {
  /** Wall clock, Unix milliseconds, whole. It may jump; never subtract two of these to get a duration. */
  now(): number;
  /** Monotonic milliseconds, for durations and deadlines. */
  monotonic(): number;
  /** Runs `fire` once after `ms` (0 … any size; longer than Node's 2^31-1 limit is handled). Returns the cancel. */
  after(ms: number, fire: () => void): () => void;
}

const MAX_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, fire) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      // Node fires a timer above 2^31-1 ms at once, so a long wait is made of several.
      timer =
        left > MAX_TIMER_MS
          ? setTimeout(() => arm(left - MAX_TIMER_MS), MAX_TIMER_MS)
          : setTimeout(fire, Math.max(0, left));
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

/** Waits `ms`, or rejects with the signal's reason when it is aborted first. */
export async function delay(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(ms, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** A wall-clock time as the documents show it: ISO 8601 UTC with milliseconds. */
export function iso(at: number): string {
  return new Date(at).toISOString();
}

/** Parses an ISO 8601 time to Unix milliseconds; null for null, undefined or something that is no time. */
export function parseTime(text: string | null | undefined): number | null {
  if (text === null || text === undefined) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : at;
}

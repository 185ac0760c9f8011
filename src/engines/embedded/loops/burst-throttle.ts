import type { Clock } from "../../../lib/clock.ts";

/**
 * Whether deliveries come in a burst. Every batch that is applied has a commit of its own, which a sender in the queue waits for:
 * under a burst, storing goes first and applying is done in fewer batches. One by one they are applied at once.
 */
export interface BurstThrottle {
  /** This many deliveries were stored just now. */
  stored(count: number): void;
  /** How long applying rests between two batches at present, in ms; 0 = there is no burst. */
  restMs(): number;
}

/** More than this many at once, and more than this many per second after that, is a burst. */
const FREE = 32;
const PER_SECOND = 200;
/** Bounds how long a burst is felt after the last delivery: 160 ms. */
const MOST = 2 * FREE;
/** A burst may put applying off by this much; what lasts longer is a load that applying has to keep up with. */
const BURST_MS = 2_000;
const REST_IN_BURST_MS = 100;
const REST_UNDER_LOAD_MS = 10;

export function createBurstThrottle(clock: Clock): BurstThrottle {
  let level = 0;
  let at = clock.monotonic();
  let since: number | null = null;

  const look = (): number => {
    const now = clock.monotonic();
    level = Math.max(0, level - ((now - at) / 1_000) * PER_SECOND);
    at = now;
    if (level <= FREE) since = null;
    return now;
  };

  return {
    stored(count) {
      const now = look();
      level = Math.min(MOST, level + count);
      if (level > FREE) since ??= now;
    },
    restMs() {
      const now = look();
      if (since === null) return 0;
      return now - since < BURST_MS ? REST_IN_BURST_MS : REST_UNDER_LOAD_MS;
    },
  };
}

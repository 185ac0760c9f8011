import type { Clock } from "../../lib/clock.ts";
import type { Randomness } from "../../lib/ids.ts";
import { sha256 } from "../../lib/ids.ts";

/** People signed in at the dashboard. Lost with the process, on purpose: signing in again costs one paste. */
export interface Sessions {
  /** Begins one; returns the cookie's value, which is kept nowhere. */
  open(): string;
  holds(value: string): boolean;
  end(value: string): void;
}

/** How long a session lasts, in seconds. */
export const SESSION_SECONDS = 12 * 60 * 60;
/** More than this at a time push out the oldest. */
const MOST = 64;

export function createSessions(clock: Clock, randomness: Randomness): Sessions {
  // By digest, so that a look-up takes the same time whatever was guessed and a memory image holds no cookie.
  const ends = new Map<string, number>();
  return {
    open() {
      const value = randomness.bytes(32).toString("base64url");
      for (const [digest, end] of ends) {
        if (end <= clock.monotonic() || ends.size >= MOST) ends.delete(digest);
      }
      ends.set(sha256(value), clock.monotonic() + SESSION_SECONDS * 1000);
      return value;
    },
    holds(value) {
      const end = ends.get(sha256(value));
      return end !== undefined && end > clock.monotonic();
    },
    end(value) {
      ends.delete(sha256(value));
    },
  };
}

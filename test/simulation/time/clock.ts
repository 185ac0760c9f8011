import type { Clock } from "../../../src/lib/clock.ts";
import type { Agenda } from "./agenda.ts";

/** The clock of one life of the process: with its death all its timers are gone. */
export interface ProcessClock extends Clock {
  die(): void;
}

/** A timer that waits at least this long may fire late, as on a busy machine; those of a retry or a call are exact. */
const EXACT_BELOW_MS = 5_000;

/**
 * `ahead`: how far the machine's wall clock is ahead of true time now, ms. `tickMs`: long timers fire at the next
 * multiple of it, many at once; the engine's idle looks would otherwise be most of a history.
 */
export function createProcessClock(agenda: Agenda, ahead: () => number, tickMs: number): ProcessClock {
  let alive = true;
  const began = agenda.now;
  return {
    now: () => agenda.now + ahead(),
    monotonic: () => agenda.now - began,
    after(ms, fire) {
      let armed = true;
      const due = agenda.now + Math.max(0, ms);
      const at = ms < EXACT_BELOW_MS ? due : Math.ceil(due / tickMs) * tickMs;
      agenda.after(at - agenda.now, () => {
        if (armed && alive) fire();
      });
      return () => {
        armed = false;
      };
    },
    die() {
      alive = false;
    },
  };
}

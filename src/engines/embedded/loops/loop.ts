import { messageOf } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import { isOutage } from "../../../lib/external.ts";
import { pauseMs } from "../../policy/rounds.ts";

/** Loops that wait for a planned time look at least this often, so that a jump of the wall clock delays nothing for long. */
export const LOOK_EVERY_MS = 15_000;

/** Something that is looked after again and again, one round at a time. */
export interface Loop {
  start(): void;
  /** Looks again in this turn of the event loop, not at the planned time. */
  wake(): void;
  /** No further rounds: interrupts the one under way, and resolves when it has ended. */
  stop(): Promise<void>;
  /** Monotonic ms of the end of the last round that held; null = none yet. */
  lastRound(): number | null;
}

/**
 * Calls `round` and plans the next call in `finally`, whatever happens: a fault can slow a loop down, never
 * end it: a sweep that dies unnoticed leaves every issue stuck. `round` gives the ms until it wants to be called again; 0 = in the next turn of the
 * event loop, so that intake goes first. Its signal fires when the loop is stopped; a round that ends with the
 * signal's reason has not failed.
 */
export function createLoop(parts: {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly round: (signal: AbortSignal) => number | Promise<number>;
}): Loop {
  const stopping = new AbortController();
  let state: "new" | "idle" | "busy" | "stopped" = "new";
  let again = false;
  let faults = 0;
  let lastRound: number | null = null;
  let cancelTimer: (() => void) | null = null;
  let immediate: NodeJS.Immediate | null = null;
  let ended: Promise<void> = Promise.resolve();

  const soon = (): void => {
    cancelTimer?.();
    cancelTimer = null;
    immediate ??= setImmediate(() => {
      immediate = null;
      ended = pass();
    });
  };

  const pass = async (): Promise<void> => {
    if (state !== "idle") return;
    state = "busy";
    again = false;
    let pause = 0;
    try {
      const wanted = parts.round(stopping.signal);
      // Not awaiting a plain number keeps a synchronous round within one turn of the event loop.
      pause = typeof wanted === "number" ? wanted : await wanted;
      faults = 0;
      lastRound = parts.clock.monotonic();
    } catch (error) {
      if (stopping.signal.aborted && error === stopping.signal.reason) return;
      pause = pauseMs(faults, error, parts.clock.now());
      faults += 1;
      again = false;
      // An outage of the world is no fault of ours, passes by itself, and shows in /ready as long as it lasts.
      parts.log[isOutage(error) ? "warn" : "error"](`${parts.name}: ${messageOf(error)}`, {
        retryInMs: pause,
      });
    } finally {
      plan(pause);
    }
  };

  const plan = (pause: number): void => {
    if (state !== "busy") return;
    state = "idle";
    if (again || pause <= 0) soon();
    else {
      cancelTimer = parts.clock.after(pause, () => {
        cancelTimer = null;
        soon();
      });
    }
  };

  return {
    start() {
      if (state !== "new") return;
      state = "idle";
      soon();
    },
    wake() {
      if (state === "busy") again = true;
      else if (state === "idle" && faults === 0) soon();
    },
    async stop() {
      state = "stopped";
      stopping.abort(new Error("the relay is stopping"));
      cancelTimer?.();
      if (immediate !== null) clearImmediate(immediate);
      await ended;
    },
    lastRound: () => lastRound,
  };
}

import type { FailureClass, Spent } from "../factory/facts/run.ts";
import type { Clock } from "../lib/clock.ts";
import type { WorkRequest } from "./agent.ts";

/** Why we ended a turn ourselves; without a class it was asked for (`interrupted`). */
export interface Ending {
  readonly failureClass: FailureClass | null;
  readonly detail: string;
}

/** Watches what a run may use: silence, time, tokens. */
export interface Limits {
  /** The agent gave a sign of life. */
  alive(): void;
  spent(spent: Spent): void;
  cancel(): void;
}

/** Starts the watch now. `agent` is named in the detail; `onOver` may be called several times. */
export function watchLimits(
  clock: Clock,
  agent: string,
  request: Pick<WorkRequest, "stallMs" | "deadlineMs" | "maxTokens">,
  onOver: (ending: Ending) => void,
): Limits {
  const { stallMs, deadlineMs, maxTokens } = request;
  let aliveAt = clock.monotonic();
  // One timer that looks when the last sign came, not one per sign: there are thousands of them.
  const checkSilence = (): void => {
    const silentMs = clock.monotonic() - aliveAt;
    if (silentMs < stallMs) {
      cancelSilence = clock.after(stallMs - silentMs, checkSilence);
      return;
    }
    const detail = `${agent} was silent for ${seconds(stallMs)} s`;
    onOver({ failureClass: "infrastructure", detail });
  };
  let cancelSilence = clock.after(stallMs, checkSilence);
  const cancelDeadline = clock.after(deadlineMs, () => {
    onOver({ failureClass: "agent", detail: `the turn was not finished after ${seconds(deadlineMs)} s` });
  });
  return {
    alive: () => {
      aliveAt = clock.monotonic();
    },
    spent: ({ input, output }) => {
      const tokens = input + output;
      if (tokens <= maxTokens) return;
      onOver({ failureClass: "policy", detail: `token budget: ${tokens} used of ${maxTokens} for one run` });
    },
    cancel: () => {
      cancelSilence();
      cancelDeadline();
    },
  };
}

function seconds(ms: number): number {
  return Math.round(ms / 100) / 10;
}

import { TERMINAL } from "../../factory/state.ts";
import type { FactoryState } from "../../factory/state.ts";
import type { EngineSettings } from "../engine.ts";

type Pace = "active" | "waiting" | "idle";

/** How closely each state is watched: where machines act, where a person is awaited, where nobody is. */
const PACE: Readonly<Record<FactoryState, Pace>> = {
  delegated: "waiting",
  preparing: "active",
  implementing: "active",
  pr_open: "active",
  repairing_ci: "active",
  awaiting_review: "waiting",
  changes_requested: "active",
  awaiting_queue: "active",
  repairing_queue: "active",
  awaiting_input: "waiting",
  escalated: "idle",
  done: "idle",
  failed: "idle",
  paused: "idle",
};

/** Milliseconds between two readings of an issue in this state; null = it has ended and is not read again. */
export function periodOf(state: string, sweep: EngineSettings["sweep"]): number | null {
  if (TERMINAL.has(state as FactoryState)) return null;
  const periods = { active: sweep.activeMs, waiting: sweep.waitingMs, idle: sweep.idleMs };
  return periods[PACE[state as FactoryState] ?? "waiting"];
}

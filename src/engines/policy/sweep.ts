import type { Facts } from "../../factory/facts/facts.ts";
import { TERMINAL } from "../../factory/facts/state.ts";
import type { FactoryState } from "../../factory/facts/state.ts";
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

const DAY_MS = 24 * 3_600_000;
/** So long a pull request that was closed without a merge is still looked at: a person may open it again, or write there. */
const WATCHED_AFTER_CLOSE_MS = 3 * DAY_MS;

/** Milliseconds between two readings of an issue in this state; null = it has ended and is not read again. */
export function periodOf(
  state: string,
  { pullRequest }: Pick<Facts, "pullRequest">,
  sweep: EngineSettings["sweep"],
  now: number,
): number | null {
  const periods = { active: sweep.activeMs, waiting: sweep.waitingMs, idle: sweep.idleMs };
  const period = periods[PACE[state as FactoryState] ?? "waiting"];
  if (!TERMINAL.has(state as FactoryState)) return period;
  const core = pullRequest?.core ?? null;
  const isClosed = core !== null && core.value.state === "closed" && !core.value.merged;
  const closedAt = core?.value.closedAt ?? core?.at ?? now;
  return isClosed && now - closedAt < WATCHED_AFTER_CLOSE_MS ? period : null;
}

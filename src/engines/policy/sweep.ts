import type { Effect } from "../../factory/effects/effect.ts";
import type { Facts } from "../../factory/facts/facts.ts";
import type { IssueId } from "../../factory/facts/ids.ts";
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

/** Where something is awaited that only the forge tells of: a check, a review, a merge. */
const AWAITS_FORGE: ReadonlySet<string> = new Set<FactoryState>([
  "pr_open",
  "awaiting_review",
  "awaiting_queue",
]);

const DAY_MS = 24 * 3_600_000;
/** How long a pull request that was closed without a merge is still read: a person may open it again, or write there. */
const WATCHED_AFTER_CLOSE_MS = 3 * DAY_MS;

/** Milliseconds between two readings of an issue in this state; null = it has ended and is not read again. */
export function periodOf(
  state: string,
  { pullRequest }: Pick<Facts, "pullRequest">,
  sweep: EngineSettings["sweep"],
  now: number,
): number | null {
  const periods = { active: sweep.activeMs, waiting: sweep.waitingMs, idle: sweep.idleMs };
  const usual = periods[PACE[state as FactoryState] ?? "waiting"];
  const period = sweep.pollMs === null ? usual : polledPeriod(state, usual, sweep, sweep.pollMs);
  if (!TERMINAL.has(state as FactoryState)) return period;
  const core = pullRequest?.core ?? null;
  const isClosed = core !== null && core.value.state === "closed" && !core.value.merged;
  const closedAt = core?.value.closedAt ?? core?.at ?? now;
  return isClosed && now - closedAt < WATCHED_AFTER_CLOSE_MS ? period : null;
}

/** Without webhooks a person who takes over is noticed by the sweep, too. */
function polledPeriod(
  state: string,
  usual: number,
  { waitingMs }: EngineSettings["sweep"],
  pollMs: number,
): number {
  if (AWAITS_FORGE.has(state)) return Math.min(usual, pollMs);
  return TERMINAL.has(state as FactoryState) ? usual : Math.min(usual, waitingMs);
}

/** How long until a reading that is to follow another by `period` is planned: a tick may come late for it, by up to its length. */
export function plannedIn(period: number, sweep: EngineSettings["sweep"]): number {
  return period - Math.min(tickMs(sweep), period / 10);
}

/**
 * When an issue is to be read next (Unix ms; null = not again), as an advance leaves it. `kept`: what was known of it
 * before; null = it is new. An advance brings a reading forward and never puts it off.
 */
export function sweepAt(
  kept: { readonly state: string; readonly sweepAt: number | null } | null,
  state: string,
  facts: Pick<Facts, "pullRequest">,
  sweep: EngineSettings["sweep"],
  now: number,
): number | null {
  const hasEnded = TERMINAL.has(state as FactoryState);
  const period = periodOf(state, facts, sweep, now) ?? sweep.activeMs;
  // An ended issue is read once more soon, to see what came of the end.
  if (kept === null || kept.state !== state) return now + (hasEnded ? sweep.activeMs : period);
  if (kept.sweepAt === null) return hasEnded ? null : now + period;
  return Math.min(kept.sweepAt, now + period);
}

const SHORTEST_TICK_MS = 1_000;
const LONGEST_TICK_MS = 15_000;
/** At most this many issues are asked about per tick. */
export const ISSUES_PER_TICK = 50;

/** How long between two ticks of the sweep, ms; `full` = the last one did not come through. */
export function tickMs({ activeMs, pollMs }: EngineSettings["sweep"], full = false): number {
  // Well within the period, or what is due just after a tick waits for twice as long.
  const polled = pollMs === null ? LONGEST_TICK_MS : pollMs / 3;
  return full ? SHORTEST_TICK_MS : Math.max(SHORTEST_TICK_MS, Math.min(LONGEST_TICK_MS, activeMs, polled));
}

/** How far ahead a reading may be planned at most, ms. */
export function longestPeriodMs({ activeMs, waitingMs, idleMs }: EngineSettings["sweep"]): number {
  return Math.max(activeMs, waitingMs, idleMs);
}

/**
 * What the sweep numbered `sweep.number` of an issue asks for. The number is in the keys, so that each sweep asks once.
 * What has changed in the tracker is told by webhooks, or found by discovery: the ticket is read less often than the
 * pull request.
 */
export function readingsOf(
  issue: IssueId,
  { project, pullRequest, runs }: Pick<Facts, "project" | "pullRequest" | "runs">,
  { state, number }: { readonly state: string; readonly number: number },
  { activeMs, waitingMs, pollMs }: EngineSettings["sweep"],
): readonly Effect[] {
  const key = (what: string): string => `sweep:${issue}:${number}:${what}`;
  const ticket: Effect = {
    kind: "read_ticket",
    key: key("ticket"),
    issue,
    background: true,
    workspace: null,
  };
  if (project === null || (pullRequest === null && runs.length === 0)) return [ticket];
  // Where only the forge is awaited, the tracker is asked as seldom as where a person is.
  const usualMs = PACE[state as FactoryState] === "active" ? activeMs : waitingMs;
  const everyMs = pollMs === null ? usualMs : Math.min(usualMs, pollMs);
  const ticketEvery = AWAITS_FORGE.has(state) ? Math.max(1, Math.floor(waitingMs / everyMs)) : 1;
  return [
    ...(number % ticketEvery === 0 ? [ticket] : []),
    {
      kind: "read_pull_request",
      key: key("pull_request"),
      issue,
      number: pullRequest?.number ?? null,
      branch: project.branch,
      hint: null,
      background: true,
    },
  ];
}

import { EFFECTS, isReported } from "../../factory/effects/effect.ts";
import type { Effect } from "../../factory/effects/effect.ts";
import type { Observation } from "../../factory/facts/observation.ts";
import { isPassing, ExternalError } from "../../lib/external.ts";
import { backoffMs } from "../../lib/backoff.ts";
import type { OutboxDocument } from "../documents.ts";
import type { EngineSettings } from "../engine.ts";

/** Each class has places of its own, so that none waits behind the slow calls of another. */
export const EFFECT_CLASSES = ["start", "control", "acknowledgement", "tracker", "reading", "work"] as const;
export type EffectClass = (typeof EFFECT_CLASSES)[number];
/** The class that goes before the rest of its lane. An engine that keeps effects in a database asks its index for it. */
export const ACKNOWLEDGING = "acknowledgement" satisfies EffectClass;
/** `start` waits for a slot instead (slots.ts). */
export type WorkClass = Exclude<EffectClass, "start">;
export const WORK_CLASSES: readonly WorkClass[] = EFFECT_CLASSES.filter((kind) => kind !== "start");

/** How many effects of each class are under way at once. */
const AT_ONCE: Readonly<Record<WorkClass, number>> = {
  control: 8,
  acknowledgement: 8,
  tracker: 8,
  work: 8,
  // Readings that come together share a request of the forge's.
  reading: 40,
};

/** A performer has deadlines of its own; one that lost them is cut off after this. */
export const LONGEST_CALL_MS = 10 * 60_000;

export function classOf(effect: Effect): EffectClass {
  if (effect.kind === "start_run") return "start";
  if (effect.kind === "tell" && effect.acknowledges) return ACKNOWLEDGING;
  const { lane } = EFFECTS[effect.kind];
  return lane === "run" || lane === "forge" ? "work" : lane;
}

/** Whether effects of this class go at once, whatever else their issue and lane have open. */
export function waitsForNothing(kind: EffectClass): boolean {
  return kind === "control" || acknowledges(kind);
}

/** Whether the rest of an ordered lane waits for effects of this class. */
export function acknowledges(kind: EffectClass): boolean {
  return kind === ACKNOWLEDGING;
}

/** Whether it gives way to others of its class: nobody waits for it. */
export function givesWay(effect: Effect): boolean {
  return "background" in effect && effect.background;
}

/** Of two of a coalescing kind that have not begun: whether the older one stays, because somebody waits for it alone. */
export function outlives(older: Effect, newer: Effect): boolean {
  return givesWay(newer) && !givesWay(older);
}

/** Whether the newer of the two takes over the wait of the one it replaces: a wait to let others go first is not its. */
export function takesOverWait(older: Effect, newer: Effect): boolean {
  return givesWay(newer) || !givesWay(older);
}

/** How many more effects of this class may begin, given the classes of those under way. */
export function freePlaces(kind: WorkClass, underWay: readonly WorkClass[]): number {
  return Math.max(0, AT_ONCE[kind] - underWay.filter((other) => other === kind).length);
}

/** Effects for a run that its end settles: nothing is left of it to start or to talk to. A stop is seen through. */
export const SETTLED_WITH_RUN = ["start_run", "steer_run"] as const;

/** The tracker calls a session without a word unresponsive after seconds: no pause before another try is longer. */
const ACKNOWLEDGE_RETRY_MS = 30_000;
/** Longer than any of the services asks us to wait: what is told to us beyond it is asked again then. */
const LONGEST_TOLD_WAIT_MS = 2 * 3_600_000;

/** How far ahead an effect may be planned at most, ms. */
export function longestWaitMs(settings: Pick<EngineSettings, "outboxMaxRetryMs">): number {
  return Math.max(LONGEST_TOLD_WAIT_MS, settings.outboxMaxRetryMs);
}

export interface FailedTry {
  readonly class: EffectClass;
  readonly error: unknown;
  /** Tries that counted before this one. */
  readonly attempts: number;
  readonly now: number;
  /** In [0,1): spreads the next try. */
  readonly fraction: number;
  /** Why it may have been cut short rather than have failed: the engine was stopping, or its storage failed. */
  readonly stopping: boolean;
  readonly storageFailed: boolean;
}

/** When an effect is tried again (Unix ms), and the tries that count by then. */
export interface NextTry {
  readonly attempts: number;
  readonly at: number;
  /** Whether the last try failed, and its error is told; else what an earlier one failed by stays. */
  readonly failed: boolean;
}

/**
 * The next try of an effect that the engine itself cut short, or whose result it could not keep: that costs no attempt. A
 * process that was killed meanwhile does cost one (`afterKilled`).
 */
export function afterCutShort(attempts: number, now: number): NextTry {
  return { attempts, at: now, failed: false };
}

/**
 * The next try of an effect during which the process was killed. It costs an attempt, because the effect may be what kills
 * the process: at once while attempts are left, then at the longest interval, so that everything else gets done in between.
 * It is not given up: most kills are somebody else's, and an outage may have used up the attempts.
 */
export function afterKilled(
  killed: Pick<FailedTry, "class" | "attempts" | "now">,
  settings: Pick<EngineSettings, "outboxAttempts" | "outboxMaxRetryMs">,
): NextTry {
  const attempts = killed.attempts + 1;
  const pause = attempts < settings.outboxAttempts ? 0 : longestPauseMs(killed.class, settings);
  return { attempts, at: killed.now + pause, failed: false };
}

/** The longest pause that the engine itself makes before another try, ms. */
function longestPauseMs(kind: EffectClass, { outboxMaxRetryMs }: Pick<EngineSettings, "outboxMaxRetryMs">) {
  return acknowledges(kind) ? Math.min(ACKNOWLEDGE_RETRY_MS, outboxMaxRetryMs) : outboxMaxRetryMs;
}

/**
 * When an effect whose try did not come to its end is tried again; null = it has failed for good. Being told to wait is no
 * attempt. An outage of any length must not lose what was to be said: the world's own faults are retried at the longest
 * interval for as long as they last; only what is not the world's fault is counted out.
 */
export function nextTry(
  failed: FailedTry,
  settings: Pick<EngineSettings, "outboxAttempts" | "outboxFirstRetryMs" | "outboxMaxRetryMs">,
): NextTry | null {
  const { error, now, fraction } = failed;
  if (failed.stopping || failed.storageFailed) return afterCutShort(failed.attempts, now);
  const external = error instanceof ExternalError ? error : null;
  const attempts = external?.kind === "rate_limited" ? failed.attempts : failed.attempts + 1;
  if (!isPassing(error) || (external === null && attempts >= settings.outboxAttempts)) return null;
  const maxMs = longestPauseMs(failed.class, settings);
  const backoff = { firstMs: settings.outboxFirstRetryMs, factor: 2, maxMs };
  const ordinary = now + backoffMs(backoff, attempts, fraction);
  const told = external?.retryAt ?? ordinary;
  return { attempts, at: Math.min(Math.max(told, ordinary), now + longestWaitMs(settings)), failed: true };
}

/**
 * What an effect that was carried out leads to: what its performer observed and, where the factory must hear how it
 * ended and the performer did not say so, that it was no longer wanted.
 */
export function afterDone(
  effect: Effect,
  observations: readonly Observation[],
  now: number,
): readonly Observation[] {
  const told = observations.some((seen) => seen.kind === "effect_settled" && seen.effect.key === effect.key);
  if (told || !isReported(effect)) return observations;
  const unwanted = { ok: false, detail: "no longer wanted", because: "unwanted" } as const;
  return [...observations, { kind: "effect_settled", at: now, effect, ...unwanted }];
}

/** What an effect that failed for good leads to: the factory hears of it, where it must. */
export function afterFailure(effect: Effect, why: string, now: number): readonly Observation[] {
  return isReported(effect)
    ? [{ kind: "effect_settled", at: now, effect, ok: false, detail: why, because: null }]
    : [];
}

/** Whether a person may have an effect in this state carried out once more: it is over, and was not done. */
export function mayRetry(state: OutboxDocument["state"]): boolean {
  return state === "failed" || state === "dropped";
}

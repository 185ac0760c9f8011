import { messageOf } from "./lib/assert.ts";
import { backoffMs, OUTSIDE_CALLS } from "./lib/backoff.ts";
import type { Clock } from "./lib/clock.ts";
import type { Log } from "./lib/log.ts";
import type { Forge, ForgeIdentity } from "./forges/forge.ts";
import type { Tracker, TrackerIdentity } from "./trackers/tracker.ts";

/** Who we are on either side, asked until it is known and then now and again: whether our credentials work. */
export interface Identities {
  tracker(): TrackerIdentity | null;
  forge(): ForgeIdentity | null;
  /** How the last question to each side went. */
  /** Begins to ask. */
  start(): void;
  health(side: "tracker" | "forge"): {
    readonly ok: boolean;
    readonly detail: string;
    readonly at: number | null;
  };
  stop(): Promise<void>;
}

const AGAIN_MS = 300_000;

export function identify(parts: {
  readonly tracker: Tracker;
  readonly forge: Forge;
  readonly clock: Clock;
  readonly log: Log;
}): Identities {
  const tracker = ask(
    parts,
    parts.tracker.name,
    (signal) => parts.tracker.whoAmI(signal),
    ({ name }) => name,
  );
  const forge = ask(
    parts,
    parts.forge.name,
    (signal) => parts.forge.whoAmI(signal),
    ({ login }) => login,
  );
  return {
    tracker: () => tracker.answer(),
    forge: () => forge.answer(),
    start() {
      tracker.start();
      forge.start();
    },
    health: (side) => (side === "tracker" ? tracker : forge).health(),
    async stop() {
      await Promise.all([tracker.stop(), forge.stop()]);
    },
  };
}

function ask<T>(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  side: string,
  question: (signal: AbortSignal) => Promise<T>,
  named: (answer: T) => string,
) {
  const stopping = new AbortController();
  let answer: T | null = null;
  let health: { ok: boolean; detail: string; at: number | null } = {
    ok: false,
    detail: "not asked yet",
    at: null,
  };
  let failures = 0;
  let cancel: () => void = () => undefined;
  const round = async (): Promise<void> => {
    try {
      answer = await question(stopping.signal);
      failures = 0;
      health = { ok: true, detail: `signed in as ${named(answer)}`, at: clock.now() };
    } catch (error) {
      failures += 1;
      health = { ok: false, detail: messageOf(error), at: clock.now() };
      if (!stopping.signal.aborted)
        log.warn("sign-in could not be checked", { side, error: messageOf(error) });
    } finally {
      // No jitter: each relay asks for itself alone, and tests stay reproducible.
      const next = failures === 0 ? AGAIN_MS : backoffMs(OUTSIDE_CALLS, failures, 1);
      if (!stopping.signal.aborted) cancel = clock.after(Math.min(next, AGAIN_MS), start);
    }
  };
  let asking: Promise<void> = Promise.resolve();
  const start = (): void => {
    asking = round();
  };
  return {
    start,
    answer: () => answer,
    health: () => health,
    async stop() {
      stopping.abort(new Error("the relay stops"));
      cancel();
      await asking;
    },
  };
}

import { Bug, messageOf } from "./lib/assert.ts";
import { backoffMs, OUTSIDE_CALLS } from "./lib/backoff.ts";
import type { Clock } from "./lib/clock.ts";
import type { Log } from "./lib/log.ts";
import type { ForgeIdentity } from "./forges/forge.ts";
import type { MadeSources } from "./sources.ts";
import type { TrackerIdentity } from "./trackers/tracker.ts";

/** Who we are at each source, asked until it is known and then now and again: whether our credentials work. */
export interface Identities {
  /** Who we are in its workspaces; empty while it could not be asked once. */
  tracker(name: string): readonly TrackerIdentity[];
  forge(name: string): ForgeIdentity | null;
  /** Begins to ask. */
  start(): void;
  /** Has the source of that name asked again now. */
  recheck(name: string): void;
  /** How the last question to the source of that name went. */
  health(name: string): {
    readonly ok: boolean;
    readonly detail: string;
    readonly at: number | null;
  };
  stop(): Promise<void>;
}

const AGAIN_MS = 300_000;

/** Asks each source of `sources`; nothing is asked before `start`. */
export function identify(parts: {
  readonly sources: Pick<MadeSources, "trackers" | "forge">;
  readonly clock: Clock;
  readonly log: Log;
}): Identities {
  const { forge } = parts.sources;
  const trackers = new Map(
    parts.sources.trackers.map(({ name, made }) => [
      name,
      ask(
        parts,
        name,
        (signal) => made.whoAmI(signal),
        (identities) => ({ name: namesIn(identities), trouble: troubleIn(identities) }),
      ),
    ]),
  );
  const forges = new Map([
    [
      forge.name,
      ask(
        parts,
        forge.name,
        (signal) => forge.made.whoAmI(signal),
        ({ login }) => ({ name: login, trouble: null }),
      ),
    ],
  ]);
  const all = new Map<string, Pick<ReturnType<typeof ask>, "start" | "again" | "stop" | "health">>([
    ...trackers,
    ...forges,
  ]);
  return {
    tracker: (name) => trackers.get(name)?.answer() ?? [],
    forge: (name) => forges.get(name)?.answer() ?? null,
    start() {
      for (const { start } of all.values()) start();
    },
    recheck(name) {
      all.get(name)?.again();
    },
    health(name) {
      const asked = all.get(name);
      if (asked === undefined) throw new Bug(`the source ${name} was never to be asked`);
      return asked.health();
    },
    async stop() {
      await Promise.all([...all.values()].map(({ stop }) => stop()));
    },
  };
}

function namesIn(identities: readonly TrackerIdentity[]): string {
  return identities
    .map(({ name, workspaceName, quick }) =>
      [`${name} in ${workspaceName}`, quick].filter((part) => part !== null).join("; "),
    )
    .join(", ");
}

/** What keeps us from working, in each workspace where something does; null = nothing. */
function troubleIn(identities: readonly TrackerIdentity[]): string | null {
  const troubles = identities.flatMap(({ workspaceName, inert }) => {
    if (inert === null) return [];
    const where = identities.length === 1 ? "" : `${workspaceName}: `;
    return [`${where}${inert.why}; ${inert.remedy}`];
  });
  return troubles.length === 0 ? null : troubles.join(". ");
}

function ask<T>(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  side: string,
  question: (signal: AbortSignal) => Promise<T>,
  judged: (answer: T) => { readonly name: string; readonly trouble: string | null },
) {
  const stopping = new AbortController();
  let answer: T | null = null;
  let health: { ok: boolean; detail: string; at: number | null } = {
    ok: false,
    detail: "not checked yet",
    at: null,
  };
  let failures = 0;
  let cancel: () => void = () => undefined;
  let again = false;
  const round = async (): Promise<void> => {
    // One chain of timers, also when somebody asks out of turn.
    cancel();
    again = false;
    try {
      answer = await question(stopping.signal);
      failures = 0;
      const { name, trouble } = judged(answer);
      if (trouble !== null && trouble !== health.detail)
        log.warn("this sign-in cannot be used", { side, trouble });
      health = { ok: trouble === null, detail: trouble ?? `signed in as ${name}`, at: clock.now() };
    } catch (error) {
      failures += 1;
      health = { ok: false, detail: messageOf(error), at: clock.now() };
      if (!stopping.signal.aborted) log.warn("could not check sign-in", { side, error: messageOf(error) });
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
    again() {
      // One that is under way may have been answered from before the change, so another follows; one is enough.
      if (again) return;
      again = true;
      asking = asking.then(round);
    },
    answer: () => answer,
    health: () => health,
    async stop() {
      stopping.abort(new Error("the relay is stopping"));
      cancel();
      await asking;
    },
  };
}

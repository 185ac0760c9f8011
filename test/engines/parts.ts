import type { Effect, EffectKind } from "../../src/factory/effects/effect.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { EFFECTS } from "../../src/factory/effects/effect.ts";
import type { EngineParts, Performers, EffectContext } from "../../src/engines/engine.ts";
import type { VerifiedDelivery } from "../../src/lib/delivery.ts";
import type { Clock } from "../../src/lib/clock.ts";
import type { Randomness } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import type { Log } from "../../src/lib/log.ts";

/** Called for every effect but runs; what it throws is the performer's fault. */
type Perform = (
  effect: Exclude<Effect, { kind: "start_run" }>,
  context: EffectContext,
) => Promise<readonly Observation[]>;

export interface PartsChanges {
  readonly perform?: Perform;
  readonly performRun?: EngineParts["performRun"];
  readonly discover?: EngineParts["discover"];
  readonly log?: Log;
  readonly disk?: () => string | null;
  readonly settings?: Partial<EngineParts["settings"]>;
}

/** Randomness without any, so that a history is the same each time. */
const steadyRandomness: Randomness = {
  fraction: () => 0.5,
  uuid: () => "00000000-0000-4000-8000-000000000000",
  bytes: (count) => Buffer.alloc(count),
};

const DAY_MS = 86_400_000;

/** Parts of an engine for tests; deliveries of source `test` carry `{issue, observations}`. */
export function engineParts(clock: Clock, changes: PartsChanges = {}): EngineParts {
  const perform = changes.perform ?? (async () => []);
  const kinds = Object.keys(EFFECTS).filter((kind) => kind !== "start_run") as EffectKind[];
  return {
    clock,
    randomness: steadyRandomness,
    log: changes.log ?? silentLog,
    policy: {
      runsPerHour: 6,
      forge: "github",
      projects: [],
      reminders: { afterHours: 24, times: 2 },
      questions: { timeoutHours: null },
      ci: { settleSeconds: 0, noChecksSeconds: 0, reruns: 0 },
    },
    conditions: () => ({ agents: {}, disk: changes.disk?.() ?? null, usdToday: 0 }),
    interpreters: { test: interpret },
    performers: Object.fromEntries(kinds.map((kind) => [kind, perform])) as unknown as Performers,
    performRun: changes.performRun ?? (async () => undefined),
    discover: changes.discover ?? (async () => ({ issues: [], rest: null })),
    settings: {
      slots: 4,
      slotsPerProject: 2,
      inboxAttempts: 5,
      outboxAttempts: 4,
      outboxFirstRetryMs: 2_000,
      outboxMaxRetryMs: 900_000,
      sweep: { activeMs: 60_000, waitingMs: 300_000, idleMs: 1_800_000, pollMs: null },
      storage: {
        minFreeBytes: 0,
        keepDeliveriesMs: 14 * DAY_MS,
        keepDigestsMs: 90 * DAY_MS,
        keepRunEventsMs: 30 * DAY_MS,
        keepJournalMs: 365 * DAY_MS,
      },
      ...changes.settings,
    },
  };
}

const interpret: EngineParts["interpreters"][string] = (body) => {
  const content = body as {
    issue?: string;
    observations?: readonly Observation[];
    fault?: string;
    ignored?: string;
  };
  if (content.fault !== undefined) throw new Error(content.fault);
  const { issue, observations = [] } = content;
  return {
    action: "said",
    observations:
      issue === undefined ? [] : observations.map((observation) => ({ issue: issueOf(issue), observation })),
    ignored: content.ignored ?? null,
  };
};

export function issueOf(name: string): ReturnType<typeof issueId> {
  return issueId("linear", name);
}

/** A verified delivery of source `test`. */
export function delivery(id: string, content: unknown, quarantine: string | null = null): VerifiedDelivery {
  const body = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  return { verified: true, source: "test", deliveryId: id, event: "note", action: null, body, quarantine };
}

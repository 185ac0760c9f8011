import { messageOf } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import type { Engine, EngineHealth } from "../../engine.ts";
import type { Deliveries } from "../rows/delivery.ts";
import type { ObservationRows } from "../rows/observation.ts";
import type { Outbox } from "../rows/outbox.ts";
import type { Tallies } from "../rows/tally.ts";
import { BROKEN, isStorageFault, type Store } from "../database/store.ts";

/** How the engine is, as `/ready` tells it. */
export function createHealth(parts: {
  readonly store: Store;
  readonly deliveries: Deliveries;
  readonly observations: ObservationRows;
  readonly outbox: Outbox;
  readonly tallies: Tallies;
  readonly clock: Clock;
  readonly diskLow: () => string | null;
  readonly lastSweep: () => number | null;
  readonly sweepEveryMs: number;
  readonly mismatches: () => number;
  readonly totalSlots: number;
  readonly usedSlots: () => number;
}): Engine["health"] {
  const { store, deliveries, observations, outbox, tallies, clock } = parts;
  const age = (at: number | null): number | null => (at === null ? null : Math.max(0, clock.now() - at));
  const counted = (): Read => {
    const counts = tallies.counts();
    return {
      inbox: {
        pending: counts.deliveries.pending ?? 0,
        oldestMs: age(deliveries.oldestPending()),
        quarantined: observations.quarantined(),
      },
      outbox: {
        pending: counts.outbox.pending ?? 0,
        oldestMs: age(outbox.oldestPending()),
        failed: counts.outbox.failed ?? 0,
      },
      slots: { total: parts.totalSlots, used: parts.usedSlots() },
    };
  };
  return () => {
    let unread: string | null = null;
    let read: Read = { ...UNREAD, slots: { total: parts.totalSlots, used: null } };
    try {
      read = counted();
    } catch (error) {
      // How it is is asked most when it is broken.
      if (!isStorageFault(error)) throw error;
      unread = `it cannot be read: ${error.code}: ${messageOf(error)}`;
    }
    const problem = store.broken() ? BROKEN : (store.fault() ?? unread ?? parts.diskLow());
    const swept = parts.lastSweep();
    return {
      database: { ok: problem === null, detail: problem ?? "writable" },
      inbox: { ...read.inbox, mismatches: parts.mismatches() },
      outbox: read.outbox,
      sweep: {
        ageMs: swept === null ? null : Math.round(clock.monotonic() - swept),
        everyMs: parts.sweepEveryMs,
      },
      slots: read.slots,
    };
  };
}

/** What is counted in the database. */
interface Read extends Pick<EngineHealth, "outbox" | "slots"> {
  readonly inbox: Omit<EngineHealth["inbox"], "mismatches">;
}

const UNREAD = {
  inbox: { pending: null, oldestMs: null, quarantined: null },
  outbox: { pending: null, oldestMs: null, failed: null },
} as const;

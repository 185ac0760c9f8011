import type { Clock } from "../../../lib/clock.ts";
import type { Engine, EngineHealth } from "../../engine.ts";
import type { Deliveries } from "../rows/delivery.ts";
import type { ObservationRows } from "../rows/observation.ts";
import type { Outbox } from "../rows/outbox.ts";
import type { Tallies } from "../rows/tally.ts";
import { BROKEN, type Store } from "../database/store.ts";

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
  readonly slots: () => EngineHealth["slots"];
}): Engine["health"] {
  const { store, deliveries, observations, outbox, tallies, clock } = parts;
  const age = (at: number | null): number | null => (at === null ? null : Math.max(0, clock.now() - at));
  return () => {
    const problem = store.broken() ? BROKEN : (store.fault() ?? parts.diskLow());
    const counts = tallies.counts();
    const swept = parts.lastSweep();
    return {
      database: { ok: problem === null, detail: problem ?? "writable" },
      inbox: {
        pending: counts.deliveries.pending ?? 0,
        oldestMs: age(deliveries.oldestPending()),
        quarantined: observations.quarantined(),
        mismatches: parts.mismatches(),
      },
      outbox: {
        pending: counts.outbox.pending ?? 0,
        oldestMs: age(outbox.oldestPending()),
        failed: counts.outbox.failed ?? 0,
      },
      sweep: {
        ageMs: swept === null ? null : Math.round(clock.monotonic() - swept),
        everyMs: parts.sweepEveryMs,
      },
      slots: parts.slots(),
    };
  };
}

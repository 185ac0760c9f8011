import type { Observation, Origin } from "../../../factory/facts/observation.ts";
import { messageOf } from "../../../lib/assert.ts";
import { failpoint } from "../../../lib/failpoints.ts";
import { deliveryName } from "../../engine.ts";
import type { EngineParts, Lookup } from "../../engine.ts";
import { outcomeOf } from "../../policy/delivery.ts";
import { afterFailedAdvance } from "../../policy/parking.ts";
import type { Deliveries, DeliveryRow } from "../rows/delivery.ts";
import { createLoop, LOOK_EVERY_MS } from "./loop.ts";
import type { Loop } from "./loop.ts";
import type { ObservationRow, ObservationRows } from "../rows/observation.ts";
import type { BurstThrottle } from "./burst-throttle.ts";
import type { Store } from "../database/store.ts";
import type { Advances } from "../advance.ts";

/** One transaction takes at most this much, then intake has its turn of the event loop. */
const BATCH = 32;
const BATCH_MS = 5;

/** Applies stored deliveries and parked observations, each exactly once, in the order they became due. */
export function createDeliveryWorker(parts: {
  readonly store: Store;
  readonly deliveries: Deliveries;
  readonly observations: ObservationRows;
  readonly advances: Advances;
  readonly lookup: Lookup;
  readonly throttle: BurstThrottle;
  readonly engine: Pick<EngineParts, "clock" | "log" | "randomness" | "interpreters" | "settings">;
}): Loop {
  const { store, deliveries, observations, advances, lookup, throttle, engine } = parts;
  const { clock, log } = engine;
  let lastBatch = -Infinity;

  const applyDelivery = (row: DeliveryRow): void => {
    const { state, why, action, news } = outcomeOf(
      { source: row.source, event: row.event, receivedAt: row.received_at },
      engine.interpreters[row.source],
      () => deliveries.body(row),
      lookup,
    );
    const origin: Origin = { source: row.source, delivery: row.delivery_id };
    for (const [issue, group] of news) advances.apply(issue, group, origin);
    deliveries.mark(row.seq, state, why, action, [...news.keys()]);
  };

  const applyParked = (row: ObservationRow): void => {
    const kept = JSON.parse(row.observations) as Observation[];
    const seq = advances.apply(row.issue, kept, { source: row.source, delivery: row.delivery });
    observations.applied(row.id, seq, clock.now());
  };

  const failed = (what: string, attemptsBefore: number, error: unknown) => {
    const fraction = engine.randomness.fraction();
    const next = afterFailedAdvance(attemptsBefore, engine.settings, clock.now(), fraction);
    const { attempts, at, quarantined } = next;
    const why = messageOf(error);
    log.error(quarantined ? `${what} was quarantined` : `could not apply ${what}, will retry`, {
      attempts,
      why,
    });
    return { attempts, at, why, quarantined };
  };

  return createLoop({
    name: "deliveries",
    clock,
    log,
    round() {
      const rest = throttle.restMs();
      const early = lastBatch + rest - clock.monotonic();
      if (rest > 0 && early > 0) return early;
      const now = clock.now();
      const parked = observations.due(now, BATCH);
      const arrived = parked.length === 0 ? deliveries.due(now, BATCH) : [];
      if (parked.length + arrived.length > 0) {
        failpoint("worker.claimed");
        const begun = clock.monotonic();
        store.write(() => {
          for (const row of parked) {
            const tried = store.attempt(() => applyParked(row));
            if (!tried.ok) {
              const { attempts, at, why, quarantined } = failed(
                `an advance of ${row.issue}`,
                row.attempts,
                tried.error,
              );
              observations.fail(row.id, attempts, at, why, quarantined);
            }
            if (clock.monotonic() - begun > BATCH_MS) break;
          }
          for (const row of arrived) {
            const tried = store.attempt(() => applyDelivery(row));
            if (!tried.ok) {
              const name = `delivery ${deliveryName({ source: row.source, deliveryId: row.delivery_id })}`;
              const { attempts, at, why, quarantined } = failed(name, row.attempts, tried.error);
              deliveries.fail(row.seq, attempts, at, why, quarantined);
            }
            if (clock.monotonic() - begun > BATCH_MS) break;
          }
          failpoint("worker.in_tx");
        });
        lastBatch = clock.monotonic();
        failpoint("worker.committed");
      }
      const next = earliest(observations.nextAt(), deliveries.nextAt());
      return next === null ? LOOK_EVERY_MS : Math.min(LOOK_EVERY_MS, Math.max(rest, next - clock.now()));
    },
  });
}

function earliest(...times: readonly (number | null)[]): number | null {
  const known = times.filter((time) => time !== null);
  return known.length === 0 ? null : Math.min(...known);
}

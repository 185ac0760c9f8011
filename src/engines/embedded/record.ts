import { messageOf } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { Engine } from "../engine.ts";
import { parked } from "../policy/parking.ts";
import type { ObservationRows } from "./rows/observation.ts";
import { durably } from "./database/store.ts";
import type { Store } from "./database/store.ts";
import type { Advances } from "./advance.ts";

/**
 * Makes observations durable and applies them in one transaction. When the advance itself fails they are
 * durable all the same: parked, tried again by the inbox, quarantined after its number of attempts.
 */
export function createRecord(parts: {
  readonly store: Store;
  readonly advances: Advances;
  readonly observations: ObservationRows;
  readonly clock: Clock;
  readonly log: Log;
}): Engine["record"] {
  const { store, advances, observations, clock, log } = parts;
  return async (issue, news, origin, key) => {
    const seq = durably(() =>
      store.write(() => {
        const earlier = key === undefined ? undefined : observations.byKey(issue, key);
        if (earlier !== undefined) return earlier.journal_seq ?? 0;
        const tried = store.attempt(() => advances.apply(issue, news, origin));
        if (tried.ok) {
          if (key !== undefined) observations.remember(issue, key, origin, tried.value, clock.now());
          return tried.value;
        }
        const why = messageOf(tried.error);
        log.error("advance failed, will be retried", { issue, source: origin.source, why });
        const now = clock.now();
        observations.park({ issue, key: key ?? null, origin, observations: news, why }, parked(now), now);
        return 0;
      }),
    );
    return { seq };
  };
}

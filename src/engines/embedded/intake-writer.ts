import type { VerifiedDelivery } from "../../lib/delivery.ts";
import { reach } from "../../lib/failpoints.ts";
import { packBody } from "./bodies.ts";
import type { Deliveries } from "./deliveries.ts";
import type { Store } from "./store.ts";

/** A verified delivery and when it came (Unix ms). */
export interface Arrival {
  readonly delivery: Omit<VerifiedDelivery, "verified">;
  readonly receivedAt: number;
}

/** What became of an arrival; `mismatch`: the id is known, but with another body, and the first one counts. */
export type Stored = "accepted" | "duplicate" | "mismatch";

/** Makes groups of arrivals durable, in the order they are given. */
export interface IntakeWriter {
  /** So many groups may be under way at once. */
  readonly depth: number;
  /** Resolves once the group is committed; rejects, with nothing of it kept, when it could not be. */
  store(group: readonly Arrival[]): Promise<readonly Stored[]>;
  /** To be called when nothing is under way any more. */
  close(): Promise<void>;
}

/** Stores a group in one transaction of `store`. */
export function storeGroup(
  store: Store,
  deliveries: Deliveries,
  group: readonly Arrival[],
): readonly Stored[] {
  const packed = group.map(({ delivery }) => packBody(delivery.body));
  const stored = store.write(() => {
    const added = group.map((arrival, index): Stored => {
      const body = packed[index];
      if (body === undefined) throw new Error("an arrival without its body");
      return deliveries.add(arrival, body);
    });
    reach("ingest.in_tx");
    return added;
  });
  reach("ingest.committed");
  return stored;
}

/** Writes in this thread: where the code is not bundled (tests), so that there is no program for a thread. */
export function createOwnWriter(store: Store, deliveries: Deliveries): IntakeWriter {
  return {
    depth: 1,
    store: async (group) => storeGroup(store, deliveries, group),
    close: async () => undefined,
  };
}

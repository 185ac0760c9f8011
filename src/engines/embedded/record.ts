import type { Engine } from "../engine.ts";
import { durably } from "./database/store.ts";
import type { Store } from "./database/store.ts";
import type { Advances } from "./advance.ts";

/**
 * Makes observations durable and applies them in one transaction. When the advance itself fails they are
 * durable all the same: parked, tried again by the inbox, quarantined after its number of attempts.
 */
export function createRecord(parts: {
  readonly store: Store;
  readonly advances: Pick<Advances, "applyOrPark">;
}): Engine["record"] {
  const { store, advances } = parts;
  return async (issue, news, origin, key) => ({
    seq: durably(() => store.write(() => advances.applyOrPark(issue, news, origin, key))),
  });
}

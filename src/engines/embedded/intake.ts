import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { messageOf } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import type { VerifiedDelivery } from "../../lib/delivery.ts";
import { failpoint } from "../../lib/failpoints.ts";
import type { Log } from "../../lib/log.ts";
import { NotDurable } from "../engine.ts";
import type { Arrival, Deliveries } from "./rows/delivery.ts";
import type { Store } from "./database/store.ts";

/** One commit per tick of the event loop takes at most this much, so that no answer waits long for its neighbours. */
const GROUP_ROWS = 64;
const GROUP_BYTES = 8 * 1024 * 1024;
/** More waiting than this means the disk does not keep up: further deliveries are refused. */
const WAITING_ROWS = 4_096;
const WAITING_BYTES = 256 * 1024 * 1024;

/** Takes deliveries in and makes them durable in groups. */
export interface Intake {
  accept(delivery: VerifiedDelivery): Promise<"accepted" | "duplicate">;
  /** Ids that came again with other bytes, since the start. */
  mismatches(): number;
  /** Commits what waits and refuses what comes later. */
  close(): void;
}

interface Waiting extends Arrival {
  readonly resolve: (answer: "accepted" | "duplicate") => void;
  readonly reject: (error: NotDurable) => void;
}

export function createIntake(parts: {
  readonly store: Store;
  readonly deliveries: Deliveries;
  readonly clock: Clock;
  readonly log: Log;
  readonly diskLow: () => string | null;
  /** Called once so many new deliveries are durable. */
  readonly arrived: (count: number) => void;
}): Intake {
  const { store, deliveries, clock, log } = parts;
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let planned: NodeJS.Immediate | null = null;
  let closed = false;
  let mismatches = 0;

  const plan = (): void => {
    planned ??= setImmediate(() => {
      planned = null;
      commitGroup();
      if (waiting.length > 0) plan();
    });
  };

  const commitGroup = (): void => {
    let rows = 0;
    let bytes = 0;
    for (const { delivery } of waiting) {
      if (rows === GROUP_ROWS || (rows > 0 && bytes + delivery.body.length > GROUP_BYTES)) break;
      rows += 1;
      bytes += delivery.body.length;
    }
    const group = waiting.slice(0, rows);
    waiting = waiting.slice(rows);
    waitingBytes -= bytes;
    try {
      const low = parts.diskLow();
      if (low !== null) throw new NotDurable(low);
      const answers = store.write(() => {
        const added = deliveries.add(group);
        failpoint("ingest.in_tx");
        return added;
      });
      failpoint("ingest.committed");
      let fresh = 0;
      for (const [index, { delivery, resolve }] of group.entries()) {
        const answer = answers[index];
        if (answer === "accepted") fresh += 1;
        if (answer === "mismatch") {
          mismatches += 1;
          log.warn("a known delivery id arrived with a different body; the first one counts", {
            source: delivery.source,
            delivery: delivery.deliveryId,
          });
        }
        resolve(answer === "accepted" ? "accepted" : "duplicate");
      }
      if (fresh > 0) parts.arrived(fresh);
    } catch (error) {
      const refusal =
        error instanceof NotDurable ? error : new NotDurable(messageOf(error), { cause: error });
      log.error("could not store deliveries", { count: group.length, why: refusal.message });
      for (const { reject } of group) reject(refusal);
    }
  };

  return {
    async accept(delivery) {
      if (closed) throw new NotDurable("the relay is stopping");
      if (waiting.length >= WAITING_ROWS || waitingBytes + delivery.body.length > WAITING_BYTES) {
        throw new NotDurable("deliveries arrive faster than the disk can store them");
      }
      failpoint("ingest.verified");
      return await new Promise((resolve, reject) => {
        waiting.push({ delivery, receivedAt: clock.now(), resolve, reject });
        waitingBytes += delivery.body.length;
        plan();
      });
    },
    mismatches: () => mismatches,
    close() {
      closed = true;
      if (planned !== null) clearImmediate(planned);
      planned = null;
      while (waiting.length > 0) commitGroup();
    },
  };
}

/** Says why nothing more may be stored, or null: free space of the file system of `file` below `minFreeBytes`. */
export function diskLow(file: string, minFreeBytes: number): string | null {
  const free = freeBytes(dirname(file));
  return free !== null && free < minFreeBytes
    ? `free disk space is ${Math.floor(free / 1_048_576)} MiB, below storage.minFreeMiB (${Math.ceil(minFreeBytes / 1_048_576)})`
    : null;
}

/** Null = nobody can tell; what is wrong then the next write tells better. */
function freeBytes(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return null;
  }
}

import type { FailAction } from "../../lib/failpoints.ts";
import type { Arrival, Stored } from "./intake-writer.ts";

/** What the intake thread is started with. */
export interface ThreadPlace {
  readonly file: string;
  readonly maxPages: number | null;
  readonly lock: SharedArrayBuffer;
  /** Failpoints that are armed in this process; memory is not shared, so each thread has its own. */
  readonly failpoints: readonly ArmedPoint[];
}

export interface ArmedPoint {
  readonly name: string;
  readonly action: FailAction;
  readonly nth: number;
}

/** A group on its way to the thread: all bodies in one piece of memory, which is handed over and not copied again. */
export interface GroupMessage {
  readonly id: number;
  readonly heads: readonly Head[];
  readonly bodies: ArrayBuffer;
}

interface Head extends Omit<Arrival["delivery"], "body"> {
  readonly bytes: number;
  readonly receivedAt: number;
}

/** What the thread answers. `code` is SQLite's, where it was the storage that failed. */
export type ThreadMessage =
  | { readonly kind: "stored"; readonly id: number; readonly stored: readonly Stored[] }
  | { readonly kind: "failed"; readonly id: number; readonly code: string | null; readonly why: string };

export function toMessage(id: number, group: readonly Arrival[]): GroupMessage {
  const bytes = group.reduce((sum, { delivery }) => sum + delivery.body.length, 0);
  const bodies = new ArrayBuffer(bytes);
  const all = new Uint8Array(bodies);
  let at = 0;
  const heads = group.map(({ delivery, receivedAt }): Head => {
    const { source, deliveryId, event, action, quarantine, body } = delivery;
    all.set(body, at);
    at += body.length;
    return { source, deliveryId, event, action, quarantine, bytes: body.length, receivedAt };
  });
  return { id, heads, bodies };
}

export function fromMessage({ heads, bodies }: GroupMessage): readonly Arrival[] {
  let at = 0;
  return heads.map(({ receivedAt, bytes, ...head }) => {
    const body = Buffer.from(bodies, at, bytes);
    at += bytes;
    return { delivery: { ...head, body }, receivedAt };
  });
}

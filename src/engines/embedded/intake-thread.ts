// The program of the intake thread: digests, compresses and commits what came in, so that neither the disk nor the
// processor keeps the event loop from reading the next request (performance.md, "writer in a worker thread").
import { parentPort, workerData } from "node:worker_threads";
import { assert, messageOf } from "../../lib/assert.ts";
import { arm } from "../../lib/failpoints.ts";
import { assertDurable, openWriter } from "./connection.ts";
import { deliveryRows } from "./deliveries.ts";
import { fromMessage } from "./intake-message.ts";
import type { GroupMessage, ThreadMessage, ThreadPlace } from "./intake-message.ts";
import { storeGroup } from "./intake-writer.ts";
import { createStore, isStorageFault } from "./store.ts";
import { INTAKE_THREAD, writeLock } from "./write-lock.ts";

const port = parentPort;
assert(port !== null, "this program is started by the relay, as a thread of it");
const place = workerData as ThreadPlace;
for (const { name, action, nth } of place.failpoints) arm(name, action, nth);
const store = createStore(openWriter(place.file, place.maxPages), writeLock(place.lock, INTAKE_THREAD));
const deliveries = deliveryRows(store);
let durable = false;

port.on("message", (message: GroupMessage | null) => {
  if (message === null) {
    store.close();
    port.close();
    return;
  }
  port.postMessage(answer(message));
});

function answer(message: GroupMessage): ThreadMessage {
  try {
    const stored = storeGroup(store, deliveries, fromMessage(message));
    if (!durable) assertDurable(store.db);
    durable = true;
    return { kind: "stored", id: message.id, stored };
  } catch (error) {
    const code = isStorageFault(error) ? error.code : null;
    return { kind: "failed", id: message.id, code, why: messageOf(error) };
  }
}

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { messageOf } from "../../lib/assert.ts";
import { delay, type Clock } from "../../lib/clock.ts";
import { armed } from "../../lib/failpoints.ts";
import type { Log } from "../../lib/log.ts";
import { NotDurable } from "../engine.ts";
import { toMessage } from "./intake-message.ts";
import type { ThreadMessage, ThreadPlace } from "./intake-message.ts";
import type { IntakeWriter, Stored } from "./intake-writer.ts";
import type { Store } from "./store.ts";
import { freeFrom, INTAKE_THREAD } from "./write-lock.ts";

/** File name of the thread's program, put in by the bundlers (scripts/bundle.mjs); source code that runs as it is has none. */
declare const PATCHRELAY_INTAKE_THREAD: string | undefined;

/** While one group is being committed the next one lies ready. */
const DEPTH = 2;
const CLOSING_MS = 5_000;

/** The bundled program of the intake thread, beside the code or one folder up; null where the code is not bundled. */
export function intakeProgram(): string | null {
  if (typeof PATCHRELAY_INTAKE_THREAD === "undefined") return null;
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [here, dirname(here)].map((folder) => join(folder, PATCHRELAY_INTAKE_THREAD));
  const found = places.find((place) => existsSync(place));
  if (found === undefined) throw new Error(`${places.join(" or ")} is missing: install patchrelay anew`);
  return found;
}

/** Writes in a thread with a connection of its own. A thread that dies is replaced by the next group. */
export function createThreadedWriter(parts: {
  readonly program: string;
  readonly file: string;
  readonly maxPages: number | null;
  readonly lock: SharedArrayBuffer;
  readonly store: Pick<Store, "failed">;
  readonly clock: Clock;
  readonly log: Log;
}): IntakeWriter {
  const { program, file, maxPages, lock, store, clock, log } = parts;
  const open = new Map<
    number,
    { readonly resolve: (stored: readonly Stored[]) => void; readonly reject: (error: NotDurable) => void }
  >();
  let groups = 0;
  let thread: Worker | null = null;

  const start = (): Worker => {
    const place: ThreadPlace = { file, maxPages, lock, failpoints: armed() };
    // No environment: what is stored needs none of the credentials in it.
    const worker = new Worker(program, { name: "intake", workerData: place, env: {} });
    worker.on("message", (message: ThreadMessage) => {
      const group = open.get(message.id);
      open.delete(message.id);
      if (message.kind === "stored") group?.resolve(message.stored);
      else {
        if (message.code !== null) store.failed(message.code, message.why);
        group?.reject(new NotDurable(message.why));
      }
    });
    worker.on("error", (error) => log.error("the intake thread broke", { why: messageOf(error) }));
    worker.on("exit", () => {
      freeFrom(lock, INTAKE_THREAD);
      if (thread === worker) thread = null;
      for (const { reject } of open.values()) reject(new NotDurable("the intake thread ended"));
      open.clear();
    });
    return worker;
  };

  thread = start();
  return {
    depth: DEPTH,
    store: (group) =>
      new Promise((resolve, reject) => {
        thread ??= start();
        groups += 1;
        open.set(groups, { resolve, reject });
        const message = toMessage(groups, group);
        thread.postMessage(message, [message.bodies]);
      }),
    async close() {
      const worker = thread;
      if (worker === null) return;
      const late = new AbortController();
      const ended = new Promise<void>((resolve) => {
        worker.once("exit", () => resolve());
      });
      worker.postMessage(null);
      await Promise.race([ended, delay(clock, CLOSING_MS, late.signal).catch(() => undefined)]);
      late.abort(new Error("ended in time"));
      await worker.terminate();
    },
  };
}

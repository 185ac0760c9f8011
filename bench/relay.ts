// The real relay in a process of its own, with nobody behind Linear's and GitHub's addresses. Argument: config file.
// Tells its parent the port, when it is asked whether nothing waits any more, and each committed decision.
import { readConfigured, startConfigured } from "../src/demo/configured-relay.ts";
import { delay, systemClock } from "../src/lib/clock.ts";
import { silentLog } from "../src/lib/log.ts";
import { processEnvironment } from "../src/settings/load/environment.ts";
import type { FromServer } from "./child.ts";

const LOOK_MS = 20;
const relay = await startConfigured(readConfigured(process.argv[2] ?? "", processEnvironment()), {
  clock: systemClock,
  log: silentLog,
  version: "0.0.0-bench",
  pid: process.pid,
});
relay.engine.subscribe(({ kind, line }) => {
  if (kind !== "journal" || !("observation" in line)) return;
  const { delivery } = line.observation;
  // hrtime is the machine's monotonic clock, the same in every process.
  if (delivery !== null) tell({ kind: "decided", delivery, atNs: String(process.hrtime.bigint()) });
});
process.on("message", () => {
  idle().then(
    () => tell({ kind: "idle" }),
    (error: unknown) => {
      throw error;
    },
  );
});
process.on("disconnect", () => {
  relay.stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
tell({ kind: "listening", port: Number(new URL(relay.url).port) });

async function idle(): Promise<void> {
  while ((relay.engine.health().inbox.pending ?? 0) > 0) await delay(systemClock, LOOK_MS);
}

function tell(message: FromServer): void {
  process.send?.(message);
}

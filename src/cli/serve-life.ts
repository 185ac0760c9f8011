import { messageOf } from "../lib/assert.ts";
import type { Log } from "../lib/log.ts";
import type { Machine } from "./machine.ts";

/** Before the hard end, so that exit 0 comes within the limit. */
const SPARE_MS = 250;

/**
 * Runs what `start` starts until a signal asks it to end, or something fails that nobody caught. Resolves with the
 * exit code; a signal during the start is heeded once the start is through.
 */
export async function untilSignal(
  machine: Machine,
  log: Log,
  limitMs: number,
  start: () => Promise<{ stop(): Promise<void> }>,
): Promise<number> {
  let asked = false;
  let ask = (): void => undefined;
  const ending = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const stopListening = machine.onSignal((name) => {
    if (asked) return machine.exit(128 + (name === "SIGINT" ? 2 : 15));
    asked = true;
    log.info(`${name}: ending; once more ends at once`);
    ask();
  });
  const stopWatching = machine.onFault((error) => {
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    log.error("a fault that nobody caught ends the relay", { error: messageOf(error), stack });
    machine.exit(1);
  });
  try {
    const relay = await start();
    await ending;
    const late = await Promise.race([
      relay.stop().then(() => false),
      new Promise<boolean>((resolve) => {
        machine.clock.after(Math.max(0, limitMs - SPARE_MS), () => resolve(true));
      }),
    ]);
    if (late) log.warn("not everything had ended in time; it goes on at the next start");
    return 0;
  } finally {
    stopListening();
    stopWatching();
  }
}

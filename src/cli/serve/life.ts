import { messageOf } from "../../lib/assert.ts";
import type { Log } from "../../lib/log.ts";
import type { Host } from "../host/host.ts";

/** Before the hard end, so that exit 0 comes within the limit. */
const SPARE_MS = 250;

/**
 * Runs what `start` starts until a signal (or the end of its terminal) asks it to end, it is broken (exit 1: whoever supervises it starts a new one),
 * or something fails that nobody caught. Resolves with the exit code; a signal during the start is heeded once the start is through.
 */
export async function untilSignal(
  host: Host,
  log: Log,
  limitMs: number,
  start: () => Promise<{ readonly breakdown: Promise<string>; stop(): Promise<void> }>,
): Promise<number> {
  let asked = false;
  let ask = (): void => undefined;
  const ending = new Promise<void>((resolve) => {
    ask = resolve;
  });
  const end = (name: string, number: number): void => {
    if (asked) return host.exit(128 + number);
    asked = true;
    log.info(`${name}: shutting down; repeat to stop immediately`);
    ask();
  };
  const stopListening = host.onSignal((name) => end(name, name === "SIGINT" ? 2 : 15));
  // A terminal that is closed ends what was started in it. Without one it is what asks daemons to read something again.
  const stopHearing = host.onHangup(() => {
    if (host.stderr.terminal) return end("SIGHUP", 1);
    log.info("SIGHUP ignored: restart to reload settings");
  });
  const stopWatching = host.onFault((error) => {
    const stack = error instanceof Error ? (error.stack ?? null) : null;
    log.error("uncaught error, shutting down", { error: messageOf(error), stack });
    host.exit(1);
  });
  try {
    const relay = await start();
    const broken = await Promise.race([ending.then(() => null), relay.breakdown]);
    if (broken !== null) log.error("shutting down so that a new process can check the disk", { why: broken });
    const late = await Promise.race([
      relay.stop().then(() => false),
      new Promise<boolean>((resolve) => {
        host.clock.after(Math.max(0, limitMs - SPARE_MS), () => resolve(true));
      }),
    ]);
    if (late) log.warn("shutdown timed out; the rest is picked up at the next start");
    else log.info("stopped");
    return broken === null ? 0 : 1;
  } finally {
    stopListening();
    stopHearing();
    stopWatching();
  }
}

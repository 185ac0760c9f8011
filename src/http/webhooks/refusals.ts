import type { Clock } from "../../lib/clock.ts";
import type { Log } from "../../lib/log.ts";
import type { WebhookCounts } from "./counts.ts";

/** The same refusal is logged once in this time: anybody can cause one. Milliseconds. */
const QUIET_MS = 60_000;

/**
 * Counts a refused webhook and says so in the log, for a person who wonders why nothing arrives; with nothing of the
 * request in it, which is not known to be anybody's. `reason` is one of our own codes, so there are few.
 */
export function createRefusals(
  counts: WebhookCounts,
  clock: Clock,
  log: Log,
): (source: string, reason: string) => void {
  const said = new Map<string, number>();
  return (source, reason) => {
    counts.refused(source, reason);
    const last = said.get(`${source} ${reason}`);
    const now = clock.monotonic();
    if (last !== undefined && now - last < QUIET_MS) return;
    said.set(`${source} ${reason}`, now);
    log.warn("refused a webhook; /metrics counts them all", { source, reason });
  };
}

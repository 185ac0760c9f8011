import type { Ticket } from "../facts/ticket.ts";

const ENDED: ReadonlySet<string> = new Set(["completed", "canceled", "duplicate"]);

/** When the status ended the issue (Unix ms), as exactly as the source says; null = it has not ended. */
export function endOf(status: Ticket["status"]): number | null {
  return status === null || !ENDED.has(status.value.type) ? null : (status.value.endedAt ?? status.at);
}

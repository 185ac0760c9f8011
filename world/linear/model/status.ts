import { unreachable } from "../../../src/lib/assert.ts";
import type { ActivityRow, SessionRow } from "./records.ts";

export type SessionStatus =
  | "pending"
  | "active"
  | "awaitingInput"
  | "complete"
  | "error"
  | "stale"
  | "stopping";

/** Silence after which Linear shows a session as stale (developers/agent-interaction). */
const STALE_AFTER_MS = 30 * 60_000;

/**
 * What Linear derives from the last activity; it cannot be set. `activities` in the order they were made, `now` in
 * Unix milliseconds. `stopping` (new in SDK 98, undocumented) is taken to mean: asked to stop, not yet answered.
 */
export function sessionStatus(
  session: SessionRow,
  activities: readonly ActivityRow[],
  now: number,
): SessionStatus {
  const last = activities.at(-1);
  const status = fromLast(last, activities);
  const waitsForAgent = status === "pending" || status === "active" || status === "stopping";
  const quietSince = last?.createdAt ?? session.createdAt;
  return waitsForAgent && now - quietSince > STALE_AFTER_MS ? "stale" : status;
}

function fromLast(last: ActivityRow | undefined, activities: readonly ActivityRow[]): SessionStatus {
  if (last === undefined) return "pending";
  switch (last.content.type) {
    case "thought":
    case "action":
      return "active";
    case "elicitation":
      return "awaitingInput";
    case "response":
      return last.signal === "continue" ? "active" : "complete";
    case "error":
      return "error";
    case "prompt":
      if (last.signal === "stop") return "stopping";
      return activities.some((activity) => activity.content.type !== "prompt") ? "active" : "pending";
    default:
      return unreachable(last.content.type);
  }
}

import type { Observation } from "../../../factory/facts/observation.ts";
import type { TrackerIdentity } from "../../tracker.ts";

/** Linear opens the session of a delegation within seconds; this is not that. */
const OPENED_WITHIN_MS = 60_000;

/** Whether Linear tells our application of agent sessions, as far as readings of issues show it. */
export interface SessionEvents {
  /** Looks at a reading, made now (Unix ms). */
  seen(reading: Observation, now: number): void;
  /** What is wrong and what to do about it; null = nothing shows that anything is. */
  trouble(): TrackerIdentity["inert"];
}

/**
 * An application without "agent session events" gets a badge for a delegation and no session: the relay would work on the
 * issue and could say nothing there. No query tells of that switch; a delegation without a session does.
 */
export function sessionEvents(): SessionEvents {
  let without: string | null = null;
  return {
    seen(reading, now) {
      if (reading.kind !== "ticket_read" || reading.removed) return;
      if (reading.sessions.length > 0) {
        without = null;
        return;
      }
      const last = reading.authorities.at(-1);
      const ours = last?.granted === true && last.cause === "delegated";
      if (ours && now - last.at > OPENED_WITHIN_MS) without = reading.core.key;
    },
    trouble: () =>
      without === null
        ? null
        : {
            why: `${without} was delegated to the application, and Linear opened no agent session for it: agent session events are off`,
            remedy:
              "turn on Agent session events at the application's page in Linear (Settings → API → OAuth applications), then have an admin approve the application again",
          },
  };
}

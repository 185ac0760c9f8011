import type { Observation } from "../../factory/facts/observation.ts";

/** Whether an advance gets a line in the journal. `changed`: as the factory says of it. */
export function isJournaled(changed: boolean, observations: readonly Observation[]): boolean {
  // A command is journaled even when it changes nothing: whoever gave it wants to read what came of it.
  return changed || observations.some(({ kind }) => kind === "commanded");
}

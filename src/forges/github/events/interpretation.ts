import type { IssueId } from "../../../factory/facts/ids.ts";
import type { z } from "zod";
import type { Interpretation, Observation } from "../../../factory/facts/observation.ts";
import type { ForgeContext } from "../../forge.ts";

/** What an event says: observations for whoever it concerns, or why nothing is done. */
export type EventInterpretation = Omit<Interpretation, "action">;

/** Interprets one event's payload. Throws when the payload is not what GitHub describes: the delivery is quarantined. */
export type EventInterpreter = (
  body: unknown,
  action: string | null,
  context: ForgeContext,
) => EventInterpretation;

export const NOT_OURS = "it concerns no issue of ours";

export function ignored(reason: string): EventInterpretation {
  return { observations: [], ignored: reason };
}

/** The same observations for each owner; without an owner the event is ignored. */
export function observed(
  owners: readonly IssueId[],
  observations: readonly Observation[],
): EventInterpretation {
  if (owners.length === 0) return ignored(NOT_OURS);
  return {
    observations: owners.flatMap((issue) => observations.map((observation) => ({ issue, observation }))),
    ignored: null,
  };
}

/** The payload as `schema` says, or an error that names the event and the fields that are wrong. */
export function payload<T extends z.ZodType>(schema: T, body: unknown, event: string): z.output<T> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.slice(0, 5).map((issue) => `${issue.path.join(".")} (${issue.message})`);
  throw new Error(`the ${event} payload is not as GitHub describes it: ${fields.join(", ")}`);
}

import type { IssueId } from "../../factory/facts/ids.ts";
import type { Observation } from "../../factory/facts/observation.ts";
import type { Interpreter, Lookup } from "../engine.ts";

/** What becomes of a delivery. `why`: for people, null of one that is applied. */
export interface DeliveryOutcome {
  readonly state: "applied" | "ignored" | "quarantined";
  readonly why: string | null;
  readonly action: string | null;
  /** What each issue is to hear, in the order it was said; empty unless it is applied. */
  readonly news: ReadonlyMap<IssueId, readonly Observation[]>;
}

/**
 * Reads a stored delivery. `interpreter`: of its source, undefined = none is configured; `body` is only asked for when it
 * is needed, null = it is no longer stored. Throws what these throw.
 */
export function outcomeOf(
  arrived: { readonly source: string; readonly event: string; readonly receivedAt: number },
  interpreter: Interpreter | undefined,
  body: () => Buffer | null,
  lookup: Lookup,
): DeliveryOutcome {
  if (interpreter === undefined) return quarantined(`no source named ${arrived.source} is configured`);
  const bytes = body();
  if (bytes === null) return quarantined("its body is no longer stored");
  const content = parseObject(bytes);
  if (content === null) return quarantined("the body is not a JSON object");
  const { action, observations, ignored } = interpreter(content, arrived.event, arrived.receivedAt, lookup);
  if (observations.length > 0)
    return { state: "applied", why: null, action, news: groupByIssue(observations) };
  return { state: "ignored", why: ignored ?? "it concerns no issue known here", action, news: new Map() };
}

function quarantined(why: string): DeliveryOutcome {
  return { state: "quarantined", why, action: null, news: new Map() };
}

function parseObject(body: Buffer): object | null {
  try {
    const content: unknown = JSON.parse(body.toString("utf8"));
    return typeof content === "object" && content !== null && !Array.isArray(content) ? content : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function groupByIssue(
  observations: readonly { readonly issue: IssueId; readonly observation: Observation }[],
): ReadonlyMap<IssueId, readonly Observation[]> {
  const groups = new Map<IssueId, Observation[]>();
  for (const { issue, observation } of observations) {
    const group = groups.get(issue);
    if (group === undefined) groups.set(issue, [observation]);
    else group.push(observation);
  }
  return groups;
}

import type { Conditions, Policy } from "../../factory/facts/policy.ts";
import type { EngineSettings } from "../engine.ts";
import type { OutboxRow } from "../embedded/rows/outbox.ts";

export interface SlotUse {
  readonly project: string | null;
  readonly issue: string;
}

/** What one waiting run is told: null = it may start now, else why it waits. */
export interface Place {
  readonly row: OutboxRow;
  readonly reason: string | null;
}

/**
 * Decides which waiting runs get a slot, in the order given (rework first, then older). Pure: counts slots
 * in all and per project, and at most one run per issue.
 */
export function assignSlots(
  waiting: readonly OutboxRow[],
  used: readonly SlotUse[],
  settings: Pick<EngineSettings, "slots" | "slotsPerProject">,
  policy: Pick<Policy, "projects">,
  conditions: Conditions,
  now: number,
): readonly Place[] {
  const busyIssues = new Set(used.map(({ issue }) => issue));
  const perProject = new Map<string | null, number>();
  for (const { project } of used) perProject.set(project, (perProject.get(project) ?? 0) + 1);
  let total = used.length;
  const reasonOf = (row: OutboxRow): string | null => {
    const inProject = perProject.get(row.project) ?? 0;
    const agent = policy.projects.find(({ id }) => id === row.project)?.agent;
    const offline = agent === undefined ? null : (conditions.agents[agent] ?? null);
    if (busyIssues.has(row.issue)) return "the run before it has not let go yet";
    if (conditions.disk !== null) return conditions.disk;
    if (offline !== null) return `the agent ${agent} is not ready: ${offline}`;
    if (row.next_at > now) return `waits after a failed start: ${row.error ?? "no reason recorded"}`;
    if (total >= settings.slots) return `all ${settings.slots} slots are in use`;
    if (inProject >= settings.slotsPerProject) {
      return `project ${row.project ?? "(none)"} uses ${inProject} of its ${settings.slotsPerProject} slots`;
    }
    return null;
  };
  return waiting.map((row) => {
    const reason = reasonOf(row);
    if (reason === null) {
      total += 1;
      busyIssues.add(row.issue);
      perProject.set(row.project, (perProject.get(row.project) ?? 0) + 1);
    }
    return { row, reason };
  });
}

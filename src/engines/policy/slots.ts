import type { Effect } from "../../factory/effects/effect.ts";
import type { Facts } from "../../factory/facts/facts.ts";
import { RUN_TYPES } from "../../factory/facts/run-types.ts";
import type { Conditions, Policy } from "../../factory/facts/policy.ts";
import type { EngineSettings } from "../engine.ts";

/** A slot in use: a run under way, or a pipeline that has not let go yet. */
export interface SlotUse {
  readonly project: string | null;
  readonly issue: string;
}

/** A run that waits for a slot. */
export interface Waiting {
  readonly issue: string;
  readonly project: string | null;
  /** Unix ms; later than now after a start that failed. */
  readonly notBefore: number;
  /** Why its last start failed. */
  readonly failure: string | null;
}

/**
 * Decides which waiting runs get a slot, in the order given (rework first, then older): for each null = it may
 * start now, else why it waits. Counts slots in all and per project, and at most one run per issue.
 */
export function assignSlots(
  waiting: readonly Waiting[],
  used: readonly SlotUse[],
  settings: Pick<EngineSettings, "slots" | "slotsPerProject">,
  policy: Pick<Policy, "projects">,
  conditions: Pick<Conditions, "agents" | "disk">,
  now: number,
): readonly (string | null)[] {
  const busyIssues = new Set(used.map(({ issue }) => issue));
  const perProject = new Map<string | null, number>();
  for (const { project } of used) perProject.set(project, (perProject.get(project) ?? 0) + 1);
  let total = used.length;
  const reasonOf = ({ issue, project, notBefore, failure }: Waiting): string | null => {
    const inProject = perProject.get(project) ?? 0;
    const agent = policy.projects.find(({ id }) => id === project)?.agent;
    const offline = agent === undefined ? null : (conditions.agents[agent] ?? null);
    if (busyIssues.has(issue)) return "the previous run is still finishing";
    if (conditions.disk !== null) return conditions.disk;
    if (offline !== null) return `the agent ${agent} is not ready: ${offline}`;
    if (notBefore > now) return `waits after a failed start: ${failure ?? "no reason recorded"}`;
    if (total >= settings.slots) return `all ${settings.slots} slots are in use`;
    if (inProject >= settings.slotsPerProject) {
      return `project ${project ?? "(none)"} uses ${inProject} of its ${settings.slotsPerProject} slots`;
    }
    return null;
  };
  return waiting.map((run) => {
    const reason = reasonOf(run);
    if (reason === null) {
      total += 1;
      busyIssues.add(run.issue);
      perProject.set(run.project, (perProject.get(run.project) ?? 0) + 1);
    }
    return reason;
  });
}

/** What people read of a run in the queue. `reason`: as `assignSlots` gave it; undefined = no relay runs that assigns slots. */
export function queueReason(reason: string | null | undefined): string {
  return reason === undefined ? "waits for a slot" : (reason ?? "starts now");
}

/** Where a start_run stands among those that wait: lower priority first, then older; slots per project. */
export interface QueuePlace {
  readonly priority: number;
  readonly project: string | null;
}

/** The place of an effect that these facts have led to; only runs wait in a queue. */
export function placeOf(effect: Effect, facts: Pick<Facts, "project" | "runs">): QueuePlace {
  const project = facts.project?.id ?? null;
  if (effect.kind !== "start_run") return { priority: 0, project };
  const run = facts.runs.find(({ number }) => number === effect.run);
  return { priority: run === undefined ? 0 : RUN_TYPES[run.type].priority, project };
}

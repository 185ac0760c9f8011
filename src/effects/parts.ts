import type { Forge } from "../forges/forge.ts";
import type { Policy, ProjectPolicy } from "../factory/facts/policy.ts";
import type { Facts } from "../factory/facts/facts.ts";
import type { IssueId } from "../factory/facts/ids.ts";
import { ExternalError } from "../lib/external.ts";
import type { Clock } from "../lib/clock.ts";
import type { TrackerWorkspace } from "../trackers/tracker.ts";
import type { Worktrees } from "../worktrees/worktrees.ts";

/** What carrying out effects needs from outside. */
export interface EffectParts {
  /** The tracker of an issue, in the workspace where it is; null = nobody has said in which. */
  readonly tracker: (issue: IssueId, workspace: string | null) => TrackerWorkspace;
  readonly forge: Forge;
  readonly worktrees: Worktrees;
  readonly policy: Policy;
  readonly clock: Clock;
  /** Configured names of the tracker's statuses; null = the first of the fitting type. */
  statusName(
    issue: IssueId,
    projectId: string,
    team: string | null,
    to: "started" | "completed",
  ): string | null;
  readonly hookMs: number;
}

/** Where an issue is read and written. */
export function trackerOf(
  { tracker }: Pick<EffectParts, "tracker">,
  { id, ticket }: Facts,
): TrackerWorkspace {
  return tracker(id, ticket.workspace);
}

/** The repository of an issue; an effect on the forge without one cannot be meant. */
export function repositoryOf(facts: Facts): string {
  if (facts.project === null) throw new ExternalError("refused", "the issue has no repository");
  return facts.project.repository;
}

export function projectOf(facts: Facts, policy: Policy): ProjectPolicy | null {
  return policy.projects.find((project) => project.id === facts.project?.id) ?? null;
}

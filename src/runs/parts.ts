import type { Agent } from "../agents/agent.ts";
import type { Forge } from "../forges/forge.ts";
import type { Policy, ProjectPolicy } from "../factory/facts/policy.ts";
import type { Clock } from "../lib/clock.ts";
import type { Randomness } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import type { Worktrees } from "../worktrees/worktrees.ts";

/** What carrying out runs needs from outside. */
export interface RunParts {
  readonly worktrees: Worktrees;
  readonly forge: Forge;
  agent(name: string): Agent;
  readonly policy: Policy;
  cloneUrl(repository: string): string;
  model(project: ProjectPolicy): string | null;
  /** The relay's own workflow file, for a repository that has none. */
  workflow(file: "IMPLEMENTATION_WORKFLOW.md" | "REVIEW_WORKFLOW.md"): string;
  /** Whatever an agent or a hook says goes through this before it can be shown outside (scrub.ts). */
  scrub(text: string): string;
  readonly limits: RunLimits;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
}

export interface RunLimits {
  readonly stallMs: number;
  readonly prepareMs: number;
  readonly verifyMs: number;
  readonly hookMs: number;
  readonly maxChangedFiles: number;
  readonly maxChangedBytes: number;
}

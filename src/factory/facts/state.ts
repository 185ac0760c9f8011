/** The derived name of where an issue is. Documented in docs/factory.md. */
export const FACTORY_STATES = {
  delegated: "accepted, not started yet; why says what it waits for",
  preparing: "the worktree is being prepared",
  implementing: "an agent is doing what was asked",
  pr_open: "the pull request is open and its checks are running",
  repairing_ci: "an agent is repairing failing checks",
  awaiting_review: "the checks are green, waiting for a review",
  changes_requested: "an agent is addressing a review",
  awaiting_queue: "the merge was requested",
  repairing_queue: "an agent is making the change pass in the merge queue",
  awaiting_input: "waiting for a person's answer",
  escalated: "handed over to a person, with what was tried",
  done: "merged, or finished by a person",
  failed: "ended without a merge",
  paused: "undelegated, stopped or paused by a person",
} as const;

export type FactoryState = keyof typeof FACTORY_STATES;

/** States from which only an explicit new delegation, prompt or retry leads away. */
export const TERMINAL: ReadonlySet<FactoryState> = new Set<FactoryState>(["done", "failed"]);

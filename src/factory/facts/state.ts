/** The derived name of where an issue stands . Documented in docs/factory.md. */
export const FACTORY_STATES = {
  delegated: "accepted, not started yet; why says what it waits for",
  preparing: "the worktree is being made",
  implementing: "an agent carries out what was asked",
  pr_open: "the pull request is open and its checks are running",
  repairing_ci: "an agent makes failing checks pass",
  awaiting_review: "checks are green, a person's review is awaited",
  changes_requested: "an agent answers a review",
  awaiting_queue: "the merge was asked for",
  repairing_queue: "an agent makes the change pass in the merge queue",
  awaiting_input: "a person's answer is awaited",
  escalated: "handed over to a person, with what was tried",
  done: "merged, or finished by a person",
  failed: "ended without a merge",
  paused: "undelegated, stopped or paused by a person",
} as const;

export type FactoryState = keyof typeof FACTORY_STATES;

/** States from which only an explicit new delegation, prompt or retry leads away. */
export const TERMINAL: ReadonlySet<FactoryState> = new Set<FactoryState>(["done", "failed"]);

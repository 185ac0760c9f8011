/** The kinds of attempt an agent is started for. A new one is a row here, its rule, and its prompt guidance. */
export type RunType = "implementation" | "ci_repair" | "review_fix" | "queue_repair";

export interface RunTypeRow {
  readonly type: RunType;
  /** Key of the budget (settings `budgets`) that an attempt takes from. */
  readonly budget: BudgetName;
  /** The factory state that names this work once it is in progress. */
  readonly state: "implementing" | "repairing_ci" | "changes_requested" | "repairing_queue";
  /** Its name for people. */
  readonly words: string;
  /** One sentence for people: what such a run does. */
  readonly does: string;
  /** Lower goes first when slots are short: rework before new work. */
  readonly priority: number;
  /** Which workflow file of the repository guides the agent. */
  readonly workflow: "IMPLEMENTATION_WORKFLOW.md" | "REVIEW_WORKFLOW.md";
}

export type BudgetName = "implementations" | "ciRepairs" | "reviewFixes" | "queueRepairs";

export const RUN_TYPES: Readonly<Record<RunType, RunTypeRow>> = {
  queue_repair: {
    type: "queue_repair",
    words: "merge queue repair",
    budget: "queueRepairs",
    state: "repairing_queue",
    does: "makes the change pass where the merge queue or the base branch rejected it",
    priority: 0,
    workflow: "REVIEW_WORKFLOW.md",
  },
  ci_repair: {
    type: "ci_repair",
    words: "CI repair",
    budget: "ciRepairs",
    state: "repairing_ci",
    does: "makes the failing required checks of the pull request pass",
    priority: 1,
    workflow: "REVIEW_WORKFLOW.md",
  },
  review_fix: {
    type: "review_fix",
    words: "review fix",
    budget: "reviewFixes",
    state: "changes_requested",
    does: "addresses the changes that a review requests",
    priority: 2,
    workflow: "REVIEW_WORKFLOW.md",
  },
  implementation: {
    type: "implementation",
    words: "implementation",
    budget: "implementations",
    state: "implementing",
    does: "does what the issue or a person's message asks for",
    priority: 3,
    workflow: "IMPLEMENTATION_WORKFLOW.md",
  },
};

/** The name for people of a type that a document tells; one that is not ours stays as it is. */
export function runTypeWords(type: string): string {
  return Object.values(RUN_TYPES).find((row) => row.type === type)?.words ?? type;
}

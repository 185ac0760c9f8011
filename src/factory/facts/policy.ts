/** What an operator has settled, as far as decisions need it. Durations in the unit of the name. */
export interface Policy {
  /** The breaker against loops that no other rule has caught: runs of one issue per hour. */
  readonly runsPerHour: number;
  readonly projects: readonly ProjectPolicy[];
  /** The name of the forge that has the repositories. */
  readonly forge: string;
  /** For issues that are of no project. */
  readonly reminders: Reminders;
  readonly questions: Questions;
  readonly ci: { readonly settleSeconds: number; readonly noChecksSeconds: number; readonly reruns: number };
}

export interface ProjectPolicy {
  readonly id: string;
  readonly repository: string;
  readonly baseBranch: string | null;
  readonly branchPrefix: string;
  readonly match: {
    readonly teams: readonly string[];
    readonly projects: readonly string[];
    readonly labels: readonly string[];
  };
  readonly agent: string;
  readonly budgets: Budgets;
  readonly merge: {
    readonly policy: MergePolicyName;
    readonly method: "squash" | "merge" | "rebase";
    readonly label: string | null;
    /** Why the policy is what it is, where nobody chose it, to go on after a colon; null = it needs no word. */
    readonly because: string | null;
  };
  readonly mentions: Mentions;
  readonly subIssues: SubIssues;
  readonly reminders: Reminders;
  readonly questions: Questions;
  readonly trust: { readonly mayDelegate: Trust; readonly maySteer: Trust };
}

/** When a pull request may be merged, and by whom. */
export type MergePolicyName = "when_approved" | "when_rules_allow" | "external" | "person";

export interface Budgets {
  readonly implementations: number;
  readonly ciRepairs: number;
  readonly reviewFixes: number;
  readonly queueRepairs: number;
  readonly runs: number;
  readonly usdPerIssue: number | null;
  readonly usdPerDay: number | null;
  readonly tokensPerRun: number;
  readonly tokensPerIssue: number;
  readonly runMinutes: number;
}

/** Who may: only the person who delegated, members of the workspace or organisation, or collaborators with write permission too. */
export type Trust = "delegator" | "members" | "collaborators";

/**
 * What a mention starts, where nobody has delegated the issue. `answer`: what its message asks for. `offer`: an answer in
 * words, and the question whether to start work on the issue. `start`: the issue is carried out.
 */
export type Mentions = "answer" | "offer" | "start";

/** What becomes of an issue with open sub-issues. `wait`: it starts when they are done. `ignore`: they make no difference. */
export type SubIssues = "wait" | "ignore";

/** How often a person who is awaited is reminded, and how many hours pass before each time. */
export interface Reminders {
  readonly afterHours: number;
  readonly times: number;
}

/** After how many hours without an answer a question is handed over; null = never. */
export interface Questions {
  readonly timeoutHours: number | null;
}

/** What is so on this machine right now, and not about the issue. */
export interface Conditions {
  /** Per agent name: null = ready, else why not. */
  readonly agents: Readonly<Record<string, string | null>>;
  /** Null = enough room, else why no run may start. */
  readonly disk: string | null;
  /** Money spent today (UTC) over all issues, US dollars. */
  readonly usdToday: number;
}

import type { MergePolicyName } from "../factory/facts/policy.ts";
import type { Policy } from "../factory/facts/policy.ts";
import type { Settings } from "./settings.ts";

/** The merge policy of projects that name none. */
export interface UnsetMergePolicy {
  readonly policy: MergePolicyName;
  /** Why it is not the usual one, to go on after a colon; null = it is. */
  readonly because: string | null;
}

/** What of the settings the factory decides by. */
export function policyOf(settings: Settings, unset: UnsetMergePolicy): Policy {
  return {
    runsPerHour: settings.limits.runsPerIssuePerHour,
    reminders: settings.reminders,
    questions: settings.questions,
    ci: settings.ci,
    forge: settings.forge,
    projects: settings.projects.map(
      ({
        id,
        routing,
        repository,
        branchPrefix,
        mentions,
        subIssues,
        agent,
        budgets,
        merge,
        trust,
        reminders,
        questions,
      }) => ({
        id,
        repository: repository.name,
        baseBranch: repository.baseBranch,
        branchPrefix,
        match: routing,
        agent: agent.default,
        budgets,
        merge: {
          ...merge,
          policy: merge.policy ?? unset.policy,
          because: merge.policy === null ? unset.because : null,
        },
        mentions,
        subIssues,
        trust,
        reminders,
        questions,
      }),
    ),
  };
}

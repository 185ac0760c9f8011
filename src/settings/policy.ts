import type { Policy } from "../factory/facts/policy.ts";
import type { Settings } from "./settings.ts";

/** What of the settings the factory decides by. */
export function policyOf(settings: Settings): Policy {
  return {
    runsPerHour: settings.limits.runsPerIssuePerHour,
    ci: settings.ci,
    projects: settings.projects.map(
      ({ id, routing, repository, branchPrefix, agent, budgets, merge, trust }) => ({
        id,
        repository: repository.name,
        baseBranch: repository.baseBranch,
        branchPrefix,
        match: routing,
        agent: agent.default,
        budgets,
        merge,
        trust,
      }),
    ),
  };
}

import { branchName } from "../facts/ids.ts";
import type { Facts, ProjectFact, TicketCore } from "../facts/facts.ts";
import type { Policy, ProjectPolicy } from "../facts/policy.ts";

/**
 * Which project a ticket goes to: the first in the order of the configuration whose every stated condition
 * holds. A project that states no condition takes what no other wants. The key's prefix counts as a team.
 */
function route(core: TicketCore, policy: Policy): ProjectPolicy | null {
  const stated = policy.projects.filter((project) => !takesAll(project) && matches(core, project));
  return stated[0] ?? policy.projects.find(takesAll) ?? null;
}

function takesAll(project: ProjectPolicy): boolean {
  const { teams, projects, labels } = project.match;
  return teams.length + projects.length + labels.length === 0;
}

function matches(core: TicketCore, project: ProjectPolicy): boolean {
  const { teams, projects, labels } = project.match;
  const prefix = core.key.split("-")[0] ?? "";
  return (
    (teams.length === 0 || has(teams, core.team) || has(teams, prefix)) &&
    (projects.length === 0 || has(projects, core.project)) &&
    (labels.length === 0 || core.labels.some((label) => has(labels, label)))
  );
}

function has(list: readonly string[], value: string | null): boolean {
  return value !== null && list.some((entry) => entry.toLowerCase() === value.toLowerCase());
}

/** Fixes the routing once the ticket is known, and the branch of the next pull request. */
export function withProject(facts: Facts, policy: Policy): Facts {
  const core = facts.ticket.core?.value;
  if (core === undefined) return facts;
  const project = facts.project === null ? route(core, policy) : null;
  if (facts.project === null) {
    if (project === null) return facts;
    const routed: ProjectFact = {
      id: project.id,
      repository: project.repository,
      branch: branchName(project.branchPrefix, core.key, facts.past.length + 1),
      problem: null,
    };
    return { ...facts, project: routed };
  }
  return facts;
}

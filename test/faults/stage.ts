import { startTestbed, type RelayConfig, type Testbed } from "../../src/demo/testbed.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Repository } from "../../world/github/model/model.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";

/** Team keys and their repositories: one that merges by itself when approved, one with a merge queue. */
export const TEAMS = { APP: "acme/plain", OPS: "acme/queued" } as const;
export type Team = keyof typeof TEAMS;

/** What survives every kill: both stand-ins and the folder that the relay is started on again and again. */
export interface Stage extends Pick<Testbed, "layout" | "configFile" | "scriptFile" | "env" | "close"> {
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  readonly repositories: Readonly<Record<Team, Repository>>;
  readonly sendWebhooks: Testbed["standIns"]["sendWebhooks"];
}

// Nothing here is spawned but a shell: the hook is not what is tested.
const FILES = {
  "README.md": "# A repository for a relay that is killed\n",
  ".patchrelay/hooks/verify": "#!/bin/sh\ntest -d tasks\n",
};

export function setStage(): Promise<Stage> {
  const parts = {
    clock: systemClock,
    people: ["Ada", "Grace"],
    teams: { APP: "Shop", OPS: "Operations" },
    limits: { requests: 10_000_000, complexity: 10_000_000_000 },
  };
  return startTestbed("faults", parts, async (testbed) => {
    const { linear, github } = testbed.standIns;
    github.requestsPerHour = 10_000_000;
    const create = (team: Team): Promise<Repository> =>
      github.createRepository({
        name: TEAMS[team],
        files: FILES,
        protection: { requiredChecks: ["test"], requiredApprovals: 1, mergeQueue: team === "OPS" },
        people: { grace: "write" },
      });
    const repositories = { APP: await create("APP"), OPS: await create("OPS") };
    await testbed.configure(CONFIG);
    return {
      ...testbed,
      linear,
      github,
      repositories,
      env: { ...testbed.env, PATCHRELAY_TEST: "1" },
      sendWebhooks: (url) => testbed.standIns.sendWebhooks(url),
    };
  });
}

/** Everything that waits in real life is made short, so that thousands of steps fit between the kills. */
const CONFIG: RelayConfig = {
  runs: { slots: 4, slotsPerProject: 3 },
  ci: { settleSeconds: 0.1, noChecksSeconds: 5 },
  outbox: { maxAttempts: 1000, firstRetrySeconds: 0.1, maxRetrySeconds: 1 },
  inbox: { maxAttempts: 100 },
  sweep: { activeSeconds: 1, waitingSeconds: 2, idleSeconds: 3 },
  limits: { githubWritesPerMinute: 10_000, githubWritesPerHour: 100_000, runsPerIssuePerHour: 1000 },
  budgets: { runs: 100 },
  storage: { keepDeliveriesDays: 1 },
  log: { level: "warn" },
  projects: Object.entries(TEAMS).map(([team, name]) => ({
    id: team.toLowerCase(),
    linear: { teams: [team] },
    repository: { name },
  })),
};

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startStandIns, type StandIns } from "../../src/demo/stand-ins.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { layoutOf } from "../../src/settings/load/layout.ts";
import type { Layout } from "../../src/settings/load/layout.ts";
import { processEnvironment } from "../../src/settings/load/environment.ts";
import type { Repository } from "../../world/github/model/model.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";

/** Team keys and their repositories: one that merges by itself when approved, one with a merge queue. */
export const TEAMS = { APP: "acme/plain", OPS: "acme/queued" } as const;
export type Team = keyof typeof TEAMS;

/** What survives every kill: both stand-ins and the folder that the relay is started on again and again. */
export interface Stage {
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  readonly repositories: Readonly<Record<Team, Repository>>;
  readonly layout: Layout;
  readonly configFile: string;
  /** What the scripted agent plays. */
  readonly scriptFile: string;
  /** The whole environment of a relay, without failpoints. */
  readonly env: Readonly<Record<string, string>>;
  readonly sendWebhooks: StandIns["sendWebhooks"];
  close(keepFolder: boolean): Promise<void>;
}

// Nothing here is spawned but a shell: the hook is not what is tested.
const FILES = {
  "README.md": "# A repository for a relay that is killed\n",
  ".patchrelay/hooks/verify": "#!/bin/sh\ntest -d tasks\n",
};

export async function setStage(): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "patchrelay-faults-"));
  const standIns = await startStandIns(dir, {
    clock: systemClock,
    people: ["Ada", "Grace"],
    teams: { APP: "Shop", OPS: "Operations" },
    limits: { requests: 10_000_000, complexity: 10_000_000_000 },
  });
  const { linear, github } = standIns;
  github.requestsPerHour = 10_000_000;
  const create = (team: Team): Promise<Repository> =>
    github.createRepository({
      name: TEAMS[team],
      files: FILES,
      protection: { requiredChecks: ["test"], requiredApprovals: 1, mergeQueue: team === "OPS" },
      people: { grace: "write" },
    });
  const repositories = { APP: await create("APP"), OPS: await create("OPS") };
  const layout = layoutOf(join(dir, "data"));
  const scriptFile = join(dir, "agent.json");
  const configFile = join(dir, "patchrelay.json");
  await writeFile(scriptFile, JSON.stringify({ rules: [] }));
  await writeFile(configFile, JSON.stringify(config({ standIns, layout, scriptFile })));
  const ours = processEnvironment();
  return {
    linear,
    github,
    repositories,
    layout,
    configFile,
    scriptFile,
    env: {
      PATH: ours["PATH"] ?? "",
      HOME: dir,
      PATCHRELAY_TEST: "1",
      ...standIns.credentials,
    },
    sendWebhooks: (url) => standIns.sendWebhooks(url),
    async close(keepFolder) {
      await standIns.close();
      if (!keepFolder) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** Everything that waits in real life is made short, so that thousands of steps fit between the kills. */
function config(given: {
  readonly standIns: StandIns;
  readonly layout: Layout;
  readonly scriptFile: string;
}): object {
  const { standIns, layout, scriptFile } = given;
  return {
    dataDir: layout.root,
    http: { port: 0 },
    ...standIns.addresses,
    agent: { default: "scripted", scripted: { file: scriptFile } },
    runs: { slots: 4, slotsPerProject: 3 },
    ci: { settleSeconds: 0.1, noChecksSeconds: 5 },
    outbox: { maxAttempts: 1000, firstRetrySeconds: 0.1, maxRetrySeconds: 1 },
    inbox: { maxAttempts: 100 },
    sweep: { activeSeconds: 1, waitingSeconds: 2, idleSeconds: 3 },
    limits: { githubWritesPerMinute: 10_000, githubWritesPerHour: 100_000, runsPerIssuePerHour: 1000 },
    budgets: { runs: 100 },
    storage: { minFreeMiB: 16, stopRunsBelowMiB: 32, keepDeliveriesDays: 1 },
    log: { level: "warn" },
    projects: Object.entries(TEAMS).map(([team, name]) => ({
      id: team.toLowerCase(),
      linear: { teams: [team] },
      repository: { name },
    })),
  };
}

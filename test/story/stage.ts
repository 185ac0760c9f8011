import { readFileSync } from "node:fs";
import type { ScriptedAgentScriptInput } from "../../src/agents/scripted/script.ts";
import { startTestbed, type RelayConfig } from "../../src/demo/testbed.ts";
import type { Log } from "../../src/lib/log.ts";
import type { Relay } from "../../src/relay.ts";
import type { CommitRecord, FileChanges } from "../../world/github/git/git.ts";
import type { Permission, Protection } from "../../world/github/model/model.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import type { StoryClock } from "./clock.ts";

export const REPOSITORY = "acme/shop";

/** Groups of the config file that a story sets otherwise; each group is merged key by key. */
export type ConfigGroups = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What README.md has people write for quick mode: the config, its project apart, and the names of the credentials. */
export const QUICK_START = quickStart();
export const LABEL = "patchrelay";
/** Whose the keys of quick mode are. */
const OWNER = "ada";

function quickStart() {
  const text = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
  const section = /^## Three minutes[\s\S]*?(?=^## )/m.exec(text)?.[0] ?? "";
  const config = /```json\n([\s\S]*?)```/.exec(section)?.[1] ?? "{}";
  const { projects, ...settings } = JSON.parse(config) as Record<string, unknown> & {
    readonly projects: readonly Readonly<Record<string, unknown>>[];
  };
  const { repository: _theirs, ...project } = projects[0] ?? {};
  const credentials = [...section.matchAll(/^ *export (\w+)=/gm)].map(([, name = ""]) => name);
  return { section, settings, project, others: projects.slice(1), credentials };
}

export interface StageOptions {
  /** What the agent plays. */
  readonly agent: ScriptedAgentScriptInput["rules"];
  readonly config: ConfigGroups;
  /** Keys of the one project; `repository` is merged. */
  readonly project: Readonly<Record<string, unknown>>;
  readonly files: FileChanges;
  readonly protection: Partial<Protection> | null;
  readonly people: Readonly<Record<string, Permission>>;
  /** The relay has Ada's keys alone: quick mode, and no webhooks. */
  readonly quick: boolean;
}

/** Both stand-ins and everything a relay needs to be started on them, again and again with the same data. */
export interface Stage {
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  readonly dir: string;
  readonly database: string;
  plays(rules: ScriptedAgentScriptInput["rules"]): Promise<void>;
  /** Rewrites the config file; it counts from the next start. */
  configure(config: ConfigGroups, project: Readonly<Record<string, unknown>>): Promise<void>;
  startRelay(log: Log): Promise<Relay>;
  /** A file at the tip of a branch; null = it is not there. */
  read(branch: string, path: string): Promise<string | null>;
  message(branch: string): Promise<string | null>;
  /** The commits of a branch, newest last. */
  history(branch: string): Promise<readonly CommitRecord[]>;
  close(): Promise<void>;
}

export function setStage(clock: StoryClock, options: StageOptions): Promise<Stage> {
  const parts = {
    clock,
    people: ["Ada", "Grace", "Mallory"],
    teams: { APP: "Shop", OPS: "Operations" },
  };
  return startTestbed("story", parts, async (testbed) => {
    const { linear, github } = testbed.standIns;
    const { git } = await github.createRepository({
      name: REPOSITORY,
      files: options.files,
      ...(options.protection === null ? {} : { protection: options.protection }),
      people: options.people,
    });
    const settings = options.quick ? QUICK_START.settings : {};
    const configure: Stage["configure"] = (config, project) =>
      testbed.configure({ ...configOf(config, project), ...settings });
    const own: Readonly<Record<string, string>> = {
      LINEAR_API_KEY: linear.apiKey,
      GITHUB_TOKEN: github.tokenFor(OWNER).reveal(),
    };
    const keys = {
      PATH: testbed.env["PATH"] ?? "",
      HOME: testbed.dir,
      ...Object.fromEntries(QUICK_START.credentials.map((name) => [name, own[name] ?? ""])),
    };
    if (options.quick) linear.addLabel(LABEL);
    await testbed.plays(options.agent);
    await configure(options.config, options.project);
    return {
      linear,
      github,
      dir: testbed.dir,
      database: testbed.layout.database,
      plays: (rules) => testbed.plays(rules),
      configure,
      async startRelay(log) {
        if (!options.quick) return await testbed.start({ clock, log });
        const relay = await testbed.start({ clock, log, env: keys });
        testbed.standIns.sendWebhooks(null);
        return relay;
      },
      async read(branch, path) {
        const tip = await git.resolve(`refs/heads/${branch}`);
        return tip === null ? null : git.read(tip, path);
      },
      async message(branch) {
        const tip = await git.resolve(`refs/heads/${branch}`);
        return tip === null ? null : ((await git.commit(tip))?.message ?? null);
      },
      async history(branch) {
        const tip = await git.resolve(`refs/heads/${branch}`);
        return tip === null ? [] : git.log(null, tip, 1_000);
      },
      close: () => testbed.close(),
    };
  });
}

function configOf(
  changes: ConfigGroups,
  { repository, ...project }: Readonly<Record<string, unknown>>,
): RelayConfig {
  const { http, ci, limits, ...others } = changes;
  return {
    http: { shutdownSeconds: 4, ...http },
    ci: { settleSeconds: 0, noChecksSeconds: 5, ...ci },
    limits: { requestTotalSeconds: 5, ...limits },
    ...others,
    projects: [
      {
        id: "shop",
        linear: { teams: ["APP"] },
        ...project,
        repository: { name: REPOSITORY, ...(repository as object | undefined) },
      },
    ],
  };
}

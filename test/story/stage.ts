import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptedAgentScriptInput } from "../../src/agents/scripted/script.ts";
import { readConfigured, startConfigured } from "../../src/demo/configured-relay.ts";
import { startStandIns, type StandIns } from "../../src/demo/stand-ins.ts";
import type { Log } from "../../src/lib/log.ts";
import type { Relay } from "../../src/relay.ts";
import { processEnvironment } from "../../src/settings/load/environment.ts";
import type { FileChanges } from "../../world/github/git/git.ts";
import type { Permission, Protection } from "../../world/github/model/model.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import type { StoryClock } from "./clock.ts";

export const REPOSITORY = "acme/shop";

/** Groups of the config file that a story sets otherwise; each group is merged key by key. */
export type ConfigGroups = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface StageOptions {
  /** What the agent plays. */
  readonly agent: ScriptedAgentScriptInput["rules"];
  readonly config: ConfigGroups;
  /** Keys of the one project; `repository` is merged. */
  readonly project: Readonly<Record<string, unknown>>;
  readonly files: FileChanges;
  readonly protection: Partial<Protection> | null;
  readonly people: Readonly<Record<string, Permission>>;
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
  close(): Promise<void>;
}

export async function setStage(clock: StoryClock, options: StageOptions): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "patchrelay-story-"));
  const undo: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 3 })];
  const close = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    const standIns = await startStandIns(dir, {
      clock,
      people: ["Ada", "Grace", "Mallory"],
      teams: { APP: "Shop", OPS: "Operations" },
    });
    undo.push(() => standIns.close());
    const { linear, github } = standIns;
    const { git } = await github.createRepository({
      name: REPOSITORY,
      files: options.files,
      ...(options.protection === null ? {} : { protection: options.protection }),
      people: options.people,
    });
    const script = join(dir, "agent.json");
    const configFile = join(dir, "patchrelay.json");
    const plays: Stage["plays"] = (rules) => writeFile(script, JSON.stringify({ rules }));
    const configure: Stage["configure"] = (config, project) =>
      writeFile(configFile, JSON.stringify(configOf({ dir, standIns, script }, config, project)));
    await plays(options.agent);
    await configure(options.config, options.project);
    return {
      linear,
      github,
      dir,
      database: join(dir, "data", "patchrelay.db"),
      plays,
      configure,
      async startRelay(log) {
        const { PATH } = processEnvironment();
        const configured = readConfigured(configFile, { PATH, ...standIns.credentials });
        const relay = await startConfigured(configured, { clock, log, version: "0.0.0", pid: process.pid });
        standIns.sendWebhooks(relay.url);
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
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function configOf(
  {
    dir,
    standIns,
    script,
  }: {
    readonly dir: string;
    readonly standIns: StandIns;
    readonly script: string;
  },
  changes: ConfigGroups,
  { repository, ...project }: Readonly<Record<string, unknown>>,
): object {
  const groups: ConfigGroups = {
    http: { port: 0, shutdownSeconds: 4 },
    ...standIns.addresses,
    agent: { default: "scripted", scripted: { file: script } },
    storage: { minFreeMiB: 16, stopRunsBelowMiB: 32 },
    runs: {},
    sweep: {},
    ci: { settleSeconds: 0, noChecksSeconds: 5 },
    limits: { requestTotalSeconds: 5 },
  };
  const names = new Set([...Object.keys(groups), ...Object.keys(changes)]);
  const merged = [...names].map((name) => [name, { ...groups[name], ...changes[name] }] as const);
  return {
    dataDir: join(dir, "data"),
    ...Object.fromEntries(merged),
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

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { silentLog } from "../lib/log.ts";
import type { Relay } from "../relay.ts";
import { processEnvironment } from "../settings/load/environment.ts";
import type { GitHubWorld } from "../../world/github/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import type { ScriptedModel } from "../../world/model/server.ts";
import { isProgram } from "./agents.ts";
import type { DemoAgent } from "./agents.ts";
import { startDemoModel } from "./model.ts";
import { FILES, REPOSITORY, runCi } from "./repository.ts";
import { agentScript } from "./script.ts";
import { startTestbed } from "./testbed.ts";

/** Everything the demo plays on: both stand-ins, the relay, and a folder that goes away afterwards. */
export interface Stage {
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  readonly relay: Relay;
  readonly dir: string;
  /** The repository itself, bare. */
  readonly repository: string;
  readonly configFile: string;
  /** Rewrites what the scripted agent plays: it answers these review threads by id. */
  threads(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** The label of quick mode, as it is set unless said otherwise. */
export const LABEL = "patchrelay";
/** As often as may be: somebody is watching. */
const POLL_SECONDS = 5;

/** Starts the world and the relay on loopback. What was started before a failure is stopped again. */
export function setStage(options: {
  readonly agent: DemoAgent;
  readonly codexBin: string | null;
  readonly quick: boolean;
  readonly version: string;
  readonly pid: number;
}): Promise<Stage> {
  const parts = { clock: systemClock, people: ["Ada", "Grace"], teams: { APP: "Shop" } };
  return startTestbed("demo", parts, async (testbed) => {
    const { linear, github } = testbed.standIns;
    github.ci = runCi;
    const { git } = await github.createRepository({
      name: REPOSITORY,
      files: FILES,
      protection: {
        requiredChecks: ["test", "changelog"],
        requiredApprovals: 1,
        // Where people merge themselves, they do so at once.
        mergeQueue: !options.quick,
      },
      people: { ada: "write", grace: "write", linus: "admin" },
    });
    const threads: Stage["threads"] = (ids) => testbed.plays(agentScript(ids).rules);
    await threads([]);
    const model = isProgram(options.agent) ? await startDemoModel(systemClock) : null;
    if (model !== null) testbed.onClose(() => model.close());
    const { dir, configFile } = testbed;
    if (options.quick) linear.addLabel(LABEL);
    await testbed.configure({
      ...(options.quick ? { webhooks: "off", sweep: { pollSeconds: POLL_SECONDS } } : {}),
      agent: model === null ? {} : await codex(dir, options.codexBin ?? "codex", model),
      projects: [{ id: "calc", linear: { teams: ["APP"] }, repository: { name: REPOSITORY } }],
    });
    const { version, pid } = options;
    const { PATH = "", ...credentials } = testbed.env;
    const keys = { LINEAR_API_KEY: linear.apiKey, GITHUB_TOKEN: github.tokenFor("ada").reveal() };
    const env = {
      ...(options.quick ? { PATH, ...keys } : { PATH, ...credentials }),
      HOME: processEnvironment()["HOME"] ?? dir,
    };
    const relay = await testbed.start({ clock: systemClock, log: silentLog, version, pid, env });
    if (options.quick) testbed.standIns.sendWebhooks(null);
    return {
      linear,
      github,
      relay,
      dir,
      repository: git.folder,
      configFile,
      threads,
      close: () => testbed.close(),
    };
  });
}

async function codex(dir: string, bin: string, model: ScriptedModel): Promise<object> {
  const { scriptedModelConfig } = await import("../../world/model/config.ts");
  const { config, modelsJson } = scriptedModelConfig(model.url);
  const catalog = join(dir, "models.json");
  await writeFile(catalog, JSON.stringify(modelsJson));
  return { default: "codex", codex: { bin, config: { ...config, model_catalog_json: catalog } } };
}

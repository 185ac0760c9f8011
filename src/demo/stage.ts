import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
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
import { readConfigured, startConfigured } from "./configured-relay.ts";
import { startDemoModel } from "./model.ts";
import { FILES, REPOSITORY, runCi } from "./repository.ts";
import { agentScript } from "./script.ts";
import { startStandIns, type StandIns } from "./stand-ins.ts";

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

/** Starts the world and the relay on loopback. What was started before a failure is stopped again. */
export async function setStage(options: {
  readonly agent: DemoAgent;
  readonly codexBin: string | null;
  readonly version: string;
  readonly pid: number;
}): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), "patchrelay-demo-"));
  const undo: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true, maxRetries: 3 })];
  const close = async (): Promise<void> => {
    for (const step of undo.toReversed()) await step();
  };
  try {
    const standIns = await startStandIns(dir, {
      clock: systemClock,
      people: ["Ada", "Grace"],
      teams: { APP: "Shop" },
    });
    undo.push(() => standIns.close());
    const { linear, github } = standIns;
    github.ci = runCi;
    const { git } = await github.createRepository({
      name: REPOSITORY,
      files: FILES,
      protection: { requiredChecks: ["test", "changelog"], requiredApprovals: 1, mergeQueue: true },
      people: { grace: "write", linus: "admin" },
    });
    const scriptFile = join(dir, "agent.json");
    const threads = (ids: readonly string[]): Promise<void> =>
      writeFile(scriptFile, JSON.stringify(agentScript(ids)));
    await threads([]);
    const model = isProgram(options.agent) ? await startDemoModel(systemClock) : null;
    if (model !== null) undo.push(() => model.close());
    const configFile = join(dir, "patchrelay.json");
    await writeFile(
      configFile,
      JSON.stringify(await config({ dir, standIns, scriptFile, model, codexBin: options.codexBin }), null, 2),
    );
    const { PATH, HOME } = processEnvironment();
    // Nothing of the person's own: the demo must neither use nor show their credentials.
    const configured = readConfigured(configFile, { PATH, HOME, ...standIns.credentials });
    const { version, pid } = options;
    const relay = await startConfigured(configured, { clock: systemClock, log: silentLog, version, pid });
    undo.push(() => relay.stop());
    // As `serve` does: with a port of the system's choice the command line could not find the relay otherwise.
    await writeFile(join(dir, "data", "relay.url"), `${relay.url}\n`);
    standIns.sendWebhooks(relay.url);
    return { linear, github, relay, dir, repository: git.folder, configFile, threads, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function config({
  dir,
  standIns,
  scriptFile,
  model,
  codexBin,
}: {
  readonly dir: string;
  readonly standIns: StandIns;
  readonly scriptFile: string;
  readonly model: ScriptedModel | null;
  readonly codexBin: string | null;
}): Promise<object> {
  const agent = { default: model === null ? "scripted" : "codex", scripted: { file: scriptFile } };
  return {
    dataDir: join(dir, "data"),
    http: { port: 0 },
    ...standIns.addresses,
    agent:
      model === null
        ? agent
        : { ...agent, codex: { bin: codexBin ?? "codex", config: await codexConfig(dir, model) } },
    // A small machine must be able to show it, too.
    storage: { minFreeMiB: 16, stopRunsBelowMiB: 32 },
    projects: [{ id: "calc", linear: { teams: ["APP"] }, repository: { name: REPOSITORY } }],
  };
}

async function codexConfig(dir: string, model: ScriptedModel): Promise<object> {
  const { scriptedModelConfig } = await import("../../world/model/config.ts");
  const { config: codex, modelsJson } = scriptedModelConfig(model.url);
  const catalog = join(dir, "models.json");
  await writeFile(catalog, JSON.stringify(modelsJson));
  return { ...codex, model_catalog_json: catalog };
}

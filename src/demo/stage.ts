import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../lib/clock.ts";
import { systemRandomness } from "../lib/ids.ts";
import { silentLog } from "../lib/log.ts";
import { startRelay, type Relay } from "../relay.ts";
import { readCredentials } from "../settings/credentials/credentials.ts";
import { childEnvironment, processEnvironment, readTextFile } from "../settings/load/environment.ts";
import { loadSettings } from "../settings/load/load.ts";
import { problemText } from "../settings/load/problem.ts";
import { startGitHubWorld, type GitHubWorld } from "../../world/github/world.ts";
import { startLinearWorld, type LinearWorld } from "../../world/linear/world.ts";
import type { ScriptedModel } from "../../world/model/server.ts";
import { startDemoModel } from "./model.ts";
import { FILES, REPOSITORY, runCi } from "./repository.ts";
import { agentScript } from "./script.ts";

const LINEAR_SECRET = "demo-linear-webhook-secret";
const GITHUB_SECRET = "demo-github-webhook-secret";

/** Everything the demo plays on: both stand-ins, the relay, and a folder that goes away afterwards. */
export interface Stage {
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  readonly relay: Relay;
  readonly dir: string;
  readonly configFile: string;
  /** Rewrites what the scripted agent plays: it answers these review threads by id. */
  threads(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** Starts the world and the relay on loopback. What was started before a failure is stopped again. */
export async function setStage(options: {
  readonly agent: "scripted" | "codex";
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
    const world = { clock: systemClock, randomness: systemRandomness };
    const linear = await startLinearWorld({ ...world, people: ["Ada", "Grace"], teams: { APP: "Shop" } });
    undo.push(() => linear.close());
    await mkdir(join(dir, "github"));
    const github = await startGitHubWorld({ ...world, dir: join(dir, "github") });
    undo.push(() => github.close());
    github.ci = runCi;
    await github.createRepository({
      name: REPOSITORY,
      files: FILES,
      protection: { requiredChecks: ["test", "changelog"], requiredApprovals: 1, mergeQueue: true },
      people: { grace: "write", linus: "admin" },
    });
    const scriptFile = join(dir, "agent.json");
    const threads = (ids: readonly string[]): Promise<void> =>
      writeFile(scriptFile, JSON.stringify(agentScript(ids)));
    await threads([]);
    const model = options.agent === "codex" ? await startDemoModel(systemClock) : null;
    if (model !== null) undo.push(() => model.close());
    const configFile = join(dir, "patchrelay.json");
    await writeFile(
      configFile,
      JSON.stringify(
        await config({ dir, linear, github, scriptFile, model, codexBin: options.codexBin }),
        null,
        2,
      ),
    );
    const relay = await relayFrom(configFile, { linear, github }, options);
    undo.push(() => relay.stop());
    // As `serve` does: with a port of the system's choice the command line could not find the relay otherwise.
    await writeFile(join(dir, "data", "relay.url"), `${relay.url}\n`);
    linear.setWebhook({ url: `${relay.url}/webhooks/linear`, secret: LINEAR_SECRET });
    github.setWebhook({ url: `${relay.url}/webhooks/github`, secret: GITHUB_SECRET });
    return { linear, github, relay, dir, configFile, threads, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function config({
  dir,
  linear,
  github,
  scriptFile,
  model,
  codexBin,
}: {
  readonly dir: string;
  readonly linear: LinearWorld;
  readonly github: GitHubWorld;
  readonly scriptFile: string;
  readonly model: ScriptedModel | null;
  readonly codexBin: string | null;
}): Promise<object> {
  const agent = { default: model === null ? "scripted" : "codex", scripted: { file: scriptFile } };
  return {
    dataDir: join(dir, "data"),
    http: { port: 0 },
    linear: { apiUrl: linear.url, webUrl: linear.url },
    github: { apiUrl: github.url, webUrl: github.webUrl },
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

async function relayFrom(
  configFile: string,
  { linear, github }: { readonly linear: LinearWorld; readonly github: GitHubWorld },
  { version, pid }: { readonly version: string; readonly pid: number },
): Promise<Relay> {
  const ours = processEnvironment();
  // Nothing of the person's own: the demo must neither use nor show their credentials.
  const env = {
    PATH: ours["PATH"],
    HOME: ours["HOME"],
    LINEAR_WEBHOOK_SECRET: LINEAR_SECRET,
    GITHUB_WEBHOOK_SECRET: GITHUB_SECRET,
    LINEAR_API_KEY: linear.accessToken,
    GITHUB_APP_ID: String(github.credentials.appId),
    GITHUB_APP_PRIVATE_KEY: github.credentials.privateKey.reveal(),
  };
  const loaded = loadSettings({ configFlag: configFile, env, cwd: "/", readFile: readTextFile });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join("\n"));
  const read = readCredentials(env, readTextFile);
  if (!read.ok) throw new Error(read.problems.map(problemText).join("\n"));
  return startRelay({
    settings: loaded.settings,
    credentials: read.credentials,
    childEnv: childEnvironment(ours, []),
    clock: systemClock,
    randomness: systemRandomness,
    log: silentLog,
    version,
    pid,
  });
}

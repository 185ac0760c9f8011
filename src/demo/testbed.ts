import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ScriptedAgentScriptInput } from "../agents/scripted/script.ts";
import type { Relay, RelayParts } from "../relay.ts";
import { processEnvironment } from "../settings/load/environment.ts";
import { layoutOf, type Layout } from "../settings/load/layout.ts";
import type { SourcesSettings } from "../settings/sources/sources.ts";
import { readConfigured, startConfigured } from "./configured-relay.ts";
import { startStandIns, type StandIns, type StandInsParts } from "./stand-ins.ts";

/** What a relay asks outside, and what it signs in with. */
export type Outside = Pick<StandIns, "addresses" | "credentials">;

/** A config file. Each group is merged, key by key, over what every relay here is given. */
export type RelayConfig = Readonly<Record<string, unknown>>;

/** What one start of a relay is given beside the folder. */
export type StartParts = Pick<RelayParts, "clock" | "log" | "registry"> &
  Partial<Pick<RelayParts, "version" | "pid">> & {
    /** In place of the folder's own. */
    readonly env?: Readonly<Record<string, string>>;
    readonly sources?: SourcesSettings;
  };

/** A folder that relays are started from, again and again with the same data. */
export interface RelayFolder {
  readonly dir: string;
  readonly layout: Layout;
  readonly configFile: string;
  /** What the scripted agent plays. */
  readonly scriptFile: string;
  /** The whole environment of a relay. Nothing of the person's own: their credentials must be neither used nor shown. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes the config file, or another one; it counts from the next start. */
  configure(config: RelayConfig, file?: string): Promise<void>;
  plays(rules: ScriptedAgentScriptInput["rules"]): Promise<void>;
  /** Starts a relay here, and leaves its address where the command line finds it. */
  start(parts: StartParts): Promise<Relay>;
  /** Stops what was started and takes the folder away. */
  close(): Promise<void>;
}

/** Both stand-ins, and the folder of a relay that gets their webhooks. */
export interface Testbed extends RelayFolder {
  readonly standIns: StandIns;
  /** To be called before anything that is there already is closed. */
  onClose(step: () => Promise<void>): void;
  close(keepFolder?: boolean): Promise<void>;
}

/** Makes the folder of a relay with `outside` around it; the agent has nothing to play and there is no config file yet. */
export async function makeRelayFolder(name: string, outside: Outside): Promise<RelayFolder> {
  const { steps, dir, close } = await temporary(name);
  const folder = folderIn(dir, outside, (relay) => steps.push(() => relay.stop()));
  await folder.plays([]);
  return { ...folder, close };
}

/**
 * Starts the stand-ins and makes a folder for a relay on them. `build` sets up what is played there; when it fails, all that
 * was started is stopped again.
 */
export async function startTestbed<T>(
  name: string,
  parts: StandInsParts,
  build: (testbed: Testbed) => Promise<T>,
): Promise<T> {
  const { steps, dir, close } = await temporary(name);
  try {
    const standIns = await startStandIns(dir, parts);
    steps.push(() => standIns.close());
    const folder = folderIn(dir, standIns, (relay) => {
      steps.push(() => relay.stop());
      standIns.sendWebhooks(relay.url);
    });
    await folder.plays([]);
    const onClose: Testbed["onClose"] = (step) => {
      steps.push(step);
    };
    return await build({ ...folder, standIns, onClose, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** A new folder, and the way to take it away again after all `steps`, the last of them first. */
async function temporary(name: string) {
  const dir = await mkdtemp(join(tmpdir(), `patchrelay-${name}-`));
  const steps: (() => Promise<void>)[] = [];
  const close = async (keepFolder = false): Promise<void> => {
    for (const step of steps.splice(0).toReversed()) await step();
    if (!keepFolder) await rm(dir, { recursive: true, force: true, maxRetries: 5 });
  };
  return { dir, steps, close };
}

function folderIn(
  dir: string,
  { addresses, credentials }: Outside,
  started: (relay: Relay) => void,
): Omit<RelayFolder, "close"> {
  const layout = layoutOf(join(dir, "data"));
  const configFile = join(dir, "patchrelay.json");
  const scriptFile = join(dir, "agent.json");
  const env = { PATH: processEnvironment()["PATH"] ?? "", HOME: dir, ...credentials };
  const given: RelayConfig = {
    dataDir: layout.root,
    http: { port: 0 },
    ...addresses,
    agent: { default: "scripted", scripted: { file: scriptFile } },
    // A small machine must be able to run it, too.
    storage: { minFreeMiB: 16, stopRunsBelowMiB: 32 },
  };
  return {
    dir,
    layout,
    configFile,
    scriptFile,
    env,
    configure: (config, file = configFile) => writeFile(file, JSON.stringify(merged(given, config), null, 2)),
    plays: (rules) => writeFile(scriptFile, JSON.stringify({ rules })),
    async start({ env: own = env, sources, ...parts }) {
      const configured = readConfigured(configFile, own, sources);
      const relay = await startConfigured(configured, { version: "0.0.0", pid: process.pid, ...parts });
      started(relay);
      // As `serve` does: with a port of the system's choice the command line could not find the relay otherwise.
      await writeFile(join(layout.root, "relay.url"), `${relay.url}\n`);
      return relay;
    },
  };
}

function merged(given: RelayConfig, config: RelayConfig): RelayConfig {
  const isGroup = (value: unknown): value is object =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  const entries = Object.entries(config).map(([name, value]) => {
    const base = given[name];
    return [name, isGroup(value) && isGroup(base) ? { ...base, ...value } : value] as const;
  });
  return { ...given, ...Object.fromEntries(entries) };
}

import { systemRandomness } from "../lib/ids.ts";
import { startRelay, type Relay, type RelayParts } from "../relay.ts";
import { readCredentials } from "../settings/credentials/credentials.ts";
import type { Credentials } from "../settings/credentials/credentials.ts";
import { childEnvironment, processEnvironment, readTextFile } from "../settings/load/environment.ts";
import { loadSettings } from "../settings/load/load.ts";
import { problemText } from "../settings/load/problem.ts";
import type { Settings } from "../settings/settings.ts";
import { SOURCE_SETTINGS } from "../settings/sources/sources.ts";
import type { SourcesSettings } from "../settings/sources/sources.ts";

/** What a relay is started with, read and checked. */
export interface Configured {
  readonly settings: Settings;
  readonly credentials: Credentials;
}

/** Reads a config file and the credentials in `env`. Throws with everything that is wrong, a line each. */
export function readConfigured(
  configFile: string,
  env: Readonly<Record<string, string | undefined>>,
  sources: SourcesSettings = SOURCE_SETTINGS,
): Configured {
  const loaded = loadSettings({ configFlag: configFile, env, cwd: "/", readFile: readTextFile }, sources);
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join("\n"));
  const credentials = Object.values(sources).map((source) => source.credentials);
  const read = readCredentials(env, readTextFile, credentials);
  if (!read.ok) throw new Error(read.problems.map(problemText).join("\n"));
  return { settings: loaded.settings, credentials: read.credentials };
}

/** Starts a relay as `serve` does, for whoever brings the world it is to live in: the demo, tests, benchmarks. */
export function startConfigured(
  configured: Configured,
  more: Pick<RelayParts, "clock" | "log" | "version" | "pid" | "registry">,
): Promise<Relay> {
  return startRelay({
    ...configured,
    ...more,
    childEnv: childEnvironment(processEnvironment(), []),
    randomness: systemRandomness,
  });
}

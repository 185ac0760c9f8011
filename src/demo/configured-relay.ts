import type { Clock } from "../lib/clock.ts";
import { systemRandomness } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { startRelay, type Relay } from "../relay.ts";
import { readCredentials } from "../settings/credentials/credentials.ts";
import type { Credentials } from "../settings/credentials/credentials.ts";
import { childEnvironment, processEnvironment, readTextFile } from "../settings/load/environment.ts";
import { loadSettings } from "../settings/load/load.ts";
import { problemText } from "../settings/load/problem.ts";
import type { Settings } from "../settings/settings.ts";

/** What a relay is started with, read and checked. */
export interface Configured {
  readonly settings: Settings;
  readonly credentials: Credentials;
}

/** Reads a config file and the credentials in `env`. Throws with everything that is wrong, a line each. */
export function readConfigured(
  configFile: string,
  env: Readonly<Record<string, string | undefined>>,
): Configured {
  const loaded = loadSettings({ configFlag: configFile, env, cwd: "/", readFile: readTextFile });
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join("\n"));
  const read = readCredentials(env, readTextFile);
  if (!read.ok) throw new Error(read.problems.map(problemText).join("\n"));
  return { settings: loaded.settings, credentials: read.credentials };
}

/** Starts a relay as `serve` does, for whoever brings the world it is to live in: the demo, tests, benchmarks. */
export function startConfigured(
  configured: Configured,
  more: { readonly clock: Clock; readonly log: Log; readonly version: string; readonly pid: number },
): Promise<Relay> {
  return startRelay({
    ...configured,
    ...more,
    childEnv: childEnvironment(processEnvironment(), []),
    randomness: systemRandomness,
  });
}

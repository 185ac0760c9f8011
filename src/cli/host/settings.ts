import { readCredentials } from "../../settings/credentials/credentials.ts";
import type { ReadCredentials } from "../../settings/credentials/credentials.ts";
import { weakSecrets } from "../../settings/credentials/weak.ts";
import { loadSettings } from "../../settings/load/load.ts";
import type { LoadedSettings } from "../../settings/load/load.ts";
import type { Problem } from "../../settings/load/problem.ts";
import { missingToServe } from "../../settings/load/requirements.ts";
import type { Settings } from "../../settings/settings.ts";
import type { Given, Missing } from "../../settings/sources/source.ts";
import type { SourcesSettings } from "../../settings/sources/sources.ts";
import { sourcesOf } from "./context.ts";
import type { Host } from "./host.ts";
import { registryOf } from "./registry.ts";

/** Settings and credentials as the sources of this machine's relay want them. */
export interface Configuration {
  readonly loaded: LoadedSettings;
  readonly read: ReadCredentials;
  /** What `serve` lacks, in the order to set it up. */
  readonly missing: (settings: Pick<Settings, "http" | "webhooks">, credentials: Given) => readonly Missing[];
  /** Secrets that could be guessed, or are the same as another. */
  readonly weak: (credentials: Given) => readonly Problem[];
  /** Credentials that are set although another wins, in words. */
  readonly unused: (credentials: Given) => readonly string[];
}

/** Loads the settings and reads the credentials. Nothing is thrown: what is wrong is in the answer. */
export async function configurationOf(host: Host, configFlag: string | null): Promise<Configuration> {
  const sources = await sourceSettings(host);
  const credentials = Object.values(sources).map((source) => source.credentials);
  return {
    loaded: loadSettings(sourcesOf(host, configFlag), sources),
    read: readCredentials(host.env, host.readFile, credentials),
    missing: (settings, given) => missingToServe(settings, given, credentials),
    weak: (given) => weakSecrets(given, credentials),
    unused: (given) =>
      credentials
        .flatMap(({ unused }) => unused(given))
        .map(({ name, winner }) => `${name} is set and not used: ${winner} wins`),
  };
}

/** Only the settings. */
export async function settingsOf(host: Host, configFlag: string | null): Promise<LoadedSettings> {
  return loadSettings(sourcesOf(host, configFlag), await sourceSettings(host));
}

async function sourceSettings(host: Host): Promise<SourcesSettings> {
  const { sources } = await registryOf(host);
  const entries = Object.entries(sources).map(
    async ([name, { settings }]) => [name, await settings()] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

/** That a credential is missing and what for, and where to get it: two sentences, without their full stops. */
export function missingText({ name, purpose, source }: Missing): {
  readonly says: string;
  readonly todo: string;
} {
  // Of alternatives any will do, of a pair both are needed; the purpose is worded for one thing in each case.
  const [are, what, get] = name.includes(" or ")
    ? [", are missing", "either", "get one in"]
    : name.includes(" and ")
      ? [" are missing", "the pair", "get them in"]
      : [" is missing", "it", "get it in"];
  // A source that names a place starts with the place's name; others say themselves what to do.
  return {
    says: `${name}${are}: ${what} ${purpose}`,
    todo: /^[A-Z]\w*: /.test(source) ? `${get} ${source}` : source,
  };
}

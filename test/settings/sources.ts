import type { Environment, Sources } from "../../src/settings/load/locate.ts";
import { loadSettings } from "../../src/settings/load/load.ts";
import { problemText } from "../../src/settings/load/problem.ts";
import type { Settings } from "../../src/settings/settings.ts";

export const HOME = "/home/ada";
export const FILE = "/work/patchrelay.json";
export const PROJECT = { id: "app", repository: { name: "example/app" } };

/** Sources over a map of files instead of a disk. */
export function sources(
  files: Readonly<Record<string, string>>,
  env: Environment = {},
  configFlag?: string,
): Sources {
  return {
    configFlag,
    env: { HOME, ...env },
    cwd: "/work",
    readFile: (path) => files[path] ?? null,
  };
}

/** The settings of a config given as an object (projects: one, unless it says otherwise); throws its problems. */
export function settingsOf(config: object, env: Environment = {}): Settings {
  const loaded = loadSettings(sources({ [FILE]: JSON.stringify({ projects: [PROJECT], ...config }) }, env));
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join("\n"));
  return loaded.settings;
}

/** The problems of a config, one line each, without the file's name; text is taken as it is. */
export function problemsOf(config: object | string): readonly string[] {
  const text = typeof config === "string" ? config : JSON.stringify({ projects: [PROJECT], ...config });
  const loaded = loadSettings(sources({ [FILE]: text }));
  return loaded.ok ? [] : loaded.problems.map((problem) => problemText(problem).replace(`${FILE}: `, ""));
}

/** The warnings of a config, one line each. */
export function warningsOf(config: object, env: Environment = {}): readonly string[] {
  const loaded = loadSettings(sources({ [FILE]: JSON.stringify({ projects: [PROJECT], ...config }) }, env));
  if (!loaded.ok) throw new Error(loaded.problems.map(problemText).join("\n"));
  return loaded.warnings.map((problem) => problemText(problem).replace(`${FILE}: `, ""));
}

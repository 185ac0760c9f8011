import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";
import { nearest } from "../../lib/text.ts";
import { DEFAULT_ENGINE, ENGINES } from "../schema/engines.ts";
import type { EngineName } from "../schema/engines.ts";
import { SOURCE_CREDENTIALS } from "../sources/credentials.ts";
import { parseStrictJson } from "./json.ts";
import type { Problem } from "./problem.ts";

// Loaded by every command, also by those that must start as fast as `node` itself: no zod, no credentials here.

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The text of a file, or null when there is none; throws when it is there and cannot be read. */
export type ReadFile = (path: string) => string | null;

/** Where configuration comes from: everything that settings/ takes from outside. */
export interface Sources {
  /** The value of `--config`. */
  readonly configFlag?: string | undefined;
  readonly env: Environment;
  /** The working directory, absolute. */
  readonly cwd: string;
  readonly readFile: ReadFile;
}

export type FoundConfig =
  | { readonly ok: true; readonly file: string; readonly text: string }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** What a command needs that only looks into the database. */
export type Location =
  | {
      readonly ok: true;
      readonly file: string;
      readonly dataDir: string;
      readonly engine: EngineName;
      /** Whether a mistake in the file may be why data or relay are looked for in the wrong place. */
      readonly doubtful: boolean;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** The keys that the file may have at its top: enough to see without the full check that one was meant to be another. */
export const TOP_KEYS: readonly string[] = [
  "$schema",
  "dataDir",
  "engine",
  "http",
  "webhooks",
  ...Object.keys(SOURCE_CREDENTIALS),
  "agent",
  "runs",
  "ci",
  "outbox",
  "inbox",
  "storage",
  "sweep",
  "limits",
  "budgets",
  "merge",
  "trust",
  "reminders",
  "questions",
  "branchPrefix",
  "mentions",
  "subIssues",
  "pricing",
  "log",
  "projects",
];

/**
 * Finds the config file: `--config`, then PATCHRELAY_CONFIG, then ./patchrelay.json, then
 * $XDG_CONFIG_HOME/patchrelay/patchrelay.json. A file that was named and is not there is a problem, never a reason
 * to take the next one.
 */
export function findConfig(sources: Sources): FoundConfig {
  const named = namedFile(sources);
  if (named !== null) {
    const found = read(named.file, sources.readFile);
    return found ?? refused(named.file, `no such file (named by ${named.by})`, "fix the name");
  }
  const places = [
    join(sources.cwd, "patchrelay.json"),
    join(xdgDirectory(sources.env, "XDG_CONFIG_HOME", ".config"), "patchrelay", "patchrelay.json"),
  ];
  for (const file of places) {
    const found = read(file, sources.readFile);
    if (found !== null) return found;
  }
  return refused(
    null,
    `no configuration found; looked for ${places.join(" and ")}`,
    "copy config/patchrelay.example.json, or name a file with --config FILE or PATCHRELAY_CONFIG",
  );
}

/**
 * Finds the config file and takes from it only where the data is and which engine keeps it, by the rules of the full
 * check. Other keys are not looked at: inspection must work with a config that `serve` would refuse.
 */
export function locate(sources: Sources): Location {
  const found = findConfig(sources);
  if (!found.ok) return found;
  const parsed = parseConfig(found.file, found.text);
  if (!parsed.ok) return parsed;
  const { dataDir, engine } = parsed.value;
  const problems: Problem[] = [];
  if (dataDir !== undefined && (typeof dataDir !== "string" || !isPathText(dataDir))) {
    problems.push({ file: found.file, path: "dataDir", message: PATH_EXPECTED, hint: null });
  }
  if (engine !== undefined && !isEngine(engine)) {
    const near = typeof engine === "string" ? nearest(engine, ENGINES) : null;
    const message = `expected one of ${ENGINES.map((name) => `"${name}"`).join(", ")}`;
    problems.push({
      file: found.file,
      path: "engine",
      message,
      hint: near === null ? null : `did you mean "${near}"?`,
    });
  }
  if (problems.length > 0) return { ok: false, problems };
  return {
    ok: true,
    file: found.file,
    dataDir: dataDirOf(typeof dataDir === "string" ? dataDir : undefined, found.file, sources.env),
    engine: isEngine(engine) ? engine : DEFAULT_ENGINE,
    doubtful: isDoubtful(parsed.value),
  };
}

function isDoubtful(config: Readonly<Record<string, unknown>>): boolean {
  if (Object.keys(config).some((key) => !TOP_KEYS.includes(key))) return true;
  const { http } = config;
  if (http === undefined) return false;
  if (typeof http !== "object" || http === null) return true;
  const { host, port, ...others } = http as Readonly<Record<string, unknown>>;
  return (
    (host !== undefined && (typeof host !== "string" || host.trim() === "")) ||
    (port !== undefined && !isPort(port)) ||
    Object.keys(others).some((key) => nearest(key, ["host", "port"]) !== null)
  );
}

/** Whether a value can be the port that a relay listens on; 0 = one of the system's choice. */
export function isPort(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 65_535;
}

/** The file's text as a JSON object, or what is wrong with it and at which `line:column`. */
export function parseConfig(
  file: string,
  text: string,
):
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly problems: readonly Problem[] } {
  const json = parseStrictJson(text);
  if (!json.ok) {
    const problems = json.faults.map(({ at, message, hint }) => ({
      file,
      path: `${at.line}:${at.column}`,
      message,
      hint,
    }));
    return { ok: false, problems };
  }
  const { value } = json;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    const message = "expected an object with the settings in braces";
    return { ok: false, problems: [{ file, path: "", message, hint: null }] };
  }
  return { ok: true, value: value as Readonly<Record<string, unknown>> };
}

/** The data directory, absolute: as configured, else $XDG_DATA_HOME/patchrelay. */
export function dataDirOf(configured: string | undefined, file: string, env: Environment): string {
  if (configured !== undefined) return fullPath(configured, file, env);
  return join(xdgDirectory(env, "XDG_DATA_HOME", ".local/share"), "patchrelay");
}

/** A path of the config file, absolute: `~` is the home directory, the rest is relative to the file's directory. */
export function fullPath(path: string, file: string, env: Environment): string {
  return resolve(file, "..", withHome(path, env));
}

export const PATH_EXPECTED = "expected a path: absolute, relative to this file, or starting with ~/";

/** Whether a text can be a path of the config file. Shells also know `~name`; taken literally it would surprise. */
export function isPathText(text: string): boolean {
  return text.trim() !== "" && !text.includes("\0") && !/^~[^/]/.test(text);
}

function namedFile({ configFlag, env, cwd }: Sources): { file: string; by: string } | null {
  if (configFlag !== undefined) return { file: resolve(cwd, withHome(configFlag, env)), by: "--config" };
  const named = env["PATCHRELAY_CONFIG"];
  if (named === undefined || named.trim() === "") return null;
  return { file: resolve(cwd, withHome(named, env)), by: "PATCHRELAY_CONFIG" };
}

/** What `readFile` says of a folder (environment.ts). */
export const A_DIRECTORY = "it is a directory";

function read(file: string, readFile: ReadFile): FoundConfig | null {
  try {
    const text = readFile(file);
    return text === null ? null : { ok: true, file, text };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refused(
      file,
      `cannot be read: ${reason}`,
      reason === A_DIRECTORY
        ? `name the file in it: ${join(file, "patchrelay.json")}`
        : "give the account that runs patchrelay permission to read it",
    );
  }
}

function refused(file: string | null, message: string, hint: string): FoundConfig {
  return { ok: false, problems: [{ file, path: "", message, hint }] };
}

function withHome(path: string, env: Environment): string {
  return path === "~" || path.startsWith("~/") ? join(home(env), path.slice(1)) : path;
}

/** The XDG base directory specification: unset, empty and relative values count as unset. */
function xdgDirectory(env: Environment, name: string, fallback: string): string {
  const value = env[name];
  return value !== undefined && isAbsolute(value) ? value : join(home(env), fallback);
}

function home(env: Environment): string {
  const value = env["HOME"];
  return value === undefined || value === "" ? homedir() : value;
}

function isEngine(value: unknown): value is EngineName {
  return (ENGINES as readonly unknown[]).includes(value);
}

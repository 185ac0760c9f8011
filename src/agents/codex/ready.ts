import { access } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import { runProcess } from "../../lib/process/processes.ts";
import type { ProcessEnvironment } from "../../lib/process/processes.ts";
import { clip } from "../../lib/text.ts";
import { findCodex, INSTALL } from "./process/binary.ts";
import { makeHome } from "./home/home.ts";
import type { HomeParts } from "./home/home.ts";
import type { TomlTable } from "./home/toml.ts";

export interface ReadinessParts {
  readonly bin: string;
  /** PATH to look in. */
  readonly path: string;
  readonly env: ProcessEnvironment;
  readonly home: HomeParts;
  readonly clock: Clock;
}

const VERSION_MS = 10_000;
const KEPT_MS = 5 * 60_000;

/** What to do when there is no program. */
export function notFound(bin: string): string {
  return `the Codex program "${bin}" was not found or is not executable: install it (${INSTALL}) or set agent.codex.bin to its path`;
}

/**
 * Whether a run could start: program, home, credential. The program is asked for its version once in five
 * minutes; a fault is looked for again each time, so that mending it shows at once.
 */
export function readiness(parts: ReadinessParts): (signal: AbortSignal) => Promise<string | null> {
  let asked: { readonly program: string; readonly at: number } | null = null;
  return async (signal) => {
    signal.throwIfAborted();
    const program = await findCodex(parts.bin, parts.path);
    if (program === null) return notFound(parts.bin);
    try {
      await makeHome(parts.home);
    } catch (error) {
      return messageOf(error);
    }
    const now = parts.clock.monotonic();
    if (asked?.program !== program || now - asked.at > KEPT_MS) {
      const problem = await versionProblem(parts, program, signal);
      if (problem !== null) return problem;
      asked = { program, at: now };
    }
    return credentialProblem(parts);
  };
}

async function versionProblem(
  parts: ReadinessParts,
  program: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    const outcome = await runProcess(parts.clock, {
      command: program,
      args: ["--version"],
      cwd: parts.home.home,
      env: parts.env,
      timeoutMs: VERSION_MS,
      maxOutputBytes: 4_096,
      signal,
    });
    if (outcome.exitCode === 0) return null;
    const how = outcome.timedOut
      ? `did not answer within ${VERSION_MS} ms`
      : `exited with ${outcome.exitCode}`;
    return `${program} --version ${how}: ${clip(outcome.stderr.trim(), 200)}; is agent.codex.bin the Codex program?`;
  } catch (error) {
    signal.throwIfAborted();
    return `${program} cannot be run: ${messageOf(error)}`;
  }
}

/** Only what is certain to fail: a credential that is there may still be refused. */
async function credentialProblem(parts: ReadinessParts): Promise<string | null> {
  const { config, home } = parts.home;
  const name = config["model_provider"];
  if (typeof name === "string" && name !== "openai") {
    const provider = tableAt(tableAt(config, "model_providers"), name);
    const key = provider["env_key"];
    if (typeof key !== "string" || (parts.env[key] ?? "") !== "") return null;
    return `the model provider ${name} needs the variable ${key}: set it and list it in agent.codex.env`;
  }
  if ((parts.env["OPENAI_API_KEY"] ?? parts.env["CODEX_API_KEY"] ?? "") !== "") return null;
  try {
    await access(join(home, "auth.json"));
    return null;
  } catch {
    return `Codex is not logged in: run CODEX_HOME=${home} codex login, or set a model provider in agent.codex.config`;
  }
}

function tableAt(table: TomlTable, name: string): TomlTable {
  const value = table[name];
  return typeof value === "object" && value !== null ? (value as TomlTable) : {};
}

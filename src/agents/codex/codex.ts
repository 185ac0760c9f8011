import { mkdir, realpath, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "../../lib/assert.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Randomness } from "../../lib/ids.ts";
import type { Log } from "../../lib/log.ts";
import type { Secret } from "../../lib/secrets/secret.ts";
import type { Agent, AgentSession, WorkRequest } from "../agent.ts";
import { findCodex } from "./process/binary.ts";
import { childEnvironment, scrubber } from "./process/environment.ts";
import { makeHome, writeConfig } from "./home/home.ts";
import { projectsOf } from "./home/projects.ts";
import { notFound, readiness } from "./ready.ts";
import type { TomlTable } from "./home/toml.ts";
import type { Prices } from "./session/usage.ts";
import { beginWork } from "./session/work.ts";

export interface CodexParts {
  /** Path, or a name on `env.PATH`; for `codex` also the package installed beside us. */
  readonly bin: string;
  /** CODEX_HOME, absolute: configuration, login, threads. One per Codex identity, never a person's own. */
  readonly home: string;
  /** TMPDIR of the process; must not be an ancestor of `home`. Default `<home>/tmp`. */
  readonly tmpDir?: string;
  /** Folders of repositories whose own Codex configuration must never be loaded, beside those of each request. */
  readonly mainCheckouts?: readonly string[];
  /** A person's additions to config.toml, already checked. */
  readonly config: TomlTable;
  /** Model catalog for `models.json`; null or absent = Codex's own. */
  readonly models?: TomlTable | null;
  /** The whole environment of the process: PATH, LANG, the provider's key by its name. */
  readonly env: Readonly<Record<string, string | Secret>>;
  /** Used when a request names none; null = as the configuration says. */
  readonly model: string | null;
  /** For `initialize` and each call after it, milliseconds. */
  readonly startMs: number;
  readonly prices: Prices;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
}

/** Below the home: temporary folders of the runs' commands. Not `tmpDir`, which others may share. */
const SCRATCH = "scratch";

/** Codex as an agent: one `codex app-server` process per run, so that one run's crash is nobody else's. */
export function createCodexAgent(parts: CodexParts): Agent {
  const tmpDir = parts.tmpDir ?? join(parts.home, "tmp");
  const models = parts.models ?? null;
  const { home, config, randomness } = parts;
  const homeParts = { home, tmpDir, config, models, randomness };
  const env = childEnvironment(parts.env, home, tmpDir);
  const path = env["PATH"] ?? "";
  const ready = readiness({ bin: parts.bin, path, env, home: homeParts, clock: parts.clock });
  // Another run's process may read the configuration at any time, so it names the folders of all live runs.
  const live = new Map<string, readonly string[]>();
  let cleared: Promise<void> | null = null;

  /** What a command of a killed Codex still writes there must cost no run; the next start of the relay removes the rest. */
  const discard = async (folder: string): Promise<void> => {
    try {
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    } catch (error) {
      parts.log.warn("could not remove a run's folder; will retry", { folder, why: messageOf(error) });
    }
  };

  return {
    name: "codex",
    ready,
    async work(request: WorkRequest, signal: AbortSignal): Promise<AgentSession> {
      signal.throwIfAborted();
      const lease = randomness.uuid();
      const scratch = join(home, SCRATCH, lease);
      const release = async (): Promise<void> => {
        live.delete(lease);
        await discard(scratch);
      };
      return beginWork(
        {
          prepare: async () => {
            const program = await findCodex(parts.bin, path);
            if (program === null) throw new Error(notFound(parts.bin));
            await makeHome(homeParts);
            // What runs of an earlier process left; a home belongs to one relay.
            cleared ??= discard(join(home, SCRATCH));
            await cleared;
            await mkdir(scratch, { recursive: true, mode: 0o700 });
            const directory = await realpath(request.directory);
            live.set(lease, await projectsOf([directory, ...request.gitDirectories]));
            await writeConfig(
              homeParts,
              new Set([...(parts.mainCheckouts ?? []), ...[...live.values()].flat()]),
            );
            return { program, directory };
          },
          release,
          home,
          env,
          scrub: scrubber(parts.env),
          scratch,
          model: request.model ?? parts.model,
          prices: parts.prices,
          startMs: parts.startMs,
          clock: parts.clock,
          log: parts.log.with({ run: request.run }),
        },
        request,
        signal,
      );
    },
  };
}

import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { Bug } from "../lib/assert.ts";
import { confined } from "../lib/process/confine.ts";
import { runProcess } from "../lib/process/processes.ts";
import type { ProcessEnvironment } from "../lib/process/processes.ts";
import { clip } from "../lib/text.ts";
import { HookNotBegun } from "./errors.ts";
import { absolutePath } from "./git/environment.ts";

/** When a hook of the target repository runs; its file is `.patchrelay/hooks/<moment>`. */
export type HookMoment = (typeof HOOK_MOMENTS)[number];

export const HOOK_MOMENTS = [
  "prepare-worktree",
  "verify",
  "before-publish",
  "after-run",
  "remove-worktree",
] as const;

/** Path of a hook in the target repository. */
export function hookPath(moment: HookMoment): string {
  return `.patchrelay/hooks/${moment}`;
}

/** A hook above this is refused. */
export const MAX_HOOK_BYTES = 256 * 1024;

/** What a hook is told about the run, each as an environment variable of this name. */
export interface HookFacts {
  readonly PATCHRELAY_ISSUE: string;
  readonly PATCHRELAY_RUN?: string;
  readonly PATCHRELAY_RUN_TYPE?: string;
  readonly PATCHRELAY_BRANCH: string;
  readonly PATCHRELAY_BASE: string;
  readonly PATCHRELAY_BASE_SHA: string;
  /** The commit the worktree stands on when the hook starts; whoever asks for a hook leaves it out. */
  readonly PATCHRELAY_HEAD?: string;
}

export interface HookRequest {
  readonly facts: Omit<HookFacts, "PATCHRELAY_HEAD">;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Output as it comes, line by line (cut at 1 MiB). Must not throw. */
  readonly onLine?: (line: string, stream: "stdout" | "stderr") => void;
}

export interface HookOutcome {
  /** False: the base branch has no such hook; then `ok` is true. */
  readonly ran: boolean;
  readonly ok: boolean;
  readonly exitCode: number | null;
  /** The last 64 KiB of standard output, then of standard error. */
  readonly output: string;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

export interface HookParts {
  readonly clock: Clock;
  /** Ours; the worktree's own subfolder of it holds the hook's HOME and TMPDIR. */
  readonly privateDir: string;
  /** The operator's environment; only PATH and LANG are taken. */
  readonly operator: ProcessEnvironment;
  /** What hooks must not see; null = they cannot be confined here, and see what our account does. */
  readonly hidden: Hidden | null;
}

/** What code that others wrote has no business with. */
export interface Hidden {
  /** The data folder. */
  readonly folder: string;
  /** Files of credentials, and folders that hold such, anywhere; absolute. */
  readonly further: readonly string[];
}

const OUTPUT_BYTES = 64 * 1024;

/** The folder of a worktree's hooks: HOME and TMPDIR, kept from run to run for caches, never shared between issues. */
export function hookHome(privateDir: string, worktreeName: string): string {
  return join(privateDir, "homes", worktreeName);
}

/**
 * Runs the text of a hook, read from the base branch by the caller, in the worktree: with nothing of our environment
 * but a search path and a language, and no credential; confined, if that is possible, to the worktree, its mirror and its own
 * home of what is ours. When it ends, is too late or is aborted, its process group is killed. Rejects with the
 * signal's reason, and with HookNotBegun: what keeps it from starting says nothing about what it would have said.
 */
export async function runHookText(
  parts: HookParts,
  text: string,
  tree: { readonly path: string; readonly name: string; readonly commonDir: string },
  request: HookRequest & { readonly facts: HookFacts },
): Promise<HookOutcome> {
  const home = hookHome(parts.privateDir, tree.name);
  const temporary = join(home, "tmp");
  await mkdir(temporary, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(parts.privateDir, "hook-"));
  const [view, own] = [join(folder, "view"), join(folder, "own")];
  const [file, begun] = [join(own, "hook"), join(folder, "begun")];
  try {
    for (const path of [view, own]) await mkdir(path, { mode: 0o700 });
    await writeFile(file, text, { mode: 0o700, flag: "wx" });
    const [command, ...args] = [...interpreter(text), file] as const;
    const show = [tree.path, tree.commonDir, home, own];
    const { hidden } = parts;
    const outcome = await runProcess(parts.clock, {
      ...(hidden === null
        ? { command, args }
        : confined([command, ...args], tree.path, {
            hide: hidden.folder,
            show,
            blank: hidden.further,
            view,
            begun,
          })),
      cwd: tree.path,
      env: hookEnvironment(parts.operator, home, temporary, request.facts),
      timeoutMs: request.timeoutMs,
      signal: request.signal,
      maxOutputBytes: OUTPUT_BYTES,
      keep: "tail",
      ...(request.onLine === undefined ? {} : { onLine: request.onLine }),
    });
    const { exitCode, timedOut, durationMs } = outcome;
    if (hidden !== null && (await isEmpty(begun))) {
      const why = timedOut ? `nothing happened within ${request.timeoutMs} ms` : outcome.stderr.trim();
      throw new HookNotBegun(clip(why, 2_000) || `unshare ended with ${exitCode ?? "a signal"}`);
    }
    const ok = exitCode === 0 && !timedOut;
    return { ran: true, ok, exitCode, output: outcome.stdout + outcome.stderr, timedOut, durationMs };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function isEmpty(file: string): Promise<boolean> {
  try {
    return (await readFile(file)).length === 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
    throw error;
  }
}

// Called through its interpreter: a freshly written file may be "busy" for exec while another child is being
// forked, and the data folder may be mounted noexec. One optional argument, as the kernel reads the line (execve(2)).
function interpreter(text: string): [string, ...string[]] {
  const found = /^#![ \t]*(\/\S+)(?:[ \t]+([^\r\n]*\S))?/.exec(text);
  if (found?.[1] === undefined) return ["/bin/sh"];
  return found[2] === undefined ? [found[1]] : [found[1], found[2]];
}

function hookEnvironment(
  operator: ProcessEnvironment,
  home: string,
  temporary: string,
  facts: HookFacts,
): Record<string, string> {
  const env: Record<string, string> = {
    PATH: absolutePath(operator["PATH"]),
    HOME: home,
    LANG: operator["LANG"] ?? "C.UTF-8",
    TERM: "dumb",
    TMPDIR: temporary,
  };
  for (const [name, value] of Object.entries(facts) as [string, string | undefined][]) {
    if (!/^PATCHRELAY_[A-Z_]+$/.test(name) || /TOKEN|SECRET|KEY|PASSWORD/.test(name)) {
      throw new Bug(`${name} is not a fact for hooks`);
    }
    if (value !== undefined) env[name] = value;
  }
  return env;
}

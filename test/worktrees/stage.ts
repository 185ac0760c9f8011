import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { createWorktrees } from "../../src/worktrees/worktrees.ts";
import type {
  Prepared,
  PrepareRequest,
  RemoteAccess,
  Worktrees,
  WorktreesParts,
} from "../../src/worktrees/worktrees.ts";

// A remote, a person with a clone of it, and the relay's worktrees, all in one temporary folder, all real git.

const ENV = {
  PATH: process.env["PATH"] ?? "/usr/bin:/bin",
  HOME: "/nonexistent",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Pat",
  GIT_AUTHOR_EMAIL: "pat@example.com",
  GIT_COMMITTER_NAME: "Pat",
  GIT_COMMITTER_EMAIL: "pat@example.com",
};

/** Git as a person calls it. */
export function git(cwd: string, ...args: string[]): string {
  return execFileSync("git", args, {
    cwd,
    env: ENV,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  }).trim();
}

export function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}

export const never = (): AbortSignal => new AbortController().signal;

/** Whether a process still runs. One that nobody has reaped yet (a zombie) does not. */
export function isRunning(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  if (existsSync("/proc/self/stat")) return existsSync(stat) && !/\) [ZX] /.test(textIfThere(stat));
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Whether any process runs whose command line holds `text`. Only where there is a /proc; elsewhere by `ps`. */
export function runsAny(text: string): boolean {
  if (!existsSync("/proc/self/stat"))
    return execFileSync("ps", ["-axo", "command"], { encoding: "utf8" }).includes(text);
  return readdirSync("/proc").some(
    (pid) =>
      /^\d+$/.test(pid) && textIfThere(`/proc/${pid}/cmdline`).includes(text) && isRunning(Number(pid)),
  );
}

function textIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return ") X ";
    throw error;
  }
}

/** A clock whose timers fire when the test says so. */
export function handClock(): Clock & { fire(ms: number): void } {
  const timers = new Map<number, { ms: number; fire: () => void }>();
  let next = 0;
  return {
    now: () => Date.UTC(2026, 0, 1),
    monotonic: () => 0,
    after(ms, fire) {
      next += 1;
      const id = next;
      timers.set(id, { ms, fire });
      return () => timers.delete(id);
    },
    fire(ms) {
      for (const [id, timer] of timers) {
        if (timer.ms !== ms) continue;
        timers.delete(id);
        timer.fire();
      }
    },
  };
}

export interface Stage {
  readonly folder: string;
  readonly remote: string;
  readonly person: string;
  readonly worktrees: Worktrees;
  readonly signal: AbortSignal;
  /** Another life of the relay on the same folders. */
  restart(parts?: Partial<WorktreesParts>): Promise<Worktrees>;
  prepare(request?: Partial<PrepareRequest & RemoteAccess>, worktrees?: Worktrees): Promise<Prepared>;
  /** The person commits files and pushes them to a branch; returns the commit. */
  push(branch: string, files: Readonly<Record<string, string>>): string;
  /** A commit of the remote. */
  at(ref: string): string;
  end(): void;
}

export async function stage(
  options: { base?: string; files?: Readonly<Record<string, string>> } = {},
): Promise<Stage> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "worktrees-")));
  const base = options.base ?? "main";
  const remote = join(folder, "remote.git");
  const person = join(folder, "person");
  git(folder, "init", "--quiet", "--bare", `--initial-branch=${base}`, remote);
  git(folder, "init", "--quiet", `--initial-branch=${base}`, person);
  put(person, options.files ?? { "readme.md": "hello\n", "src/a.txt": "one\ntwo\nthree\n" });
  git(person, "add", "-A");
  git(person, "commit", "--quiet", "-m", "first");
  git(person, "push", "--quiet", remote, `HEAD:refs/heads/${base}`);
  const restart = async (parts: Partial<WorktreesParts> = {}): Promise<Worktrees> =>
    await createWorktrees({
      dir: join(folder, "relay/worktrees"),
      mirrorsDir: join(folder, "relay/mirrors"),
      privateDir: join(folder, "relay/private"),
      clock: systemClock,
      log: silentLog,
      identity: { name: "patchrelay", email: "relay@example.com" },
      forge: { host: "github.com", credential: "GITHUB_TOKEN" },
      environment: { PATH: ENV.PATH },
      hidden: { folder: join(folder, "relay"), further: [] },
      ...parts,
    });
  const worktrees = await restart();
  const signal = never();
  return {
    folder,
    remote,
    person,
    worktrees,
    signal,
    restart,
    prepare: async (request = {}, using = worktrees) =>
      await using.prepare({
        repository: "example/app",
        cloneUrl: remote,
        baseBranch: base,
        branch: "patchrelay/app-1",
        worktreeName: "app-1",
        startAt: null,
        keep: false,
        signal,
        ...request,
      }),
    push: (branch, files) => {
      const exists = git(person, "ls-remote", remote, `refs/heads/${branch}`) !== "";
      git(person, "fetch", "--quiet", remote, exists ? `refs/heads/${branch}` : `refs/heads/${base}`);
      git(person, "checkout", "--quiet", "--detach", "FETCH_HEAD");
      put(person, files);
      git(person, "add", "-A");
      git(person, "commit", "--quiet", "-m", `person: ${Object.keys(files).join(" ")}`);
      git(person, "push", "--quiet", remote, `HEAD:refs/heads/${branch}`);
      return git(person, "rev-parse", "HEAD");
    },
    at: (ref) => git(remote, "rev-parse", ref),
    end: () => rmSync(folder, { recursive: true, force: true }),
  };
}

import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../lib/clock.ts";
import { whyNotConfined } from "../lib/process/confine.ts";
import type { Log } from "../lib/log.ts";
import type { ProcessEnvironment } from "../lib/process/processes.ts";
import { changesOf, statusOf } from "./git/changes.ts";
import type { Changes, TreeStatus } from "./git/changes.ts";
import { commitAll } from "./publish/commit.ts";
import type { CommitRequest } from "./publish/commit.ts";
import { createExclusive } from "./exclusive.ts";
import { createGit } from "./git/git.ts";
import type { GitLimits } from "./git/git.ts";
import { absolutePath } from "./git/environment.ts";
import type { Identity } from "./git/environment.ts";
import { hookPath, MAX_HOOK_BYTES, runHookText } from "./hooks.ts";
import type { Hidden, HookMoment, HookOutcome, HookRequest } from "./hooks.ts";
import { integrate } from "./publish/integrate.ts";
import type { Integrated, IntegrateRequest } from "./publish/integrate.ts";
import { hasMirror } from "./git/mirror.ts";
import { mirrorPlace, worktreePlace } from "./places.ts";
import type { Folders, Worktree } from "./places.ts";
import { prepareGround, prepareTree } from "./trees/prepare.ts";
import type { Prepared, PrepareRequest } from "./trees/prepare.ts";
import { publish } from "./publish/publish.ts";
import type { Published, PublishRequest } from "./publish/publish.ts";
import { readFileAt } from "./git/read-file.ts";
import { commitAt } from "./git/refs.ts";
import { checkRemote } from "./git/remote.ts";
import type { ForgeAccess, TokenSource } from "./git/remote.ts";
import { noted } from "./trees/preparing.ts";
import { removeTree, salvageTree } from "./trees/remove.ts";
import type { WorktreeNames } from "./trees/remove.ts";
import { salvageOf } from "./trees/salvage.ts";
import type { Salvage } from "./trees/salvage.ts";
import { deleteFolder } from "./trees/tree.ts";
import type { TreePlace } from "./trees/tree.ts";

export type { Worktree } from "./places.ts";
export type { Prepared, PrepareRequest } from "./trees/prepare.ts";
export type { Published, PublishRequest } from "./publish/publish.ts";
export type { Integrated } from "./publish/integrate.ts";
export type { Changes, TreeStatus } from "./git/changes.ts";
export type { Salvage } from "./trees/salvage.ts";

export interface WorktreesParts {
  /** `<dataDir>/worktrees` */
  readonly dir: string;
  /** `<dataDir>/mirrors` */
  readonly mirrorsDir: string;
  /** `<dataDir>/private`: must not be readable or writable for an agent. */
  readonly privateDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Author and committer where nobody else is named, as of what an agent commits itself. */
  readonly identity: Identity;
  /** Where tokens may be sent to; null = nowhere. */
  readonly forge: ForgeAccess | null;
  /** The operator's environment. Only the search path, language, proxies and certificates are taken from it. */
  readonly environment: ProcessEnvironment;
  /** Default 2 and 10 minutes. */
  readonly limits?: GitLimits;
  /** What hooks must not see, where the machine can keep it from them. `folder` holds all of our folders. */
  readonly hidden: Hidden;
  /** Default `git`. */
  readonly gitBin?: string;
}

export interface RemoteAccess {
  readonly cloneUrl: string;
  /** Asked for again for each network command, and only when the URL's host is the forge's. */
  readonly token?: TokenSource;
  readonly signal: AbortSignal;
}

export interface RemoveOptions {
  readonly signal: AbortSignal;
  /** Null or absent: the hook is not run. */
  readonly hook?: HookRequest | null;
}

export interface Worktrees {
  /** Makes or re-aims the worktree. Throws BadName, MissingBaseBranch, ExternalError, GitFailed. */
  prepare(request: PrepareRequest & RemoteAccess): Promise<Prepared>;
  status(worktree: Worktree, signal: AbortSignal): Promise<TreeStatus>;
  /** What lies in the worktree now compared with a commit; the patch is cut at `maxPatchBytes` (default 1 MiB). */
  changes(
    worktree: Worktree,
    from: string,
    options: { readonly signal: AbortSignal; readonly maxPatchBytes?: number },
  ): Promise<Changes>;
  /** See commit.ts: the new commit, or null when nothing was left to do. Throws UnresolvedConflict. */
  commitAll(
    worktree: Worktree,
    request: Omit<CommitRequest, "privateDir"> & { readonly signal: AbortSignal },
  ): Promise<string | null>;
  /** See publish.ts: pushes at most once, never over somebody else's commit. Throws RefusedPublish, ExternalError. */
  publish(worktree: Worktree, request: PublishRequest & RemoteAccess): Promise<Published>;
  /** See integrate.ts: another commit becomes part of our history, and nothing that was published is made again. */
  integrate(
    worktree: Worktree,
    request: Omit<IntegrateRequest, "privateDir"> & { readonly signal: AbortSignal },
  ): Promise<Integrated>;
  /** The file as it is in a commit of the mirror, null when there is none; never the worktree's own (default 256 KiB). */
  readFileAt(
    worktree: Worktree,
    file: { readonly sha: string; readonly path: string; readonly maxBytes?: number },
    signal: AbortSignal,
  ): Promise<string | null>;
  /** Runs the repository's hook as it is at `baseSha`. See hooks.ts. */
  runHook(
    moment: HookMoment,
    worktree: Worktree,
    request: HookRequest & { readonly baseSha: string },
  ): Promise<HookOutcome>;
  /** Salvages what only this worktree has. */
  salvage(worktree: Worktree, signal: AbortSignal): Promise<readonly Salvage[]>;
  /** All salvage of a worktree, also after its removal, oldest first. */
  salvageList(worktree: WorktreeNames, signal: AbortSignal): Promise<readonly Salvage[]>;
  /** Runs the hook `remove-worktree`, salvages, deletes. Safe to repeat; a failing hook does not stop it. */
  remove(worktree: Worktree, options: RemoveOptions): Promise<readonly Salvage[]>;
  /** The same for who knows only the names; branch and base are those of the last `prepare`. */
  removeNamed(repository: string, name: string, options: RemoveOptions): Promise<readonly Salvage[]>;
}

const LIMITS: GitLimits = { localMs: 120_000, networkMs: 600_000 };
const PATCH_BYTES = 1024 * 1024;

/** Copies of hooks and indexes that a killed relay left behind. */
async function removeLeftOvers(privateDir: string): Promise<void> {
  for (const name of await readdir(privateDir))
    if (/^(?:hook|index)-/.test(name)) await deleteFolder(join(privateDir, name));
}

/** The worktrees of one data folder. One process at a time may use it (the relay's lock sees to that). */
export async function createWorktrees(parts: WorktreesParts): Promise<Worktrees> {
  const folders: Folders = { dir: parts.dir, mirrorsDir: parts.mirrorsDir, privateDir: parts.privateDir };
  for (const folder of Object.values(folders) as string[])
    await mkdir(folder, { recursive: true, mode: 0o700 });
  await removeLeftOvers(parts.privateDir);
  const bornFile = join(parts.privateDir, "started");
  await writeFile(bornFile, "");
  const home = join(parts.privateDir, "git-home");
  await mkdir(home, { recursive: true, mode: 0o700 });
  const git = createGit({
    clock: parts.clock,
    log: parts.log,
    identity: parts.identity,
    home,
    operator: parts.environment,
    limits: parts.limits ?? LIMITS,
    ...(parts.gitBin === undefined ? {} : { bin: parts.gitBin }),
  });
  const exclusive = createExclusive();
  const remoteCall = (access: RemoteAccess) => ({
    remote: checkRemote(access.cloneUrl, parts.forge),
    token: access.token,
    signal: access.signal,
  });
  const placeOf = (worktree: WorktreeNames): TreePlace =>
    worktreePlace(folders, worktree.repository, worktree.name);
  /** One at a time per worktree; a stop while waiting is noticed when the turn comes. */
  const alone = async <T>(
    worktree: WorktreeNames,
    signal: AbortSignal,
    work: (place: TreePlace) => Promise<T>,
  ): Promise<T> => {
    const place = placeOf(worktree);
    return await exclusive.run(place.workTree, signal, async () => await work(place));
  };
  let isConfining = false;
  let told: string | null = null;
  /**
   * What hooks are kept from seeing, where this machine allows it. A trial that went well is not made again; one that did
   * not may have failed for a reason that passes, such as a machine too busy to answer in time.
   */
  const hiddenHere = async (signal: AbortSignal): Promise<Hidden | null> => {
    if (isConfining) return parts.hidden;
    const env = { PATH: absolutePath(parts.environment["PATH"]) };
    const trial = { place: join(parts.privateDir, "hook-"), blank: parts.hidden.further };
    const reason = await whyNotConfined(parts.clock, env, signal, trial);
    isConfining = reason === null;
    if (reason !== null && reason !== told) {
      const what =
        "hooks are not confined: what they run can read everything our account can, including our credentials";
      parts.log.warn(what, { reason });
      told = reason;
    }
    return isConfining ? parts.hidden : null;
  };
  const hookOf = async (
    moment: HookMoment,
    worktree: WorktreeNames,
    request: HookRequest & { readonly baseSha: string },
  ): Promise<HookOutcome> => {
    const mirror = mirrorPlace(folders, worktree.repository);
    const file = { sha: request.baseSha, path: hookPath(moment), maxBytes: MAX_HOOK_BYTES };
    const text = await readFileAt(git, mirror, file, request.signal);
    if (text === null)
      return { ran: false, ok: true, exitCode: null, output: "", timedOut: false, durationMs: 0 };
    const { clock, privateDir, environment: operator } = parts;
    const hidden = await hiddenHere(request.signal);
    const place = placeOf(worktree);
    const head = await commitAt(git, place, "HEAD", request.signal);
    const facts = { ...request.facts, ...(head === null ? {} : { PATCHRELAY_HEAD: head }) };
    const tree = { path: place.workTree, name: worktree.name, commonDir: place.commonDir };
    const run = async (): Promise<HookOutcome> =>
      await runHookText({ clock, privateDir, operator, hidden }, text, tree, { ...request, facts });
    return moment === "prepare-worktree"
      ? await noted(git, place, privateDir, request.signal, run)
      : await run();
  };
  const remove = async (
    names: WorktreeNames,
    branch: string | null,
    { signal, hook = null }: RemoveOptions,
  ): Promise<readonly Salvage[]> =>
    await alone(names, signal, async () => {
      const runHook =
        hook === null
          ? null
          : async (baseSha: string) => await hookOf("remove-worktree", names, { ...hook, baseSha });
      return await removeTree(git, folders, names, { branch, signal, hook: runHook });
    });

  return {
    prepare: async (request) =>
      await alone(
        { repository: request.repository, name: request.worktreeName },
        request.signal,
        async (place) => {
          const call = remoteCall(request);
          const ground = await exclusive.run(
            place.commonDir,
            request.signal,
            async () => await prepareGround(git, folders, call, request, bornFile),
          );
          return await prepareTree(git, folders, ground, request, request.signal);
        },
      ),
    // Looking takes no turn: it works on copies and must answer while a hook runs.
    status: async (worktree, signal) => await statusOf(git, placeOf(worktree), worktree.base.sha, signal),
    changes: async (worktree, from, { signal, maxPatchBytes = PATCH_BYTES }) =>
      await changesOf(git, placeOf(worktree), {
        from,
        known: [worktree.base.sha, worktree.target.sha],
        privateDir: parts.privateDir,
        maxPatchBytes,
        signal,
      }),
    commitAll: async (worktree, request) =>
      await alone(
        worktree,
        request.signal,
        async (place) =>
          await commitAll(git, place, { ...request, privateDir: parts.privateDir }, request.signal),
      ),
    publish: async (worktree, request) =>
      await alone(
        worktree,
        request.signal,
        async (place) => await publish(git, place, worktree, remoteCall(request), request),
      ),
    integrate: async (worktree, request) =>
      await alone(
        worktree,
        request.signal,
        async (place) =>
          await integrate(git, place, { ...request, privateDir: parts.privateDir }, request.signal),
      ),
    readFileAt: async (worktree, { sha, path, maxBytes = MAX_HOOK_BYTES }, signal) =>
      await readFileAt(git, mirrorPlace(folders, worktree.repository), { sha, path, maxBytes }, signal),
    runHook: async (moment, worktree, request) =>
      await alone(worktree, request.signal, async () => await hookOf(moment, worktree, request)),
    salvage: async (worktree, signal) =>
      await alone(
        worktree,
        signal,
        async () => await salvageTree(git, folders, worktree, worktree.branch, signal),
      ),
    salvageList: async (worktree, signal) => {
      const mirror = mirrorPlace(folders, worktree.repository);
      return (await hasMirror(mirror)) ? await salvageOf(git, mirror, worktree.name, signal) : [];
    },
    remove: async (worktree, options) => await remove(worktree, worktree.branch, options),
    removeNamed: async (repository, name, options) => await remove({ repository, name }, null, options),
  };
}

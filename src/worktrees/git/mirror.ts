import { mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExternalError } from "../../lib/external.ts";
import { GitFailed, MissingBaseBranch } from "../errors.ts";
import type { Git } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { checkBranch, checkSha, remoteRef } from "../names.ts";
import { commitAt, setRef } from "./refs.ts";
import type { Remote, TokenSource } from "./remote.ts";
import { isAbsent, kindOf } from "./vet.ts";

// The bare mirror of a repository: one object store for all worktrees of it. It follows only the base branch and
// the issues' own branches, and remembers under refs/patchrelay/remote/ what the remote had.

/** The remote's branches that an issue cares about, as they are there now. */
export interface RemoteHeads {
  /** The remote's default branch; null when it is empty. */
  readonly defaultBranch: string | null;
  readonly heads: ReadonlyMap<string, string>;
}

export interface RemoteCall {
  readonly remote: Remote;
  readonly token: TokenSource | undefined;
  readonly signal: AbortSignal;
}

/** Makes the mirror if it is not there, or finishes one whose making was interrupted. */
export async function ensureMirror(git: Git, place: GitPlace, signal: AbortSignal): Promise<void> {
  if (await hasMirror(place)) return;
  await mkdir(place.commonDir, { recursive: true, mode: 0o700 });
  await git.init(place.commonDir, signal);
  await writeFile(join(place.commonDir, "patchrelay-made"), "");
}

/** Whether the mirror was made. Changes nothing. */
export async function hasMirror(place: GitPlace): Promise<boolean> {
  return (await kindOf(join(place.commonDir, "patchrelay-made"))) === "file";
}

/** Asks the remote for its default branch and the named ones, without fetching anything. */
export async function askRemote(
  git: Git,
  place: GitPlace,
  call: RemoteCall,
  branches: readonly string[],
): Promise<RemoteHeads> {
  const refs = branches.map((branch) => `refs/heads/${checkBranch(branch)}`);
  const args = ["ls-remote", "--symref", "--quiet", "--end-of-options", call.remote.url, "HEAD", ...refs];
  const text = await git.text(place, { args, ...call });
  const heads = new Map<string, string>();
  let defaultBranch: string | null = null;
  for (const line of text.split("\n")) {
    const [value, ref] = line.split("\t");
    if (value === undefined || ref === undefined) continue;
    if (value.startsWith("ref: refs/heads/")) defaultBranch = value.slice("ref: refs/heads/".length);
    else if (ref === "HEAD" && defaultBranch !== null) heads.set(defaultBranch, checkSha(value));
    // A pattern also matches at the end of longer names (foo/refs/heads/x); only the exact ones were asked for.
    else if (refs.includes(ref)) heads.set(ref.slice("refs/heads/".length), checkSha(value));
  }
  return { defaultBranch, heads };
}

/**
 * Brings branches into the mirror, as `asked` saw them: afterwards `remoteRef(branch)` is what the remote has, or
 * gone where the remote has none. Returns what was found.
 */
export async function fetchBranches(
  git: Git,
  place: GitPlace,
  call: RemoteCall,
  asked: RemoteHeads,
  branches: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const wanted: string[] = [];
  for (const branch of branches) {
    const known = await commitAt(git, place, remoteRef(branch), call.signal);
    const there = asked.heads.get(branch) ?? null;
    if (there === null && known !== null) await setRef(git, place, remoteRef(branch), null, call.signal);
    if (there !== null && there !== known) wanted.push(branch);
  }
  if (wanted.length > 0) await fetch(git, place, call, wanted);
  const found = new Map<string, string>();
  for (const branch of branches) {
    // Read back: between question and fetch the remote may have moved on.
    const there = asked.heads.has(branch);
    const sha = there ? await commitAt(git, place, remoteRef(branch), call.signal) : null;
    if (sha !== null) found.set(branch, sha);
  }
  return found;
}

async function fetch(
  git: Git,
  place: GitPlace,
  call: RemoteCall,
  branches: readonly string[],
): Promise<void> {
  const refspecs = branches.map((branch) => `+refs/heads/${checkBranch(branch)}:${remoteRef(branch)}`);
  const quiet = [
    "--quiet",
    "--no-tags",
    "--no-recurse-submodules",
    "--no-write-fetch-head",
    "--no-auto-maintenance",
  ];
  await git.run(place, {
    args: ["fetch", ...quiet, "--end-of-options", call.remote.url, ...refspecs],
    ...call,
  });
}

/** From so many loose objects, or packs, on every git command takes noticeably longer (gc.auto, gc.autoPackLimit). */
const MOST_LOOSE = 6_700;
const MOST_PACKS = 50;

/**
 * Packs what has piled up in the mirror. Nothing is ever dropped, not even what no ref holds: an index, or our own record
 * of a tree, may. That it fails costs nothing but time later.
 */
export async function tidyMirror(git: Git, place: GitPlace, signal: AbortSignal): Promise<void> {
  const counted = await git.text(place, { args: ["count-objects", "-v"], signal });
  const count = (name: string): number =>
    Number(new RegExp(`^${name}: (\\d+)$`, "m").exec(counted)?.[1] ?? 0);
  if (count("count") <= MOST_LOOSE && count("packs") <= MOST_PACKS) return;
  const tasks = ["--task=loose-objects", "--task=incremental-repack"];
  try {
    await git.run(place, { args: ["maintenance", "run", "--quiet", ...tasks], signal });
  } catch (error) {
    if (!(error instanceof GitFailed)) throw error;
    git.log.warn("could not pack the mirror", { mirror: place.commonDir, error: error.message });
  }
}

/** The base branch to work from: the named one, or the remote's default. Throws MissingBaseBranch. */
export function chooseBase(asked: RemoteHeads, repository: string, named: string | null): string {
  const branch = named ?? asked.defaultBranch;
  if (branch === null || !asked.heads.has(branch)) throw new MissingBaseBranch(repository, branch);
  return checkBranch(branch);
}

/** The base's commit after a fetch; the branch may have vanished since it was asked for. */
export function baseCommit(found: ReadonlyMap<string, string>, branch: string): string {
  const sha = found.get(branch);
  if (sha === undefined) throw new ExternalError("conflict", `the target branch ${branch} no longer exists`);
  return sha;
}

/** No git of ours lives this long: its longest deadline is ten minutes (worktrees.ts). */
const DEAD_AFTER_MS = 900_000;

/**
 * Removes lock files that a killed git left behind (power cut, SIGKILL, out of memory): those older than `since`, a file
 * written when this life of the relay began, and those older than any git may become. Live locks are younger.
 */
export async function removeStaleLocks(place: GitPlace, since: string): Promise<readonly string[]> {
  // Both times are the file system's, as those of the locks are.
  const probe = `${since}.now`;
  await writeFile(probe, "");
  const now = (await stat(probe)).mtimeMs;
  const born = Math.max((await stat(since)).mtimeMs, now - DEAD_AFTER_MS);
  const removed: string[] = [];
  const { commonDir } = place;
  for (const directory of [commonDir, place.gitDir, join(commonDir, "objects"), join(commonDir, "refs")]) {
    for (const path of await locksIn(directory, directory.endsWith("/refs"))) {
      if ((await writtenAt(path)) >= born) continue;
      await rm(path, { force: true });
      removed.push(path);
    }
  }
  return removed;
}

async function locksIn(directory: string, deep: boolean): Promise<string[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true, recursive: deep });
    return entries
      .filter((entry) => entry.isFile() && entry.name.endsWith(".lock"))
      .map((entry) => join(entry.parentPath, entry.name));
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function writtenAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch (error) {
    // A live lock that was just released.
    if (isAbsent(error)) return Infinity;
    throw error;
  }
}

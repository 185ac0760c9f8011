import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Git } from "../git/git.ts";
import type { GitPlace } from "../git/environment.ts";
import { checkSha } from "../names.ts";
import { madeFor } from "../notes/made.ts";
import { commitAt, setRef } from "../git/refs.ts";
import { isAbsent, kindOf } from "../git/vet.ts";

// The worktree as files: what is there, making one, aiming it at a commit, taking it away. Whoever calls the
// destructive ones has salvaged first.

export type TreePlace = GitPlace & { readonly workTree: string };

/**
 * Lies in the git directory when a worktree was made: without it nobody has worked in there yet. It is there or not, and
 * holds nothing: what the worktree was made for is noted elsewhere (notes/made.ts).
 */
const MADE = "patchrelay-made";

/** Marks the worktree as made. */
export async function markMade(place: TreePlace): Promise<void> {
  await writeFile(join(place.gitDir, MADE), "");
}

/** Whether git calls a merge in progress there. */
export async function isMerging(place: TreePlace): Promise<boolean> {
  return (await kindOf(join(place.gitDir, "MERGE_HEAD"))) === "file";
}

/**
 * What is at a worktree's place. `strange`: files of a worktree that the mirror knows nothing of. `half_made`: our
 * own making was interrupted before anybody worked there.
 */
export async function look(
  place: TreePlace,
  privateDir: string,
): Promise<"whole" | "half_made" | "strange" | "none"> {
  const tree = await kindOf(place.workTree);
  if (await isEmpty(place.gitDir)) return tree === null ? "none" : "strange";
  const isMade =
    (await kindOf(join(place.gitDir, MADE))) !== null || (await madeFor(place, privateDir)) !== null;
  if (!isMade) return "half_made";
  return tree === "directory" ? "whole" : "none";
}

async function isEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (error) {
    if (isAbsent(error)) return true;
    throw error;
  }
}

/** Adds the worktree with `branch` checked out at `sha`, not yet marked as made. Nothing may be at its place. */
export async function addTree(
  git: Git,
  place: TreePlace,
  branch: string,
  sha: string,
  signal: AbortSignal,
): Promise<void> {
  const mirror = { gitDir: place.commonDir, commonDir: place.commonDir, workTree: null };
  await mkdir(dirname(place.workTree), { recursive: true, mode: 0o700 });
  await setRef(git, mirror, `refs/heads/${branch}`, sha, signal);
  const args = ["worktree", "add", "--quiet", "--no-checkout", "--", place.workTree, branch];
  await git.run(mirror, { args, signal });
  await linkTree(place);
  await resetTree(git, place, sha, signal);
}

/**
 * Makes the `.git` file of the worktree point to its git directory again. Ours never read it, but the agent's git
 * and the hooks' do. A repository that somebody made in its place is renamed, not deleted.
 */
export async function linkTree(place: TreePlace): Promise<void> {
  const path = join(place.workTree, ".git");
  const wanted = `gitdir: ${place.gitDir}\n`;
  const kind = await kindOf(path);
  if (kind === "file" && (await readFile(path, "utf8")) === wanted) return;
  if (kind === "directory") await moveAside(place, path);
  else await rm(path, { force: true });
  await writeFile(path, wanted, { flag: "wx" });
}

/** Puts the worktree's HEAD on `branch`, whatever it was; no file and no ref moves. */
export async function writeHead(place: TreePlace, branch: string): Promise<void> {
  const path = join(place.gitDir, "HEAD");
  await rm(path, { recursive: true, force: true });
  await writeFile(path, `ref: refs/heads/${branch}\n`, { flag: "wx" });
}

/**
 * What moves the worktree's HEAD moves the branch it is on: one that is on another branch than its own, or whose branch
 * stands for another one, is put on its commit alone, so that nobody else's branch moves.
 */
export async function leaveOtherBranches(
  git: Git,
  place: TreePlace,
  branch: string,
  signal: AbortSignal,
): Promise<void> {
  const args = ["symbolic-ref", "--quiet"];
  const call = { signal, answers: [0, 1, 128] };
  const on = await git.run(place, { args: [...args, "HEAD"], ...call });
  const ref = `refs/heads/${branch}`;
  const isOther = on.exitCode === 0 && on.stdout.trim() !== ref;
  const further = await git.run(place, { args: [...args, ref], ...call });
  if (!isOther && further.exitCode !== 0) return;
  const head = await commitAt(git, place, "HEAD", signal);
  git.log.warn("a worktree's HEAD was on another branch than its own", { branch, head });
  const path = join(place.gitDir, "HEAD");
  await rm(path, { recursive: true, force: true });
  await writeFile(path, head === null ? `ref: ${ref}\n` : `${head}\n`, { flag: "wx" });
}

/** Moves something that we do not know beside the worktrees. Returns where it is now. */
export async function moveAside(place: TreePlace, path: string): Promise<string> {
  const folder = join(dirname(place.workTree), ".aside");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const name = place.workTree.slice(dirname(place.workTree).length + 1);
  for (let number = 1; ; number += 1) {
    const target = join(folder, `${name}.${number}`);
    if ((await kindOf(target)) !== null) continue;
    await rename(path, target);
    return target;
  }
}

// git's own names (gitrepository-layout, builtin/rebase.c, sequencer.c) for an operation that waits for somebody.
const IN_PROGRESS = [
  "rebase-merge",
  "rebase-apply",
  "sequencer",
  "MERGE_HEAD",
  "MERGE_MODE",
  "MERGE_MSG",
  "MERGE_AUTOSTASH",
  "AUTO_MERGE",
  "CHERRY_PICK_HEAD",
  "REVERT_HEAD",
  "REBASE_HEAD",
  "SQUASH_MSG",
  "BISECT_LOG",
  "BISECT_START",
  "BISECT_EXPECTED_REV",
];

/** Files behind which git hides work during an operation in progress: commits that no ref names. */
const HIDDEN_WORK = [
  "rebase-merge/autostash",
  "rebase-apply/autostash",
  "MERGE_AUTOSTASH",
  "rebase-merge/orig-head",
];

/** Commits that only an operation in progress holds. */
export async function hiddenCommits(place: TreePlace): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of HIDDEN_WORK) {
    const path = join(place.gitDir, name);
    if ((await kindOf(path)) !== "file") continue;
    const sha = (await readFile(path, "utf8")).trim();
    if (/^[0-9a-f]{40,64}$/.test(sha)) found.push(sha);
  }
  return found;
}

/** Ends whatever operation is in progress and removes locks of a git that is gone; files stay as they are. */
async function endOperations(place: TreePlace): Promise<void> {
  for (const name of [...IN_PROGRESS, "index.lock", "HEAD.lock"]) {
    await rm(join(place.gitDir, name), { recursive: true, force: true });
  }
}

/** Puts the worktree on `branch` at exactly `sha`, without anything uncommitted; ignored files stay (caches, builds). */
export async function aimTree(
  git: Git,
  place: TreePlace,
  branch: string,
  sha: string,
  signal: AbortSignal,
): Promise<void> {
  await endOperations(place);
  await setRef(git, place, `refs/heads/${branch}`, sha, signal);
  await git.run(place, { args: ["symbolic-ref", "HEAD", `refs/heads/${branch}`], signal });
  await resetTree(git, place, sha, signal);
  await git.run(place, { args: ["clean", "--quiet", "-f", "-d"], signal });
}

/** Moves files, index and branch to a commit. What is not committed is lost, files that no commit knows stay. */
export async function resetTree(git: Git, place: TreePlace, sha: string, signal: AbortSignal): Promise<void> {
  await git.run(place, { args: ["reset", "--quiet", "--hard", checkSha(sha)], signal });
}

/** Deletes the worktree's files and its git directory; the mirror's refs and objects stay. Safe to repeat. */
export async function deleteTree(place: TreePlace): Promise<void> {
  await deleteFolder(place.workTree);
  await deleteFolder(place.gitDir);
}

/** Deletes a folder whatever its permissions: some package caches make their folders read-only. */
export async function deleteFolder(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM" && code !== "ENOTEMPTY") throw error;
    await makeWritable(path);
    await rm(path, { recursive: true, force: true, maxRetries: 2 });
  }
}

async function makeWritable(directory: string): Promise<void> {
  await chmod(directory, 0o700);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await makeWritable(join(directory, entry.name));
  }
}

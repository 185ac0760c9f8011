import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Git } from "../git/git.ts";
import type { GitPlace } from "../git/environment.ts";
import { BadName } from "../errors.ts";
import { checkBranch, checkSha } from "../names.ts";
import { setRef } from "../git/refs.ts";
import { isAbsent, kindOf } from "../git/vet.ts";

// The worktree as files: what is there, making one, aiming it at a commit, taking it away. Whoever calls the
// destructive ones has salvaged first.

export type TreePlace = GitPlace & { readonly workTree: string };

/** Written last when a worktree was made: without it nobody has worked in there yet. Holds what it was made for. */
const MADE = "patchrelay-made";

/** What a worktree was last prepared for. */
export interface MadeFor {
  readonly branch: string;
  readonly baseSha: string;
  /** The tree that our integration of another branch left in it, since it was last aimed at a commit; null = none was made. */
  readonly integrated: string | null;
  /** What the remote's branch was when it was last aimed at a commit; null = it was not there. */
  readonly remoteHead: string | null;
}

/** Marks the worktree as made, and for what. */
export async function markMade(place: TreePlace, made: MadeFor): Promise<void> {
  const lines = [made.branch, made.baseSha, made.integrated ?? "", made.remoteHead ?? ""];
  await writeFile(join(place.gitDir, MADE), `${lines.join("\n")}\n`);
}

/** What the mark says; null when there is none or it is damaged. */
export async function madeFor(place: TreePlace): Promise<MadeFor | null> {
  const path = join(place.gitDir, MADE);
  if ((await kindOf(path)) !== "file") return null;
  const [branch = "", baseSha = "", integrated = "", remoteHead = ""] = (await readFile(path, "utf8")).split(
    "\n",
  );
  try {
    return {
      branch: checkBranch(branch),
      baseSha: checkSha(baseSha),
      integrated: integrated === "" ? null : checkSha(integrated),
      remoteHead: remoteHead === "" ? null : checkSha(remoteHead),
    };
  } catch (error) {
    if (error instanceof BadName) return null;
    throw error;
  }
}

/** Whether a merge waits in the worktree to be concluded. */
export async function isMerging(place: TreePlace): Promise<boolean> {
  return (await kindOf(join(place.gitDir, "MERGE_HEAD"))) === "file";
}

/**
 * What is at a worktree's place. `strange`: files of a worktree that the mirror knows nothing of. `half_made`: our
 * own making was interrupted before anybody worked there.
 */
export async function look(place: TreePlace): Promise<"whole" | "half_made" | "strange" | "none"> {
  const tree = await kindOf(place.workTree);
  const made = await kindOf(join(place.gitDir, MADE));
  if (made !== null) return tree === "directory" ? "whole" : "none";
  if (await isEmpty(place.gitDir)) return tree === null ? "none" : "strange";
  return "half_made";
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

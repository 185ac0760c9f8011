import type { HookOutcome } from "../hooks.ts";
import type { Git } from "../git/git.ts";
import { checkBranch } from "../names.ts";
import { hookHome } from "../hooks.ts";
import { madeFor, noteMade } from "../notes/made.ts";
import { notePreparations } from "../notes/preparations.ts";
import { hasMirror } from "../git/mirror.ts";
import { mirrorPlace, worktreePlace } from "../places.ts";
import type { Folders, Worktree } from "../places.ts";
import { commitAt, setRef } from "../git/refs.ts";
import { salvage } from "./salvage.ts";
import type { Salvage } from "./salvage.ts";
import { deleteFolder, deleteTree, hiddenCommits, look } from "./tree.ts";

export type WorktreeNames = Pick<Worktree, "repository" | "name">;

/** Salvages what only this worktree holds: its files, HEAD, its branch, an operation in progress. */
export async function salvageTree(
  git: Git,
  folders: Folders,
  names: WorktreeNames,
  branch: string | null,
  signal: AbortSignal,
): Promise<readonly Salvage[]> {
  const mirror = mirrorPlace(folders, names.repository);
  const place = worktreePlace(folders, names.repository, names.name);
  const tip =
    branch === null ? null : await commitAt(git, mirror, `refs/heads/${checkBranch(branch)}`, signal);
  const whole = (await look(place, folders.privateDir)) === "whole";
  const further = [...(tip === null ? [] : [tip]), ...(whole ? await hiddenCommits(place) : [])];
  const { privateDir } = folders;
  return await salvage(git, whole ? place : mirror, { name: names.name, privateDir, further, signal });
}

/**
 * Takes a worktree away: hook, salvage, files, git directory, branch, the hooks' home. Safe to repeat, also after an
 * interruption. `branch` null = the one the worktree was prepared for. A failing hook is told in the log only.
 */
export async function removeTree(
  git: Git,
  folders: Folders,
  names: WorktreeNames,
  options: {
    readonly branch: string | null;
    readonly signal: AbortSignal;
    /** Runs the hook `remove-worktree` as it is in this commit; null = no hook is wanted. */
    readonly hook: ((baseSha: string) => Promise<HookOutcome>) | null;
  },
): Promise<readonly Salvage[]> {
  const { signal, hook } = options;
  const mirror = mirrorPlace(folders, names.repository);
  const place = worktreePlace(folders, names.repository, names.name);
  if (!(await hasMirror(mirror))) return [];
  const made = await madeFor(place, folders.privateDir);
  if (hook !== null && made !== null && (await look(place, folders.privateDir)) === "whole") {
    const { ok, exitCode } = await hook(made.baseSha);
    if (!ok) git.log.warn("the hook remove-worktree failed", { worktree: names.name, exitCode });
  }
  const branch = options.branch ?? made?.branch ?? null;
  const salvaged = await salvageTree(git, folders, names, branch, signal);
  await deleteFolder(hookHome(folders.privateDir, names.name));
  await notePreparations(place, folders.privateDir, []);
  if (branch !== null) await setRef(git, mirror, `refs/heads/${checkBranch(branch)}`, null, signal);
  await deleteTree(place);
  // Last: it says which branch it is.
  await noteMade(place, folders.privateDir, null);
  return salvaged;
}

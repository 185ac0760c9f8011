import { join } from "node:path";
import type { GitPlace } from "./git/environment.ts";
import { checkBranch, checkSha, checkWorktreeName, mirrorFolder } from "./names.ts";

/** The git worktree, as our records hold it. Everything but the names can be computed again. */
export interface Worktree {
  /** `owner/name`. */
  readonly repository: string;
  /** One path component, unique in this data folder. */
  readonly name: string;
  /** The branch, without `refs/heads/`. */
  readonly branch: string;
  /** The project's own base branch: hooks and workflow pages are those of this commit, whatever else is integrated. */
  readonly base: { readonly branch: string; readonly sha: string };
  /** What the change goes to: the base, unless a person gave the pull request another one. */
  readonly target: { readonly branch: string; readonly sha: string };
  readonly path: string;
  /** The worktree's own git directory, inside the mirror's. */
  readonly gitDir: string;
  /** The mirror. */
  readonly commonDir: string;
}

export interface Folders {
  /** `<dataDir>/worktrees` */
  readonly dir: string;
  /** `<dataDir>/mirrors` */
  readonly mirrorsDir: string;
  /** For files of ours that no agent may write: hook copies, homes, index copies. */
  readonly privateDir: string;
}

/** Where the mirror of a repository is. */
export function mirrorPlace(folders: Folders, repository: string): GitPlace {
  const commonDir = join(folders.mirrorsDir, mirrorFolder(repository));
  return { gitDir: commonDir, commonDir, workTree: null };
}

/** Where a worktree is, computed from its names alone: a record that was tampered with or moved leads nowhere else. */
export function worktreePlace(
  folders: Folders,
  repository: string,
  name: string,
): GitPlace & { readonly workTree: string } {
  const { commonDir } = mirrorPlace(folders, repository);
  return {
    commonDir,
    gitDir: join(commonDir, "worktrees", checkWorktreeName(name)),
    workTree: join(folders.dir, checkWorktreeName(name)),
  };
}

/** The record of a worktree; throws BadName. */
export function worktreeRecord(
  folders: Folders,
  names: Pick<Worktree, "repository" | "name" | "branch" | "base" | "target">,
): Worktree {
  const place = worktreePlace(folders, names.repository, names.name);
  return {
    repository: names.repository,
    name: names.name,
    branch: checkBranch(names.branch),
    base: { branch: checkBranch(names.base.branch), sha: checkSha(names.base.sha) },
    target: { branch: checkBranch(names.target.branch), sha: checkSha(names.target.sha) },
    path: place.workTree,
    gitDir: place.gitDir,
    commonDir: place.commonDir,
  };
}

import { join } from "node:path";
import { headOf, unmerged } from "../git/changes.ts";
import { GitFailed } from "../errors.ts";
import type { Git } from "../git/git.ts";
import { checkSha } from "../names.ts";
import { isAncestor, treeOf } from "../git/refs.ts";
import { snapshotTree } from "../git/snapshot.ts";
import { isMerging, madeFor, markMade } from "../trees/tree.ts";
import type { TreePlace } from "../trees/tree.ts";
import { kindOf } from "../git/vet.ts";

export interface IntegrateRequest {
  /** A commit that is in the mirror: the moved branch or base. */
  readonly onto: string;
  /** On a conflict: leave a merge in progress, with markers in the files, for an agent to resolve. */
  readonly leaveConflict: boolean;
  readonly privateDir: string;
}

export interface Integrated {
  readonly outcome: "clean" | "conflict";
  /** Where the worktree stands now. */
  readonly head: string;
  /** Files in conflict: still so with `leaveConflict`, else as they were when it was given up. */
  readonly conflicts: readonly string[];
  /** The tree object of what lies in the worktree now, markers of a conflict included: what follows is the agent's. */
  readonly tree: string;
}

type Outcome = Omit<Integrated, "tree">;

/**
 * Puts our commits on top of `onto` (rebase). On a conflict the worktree is as it was before, or in the middle of a
 * merge. The worktree must hold nothing uncommitted: GitFailed otherwise.
 */
export async function integrate(
  git: Git,
  place: TreePlace,
  request: IntegrateRequest,
  signal: AbortSignal,
): Promise<Integrated> {
  const outcome = await putOnTop(git, place, request, signal);
  const merging = await isMerging(place);
  const tree = merging
    ? await snapshotTree(git, place, request.privateDir, signal)
    : await treeOf(git, place, outcome.head, signal);
  const made = await madeFor(place);
  const isIntegrated = outcome.outcome === "clean" || merging;
  if (made !== null && isIntegrated) await markMade(place, { ...made, integrated: tree });
  return { ...outcome, tree };
}

async function putOnTop(
  git: Git,
  place: TreePlace,
  request: IntegrateRequest,
  signal: AbortSignal,
): Promise<Outcome> {
  const onto = checkSha(request.onto);
  // A rebase that a restart interrupted: nobody but us starts one here.
  if ((await kindOf(join(place.gitDir, "rebase-merge"))) !== null) {
    await git.run(place, { args: ["rebase", "--abort"], signal });
  }
  const before = await headOf(git, place, signal);
  if (
    (await snapshotTree(git, place, request.privateDir, signal)) !==
    (await treeOf(git, place, before, signal))
  ) {
    throw new GitFailed("rebase", null, "the worktree has uncommitted files; commit or salvage them first");
  }
  if (await isAncestor(git, place, onto, before, signal))
    return { outcome: "clean", head: before, conflicts: [] };
  const quiet = ["--quiet", "--no-autostash", "--no-fork-point", "--no-verify", "--no-stat", "--no-gpg-sign"];
  const rebase = ["rebase", ...quiet, "--empty=drop", "--no-rebase-merges", "--end-of-options", onto];
  if ((await git.run(place, { args: rebase, signal, answers: [0, 1] })).exitCode === 0) {
    return { outcome: "clean", head: await headOf(git, place, signal), conflicts: [] };
  }
  const conflicts = await unmerged(git, place, signal);
  await git.run(place, { args: ["rebase", "--abort"], signal });
  const head = await headOf(git, place, signal);
  if (!request.leaveConflict) return { outcome: "conflict", head, conflicts };
  return await merge(git, place, onto, signal);
}

// A merge can be left to an agent that may not write git's files: resolving is editing, the relay concludes it.
async function merge(git: Git, place: TreePlace, onto: string, signal: AbortSignal): Promise<Outcome> {
  const quiet = [
    "--quiet",
    "--no-ff",
    "--no-verify",
    "--no-stat",
    "--no-gpg-sign",
    "--no-edit",
    "--no-autostash",
  ];
  const args = ["merge", ...quiet, "-m", `Merge ${onto}`, "--end-of-options", onto];
  const clean = (await git.run(place, { args, signal, answers: [0, 1] })).exitCode === 0;
  const head = await headOf(git, place, signal);
  if (clean) return { outcome: "clean", head, conflicts: [] };
  return { outcome: "conflict", head, conflicts: await unmerged(git, place, signal) };
}

import { rm } from "node:fs/promises";
import { headOf, unmerged } from "../git/changes.ts";
import { parentsOf, writeCommit } from "../git/commit-object.ts";
import { GitFailed } from "../errors.ts";
import type { Identity } from "../git/environment.ts";
import type { Git } from "../git/git.ts";
import { mergedTree } from "../git/merge-tree.ts";
import { checkSha } from "../names.ts";
import { madeFor, noteMade } from "../notes/made.ts";
import { isAncestor, treeOf } from "../git/refs.ts";
import { asInput, listPaths, seemingChanges, snapshotTree } from "../git/snapshot.ts";
import { withTrailers } from "../git/trailers.ts";
import type { Trailers } from "../git/trailers.ts";
import { bytePath } from "../git/untouched.ts";
import { isMerging, leaveOtherBranches, resetTree } from "../trees/tree.ts";
import type { TreePlace } from "../trees/tree.ts";
import { messageOf, writerOf } from "./commit.ts";

// Nothing that was published is ever made again: a rebase leaves out what people did inside a merge commit, and gives
// their other commits new ids, without their signatures. So what is there stays, and a merge puts both together.

export interface IntegrateRequest {
  /** A commit that is in the mirror: the moved branch or base. */
  readonly onto: string;
  /**
   * What of our history the remote has; null or absent: keep all of it as it is. The one commit that stands on it is ours alone:
   * where `onto` goes on from there, it is put on top of that. Where `onto` does not, somebody has taken commits back.
   */
  readonly since?: string | null;
  /** Of a merge commit; default: which commit it brings in. */
  readonly message?: string;
  /** Of every commit that this makes. */
  readonly trailers?: Trailers;
  /** Author and committer of what this makes; default what git calls us in our folders. */
  readonly by?: Identity;
  /** On a conflict: leave a merge in progress, with markers in the files, for an agent to resolve. */
  readonly leaveConflict: boolean;
  readonly privateDir: string;
}

export interface Integrated {
  /** `rewritten`: `onto` lacks what was published before, and a merge would bring that back. Nothing was done. */
  readonly outcome: "clean" | "conflict" | "rewritten";
  /** Where the worktree stands now. */
  readonly head: string;
  /** Files in conflict: still so with `leaveConflict`, else as they were when it was given up. */
  readonly conflicts: readonly string[];
  /** The tree object of what lies in the worktree now, markers of a conflict included: what follows is the agent's. */
  readonly tree: string;
}

type Outcome = Omit<Integrated, "tree">;

/**
 * Brings `onto` into our history, so that both are ancestors of where the worktree stands afterwards. On a conflict the
 * worktree is as it was before, or in the middle of a merge. It must hold nothing uncommitted: GitFailed otherwise.
 */
export async function integrate(
  git: Git,
  place: TreePlace,
  request: IntegrateRequest,
  signal: AbortSignal,
): Promise<Integrated> {
  const { privateDir } = request;
  const made = await madeFor(place, privateDir);
  if (made !== null) await leaveOtherBranches(git, place, made.branch, signal);
  const outcome = await bringIn(git, place, request, signal);
  const merging = outcome.outcome === "conflict" && request.leaveConflict ? checkSha(request.onto) : null;
  const tree =
    merging === null
      ? await treeOf(git, place, outcome.head, signal)
      : await snapshotTree(git, place, privateDir, signal);
  if (made !== null && (outcome.outcome === "clean" || merging !== null))
    await noteMade(place, privateDir, { ...made, head: outcome.head, integrated: tree, merging });
  return { ...outcome, tree };
}

async function bringIn(
  git: Git,
  place: TreePlace,
  request: IntegrateRequest,
  signal: AbortSignal,
): Promise<Outcome> {
  const onto = checkSha(request.onto);
  const { since = null, privateDir } = request;
  const message = withTrailers(request.message ?? `Merge ${onto}`, request.trailers ?? {});
  const head = await headOf(git, place, signal);
  const held = await treeOf(git, place, head, signal);
  if ((await isMerging(place)) || (await snapshotTree(git, place, privateDir, signal)) !== held)
    throw new GitFailed("merge", null, "the worktree has uncommitted files; commit or salvage them first");
  if (await isAncestor(git, place, onto, head, signal)) return { outcome: "clean", head, conflicts: [] };
  if (since !== null && !(await isAncestor(git, place, since, onto, signal)))
    return { outcome: "rewritten", head, conflicts: [] };
  if (await isAncestor(git, place, head, onto, signal)) {
    await resetTree(git, place, onto, signal);
    return { outcome: "clean", head: onto, conflicts: [] };
  }
  const merged = await mergedTree(git, place, { ours: head, theirs: onto, privateDir }, signal);
  if ("conflicts" in merged) {
    if (!request.leaveConflict) return { outcome: "conflict", head, conflicts: merged.conflicts };
    return await leaveMerge(git, place, { onto, message, privateDir }, signal);
  }
  const parents = await parentsOf(git, place, head, signal);
  const isOurs = since !== null && parents.length === 1 && parents[0] === since;
  const commit = isOurs
    ? {
        parents: [onto],
        message: await messageOf(git, place, head, signal),
        author: await writerOf(git, place, head, request.by, signal),
      }
    : { parents: [head, onto], message };
  const by = request.by === undefined ? {} : { by: request.by };
  const made = await writeCommit(git, place, { tree: merged.tree, ...by, ...commit }, signal);
  await resetTree(git, place, made, signal);
  return { outcome: "clean", head: made, conflicts: [] };
}

// A merge can be left to an agent that may not write git's files: resolving is editing, the relay concludes it.
async function leaveMerge(
  git: Git,
  place: TreePlace,
  {
    onto,
    message,
    privateDir,
  }: { readonly onto: string; readonly message: string; readonly privateDir: string },
  signal: AbortSignal,
): Promise<Outcome> {
  // Git does not merge over a file that looks changed to it; one that is missing it makes again.
  const away = await seemingChanges(git, place, privateDir, signal);
  for (const path of away) await rm(bytePath(place.workTree, path), { force: true });
  const quiet = [
    "--quiet",
    "--no-ff",
    "--no-verify",
    "--no-stat",
    "--no-gpg-sign",
    "--no-edit",
    "--no-autostash",
  ];
  const args = ["merge", ...quiet, "-m", message, "--end-of-options", onto];
  const clean = (await git.run(place, { args, signal, answers: [0, 1] })).exitCode === 0;
  const missing = new Set(await listPaths(git, place, ["--deleted"], { signal }));
  const input = asInput(away.filter((path) => missing.has(path)));
  const conflicts = await unmerged(git, place, { signal });
  if (input !== "")
    await git.run(place, { args: ["checkout-index", "--quiet", "-z", "--stdin"], input, signal });
  const head = await headOf(git, place, signal);
  return clean ? { outcome: "clean", head, conflicts: [] } : { outcome: "conflict", head, conflicts };
}

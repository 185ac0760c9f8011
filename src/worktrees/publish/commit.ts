import { rm } from "node:fs/promises";
import { join } from "node:path";
import { headOf, unresolved } from "../git/changes.ts";
import { authorOf, parentsOf, writeCommit } from "../git/commit-object.ts";
import type { NewCommit } from "../git/commit-object.ts";
import { GitFailed, RewrittenHistory, UnresolvedConflict } from "../errors.ts";
import type { Git } from "../git/git.ts";
import type { GitPlace, Identity } from "../git/environment.ts";
import { checkSha } from "../names.ts";
import { madeFor } from "../notes/made.ts";
import { mergeLeft } from "../notes/merging.ts";
import { isAncestor, setRef, treeOf } from "../git/refs.ts";
import { stageAll, writeTree } from "../git/snapshot.ts";
import { hasTrailer, withTrailers } from "../git/trailers.ts";
import type { Trailers } from "../git/trailers.ts";
import { leaveOtherBranches } from "../trees/tree.ts";
import type { TreePlace } from "../trees/tree.ts";

export interface CommitRequest {
  readonly message: string;
  readonly trailers: Trailers;
  /** Author and committer; default what git calls us in our folders. */
  readonly by?: Identity;
  /** What of the history was published: it is neither left out nor made again. Null or absent: nothing. */
  readonly published?: string | null;
  readonly privateDir: string;
}

/**
 * Commits everything that lies in the worktree; a merge in progress is concluded. With nothing to commit, a tip that
 * only we have and that lacks the trailers (the agent's own commit) gets them. Returns the new commit, or null when
 * there was nothing to do. Throws UnresolvedConflict, RewrittenHistory, Unstorable. The agent must not be working meanwhile.
 */
export async function commitAll(
  git: Git,
  place: TreePlace,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const { privateDir } = request;
  const conflicts = await unresolved(git, place, signal);
  if (conflicts.length > 0) throw new UnresolvedConflict(conflicts);
  const made = await madeFor(place, privateDir);
  if (made !== null) await leaveOtherBranches(git, place, made.branch, signal);
  await rm(join(place.gitDir, "index.lock"), { force: true });
  const head = await headOf(git, place, signal);
  const published = request.published ?? null;
  if (published !== null && !(await isAncestor(git, place, published, head, signal)))
    throw new RewrittenHistory(published);
  await stageAll(git, place, privateDir, { signal });
  const tree = await writeTree(git, place, { signal });
  // What git's own files say is being merged, anybody may have written there.
  const merge = await mergeLeft(git, place, privateDir, signal);
  if (merge?.isThere === false)
    throw new GitFailed(
      "merge",
      null,
      `the merge of ${merge.onto} was given up, and what it had brought is gone`,
    );
  const merged = merge === null ? [] : [merge.onto];
  const clean = tree === (await treeOf(git, place, head, signal)) && merged.length === 0;
  const commit = clean
    ? await marked(git, place, head, tree, request, signal)
    : {
        tree,
        parents: [head, ...merged],
        message: withTrailers(request.message, request.trailers),
        ...(request.by === undefined ? {} : { by: request.by }),
      };
  const sha = commit === null ? null : await writeCommit(git, place, commit, signal);
  if (sha !== null) await setRef(git, place, "HEAD", sha, signal);
  for (const name of ["MERGE_HEAD", "MERGE_MODE", "MERGE_MSG", "AUTO_MERGE"]) {
    await rm(join(place.gitDir, name), { force: true });
  }
  return sha;
}

/** The tip once more with the trailers, or null when it has them or the remote has, or had, it already. */
async function marked(
  git: Git,
  place: GitPlace,
  head: string,
  tree: string,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<NewCommit | null> {
  const message = await messageOf(git, place, head, signal);
  if (Object.entries(request.trailers).every(([key, value]) => hasTrailer(message, key, value))) return null;
  const published = request.published == null ? [] : [checkSha(request.published)];
  const ours = ["rev-list", "--max-count=1", head, "--not", ...published, "--glob=refs/patchrelay/remote/*"];
  if ((await git.text(place, { args: ours, signal })) === "") return null;
  return {
    tree,
    parents: await parentsOf(git, place, head, signal),
    message: withTrailers(message, request.trailers),
    ...(request.by === undefined ? {} : { by: request.by }),
    author: await writerOf(git, place, head, request.by, signal),
  };
}

/** Who wrote a commit that is made again. Where git named us, because an agent committed it here, it is `by`. */
export async function writerOf(
  git: Git,
  place: GitPlace,
  sha: string,
  by: Identity | undefined,
  signal: AbortSignal,
): Promise<Identity & { readonly date: string }> {
  const author = await authorOf(git, place, sha, signal);
  return author.email === git.identity.email ? { ...author, ...by } : author;
}

/** The message of a commit, as it was written. */
export async function messageOf(
  git: Git,
  place: GitPlace,
  sha: string,
  signal: AbortSignal,
): Promise<string> {
  return await git.text(place, { args: ["log", "-1", "--no-show-signature", "--format=%B", sha], signal });
}

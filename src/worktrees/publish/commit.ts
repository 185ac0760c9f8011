import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { headOf, unresolved } from "../git/changes.ts";
import { writeCommit } from "../git/commit-object.ts";
import type { NewCommit } from "../git/commit-object.ts";
import { UnresolvedConflict } from "../errors.ts";
import type { Git } from "../git/git.ts";
import type { GitPlace, Identity } from "../git/environment.ts";
import { setRef, treeOf } from "../git/refs.ts";
import { stageAll, writeTree } from "../git/snapshot.ts";
import { hasTrailer, withTrailers } from "../git/trailers.ts";
import type { Trailers } from "../git/trailers.ts";
import type { TreePlace } from "../trees/tree.ts";
import { kindOf } from "../git/vet.ts";

export interface CommitRequest {
  readonly message: string;
  readonly trailers: Trailers;
  /** Default: the relay itself. */
  readonly author?: Identity;
}

/**
 * Commits everything that lies in the worktree; a merge in progress is concluded. With nothing to commit, a tip that
 * only we have and that lacks the trailers (the agent's own commit) gets them. Returns the new commit, or null when
 * there was nothing to do. Throws UnresolvedConflict. The agent must not be working meanwhile.
 */
export async function commitAll(
  git: Git,
  place: TreePlace,
  request: CommitRequest,
  signal: AbortSignal,
): Promise<string | null> {
  const conflicts = await unresolved(git, place, signal);
  if (conflicts.length > 0) throw new UnresolvedConflict(conflicts);
  await rm(join(place.gitDir, "index.lock"), { force: true });
  const head = await headOf(git, place, signal);
  await stageAll(git, place, { signal });
  const tree = await writeTree(git, place, { signal });
  const merged = await mergeHeads(place);
  const clean = tree === (await treeOf(git, place, head, signal)) && merged.length === 0;
  const commit = clean
    ? await marked(git, place, head, tree, request.trailers, signal)
    : {
        tree,
        parents: [head, ...merged],
        message: withTrailers(request.message, request.trailers),
        ...(request.author === undefined ? {} : { author: request.author }),
      };
  if (commit === null) return null;
  const sha = await writeCommit(git, place, commit, signal);
  await setRef(git, place, "HEAD", sha, signal);
  for (const name of ["MERGE_HEAD", "MERGE_MODE", "MERGE_MSG", "AUTO_MERGE"]) {
    await rm(join(place.gitDir, name), { force: true });
  }
  return sha;
}

async function mergeHeads(place: TreePlace): Promise<readonly string[]> {
  const path = join(place.gitDir, "MERGE_HEAD");
  if ((await kindOf(path)) !== "file") return [];
  return (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
}

/** The tip once more with the trailers, or null when it has them or the remote has it already. */
async function marked(
  git: Git,
  place: GitPlace,
  head: string,
  tree: string,
  trailers: Trailers,
  signal: AbortSignal,
): Promise<NewCommit | null> {
  const message = await messageOf(git, place, head, signal);
  if (Object.entries(trailers).every(([key, value]) => hasTrailer(message, key, value))) return null;
  const ours = ["rev-list", "--max-count=1", head, "--not", "--glob=refs/patchrelay/remote/*"];
  if ((await git.text(place, { args: ours, signal })) === "") return null;
  const show = ["log", "-1", "--no-show-signature", "--format=%P%x00%an%x00%ae%x00%ad", "--date=raw", head];
  const [parents = "", name = "", email = "", date = ""] = (
    await git.text(place, { args: show, signal })
  ).split("\0");
  return {
    tree,
    parents: parents.split(" ").filter((parent) => parent !== ""),
    message: withTrailers(message, trailers),
    author: { name, email, date },
  };
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

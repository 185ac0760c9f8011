import type { Git } from "../git/git.ts";
import type { GitPlace } from "../git/environment.ts";
import { salvagePrefix } from "../names.ts";
import { writeCommit } from "../git/commit-object.ts";
import { commitAt, refsBelow, setRef, treeOf } from "../git/refs.ts";
import { snapshotTree } from "../git/snapshot.ts";

// Before anything destructive: what only this worktree has gets a ref of its own in the mirror. Salvage is never
// removed by the relay; a person restores from it with plain git.

export interface Salvage {
  readonly ref: string;
  readonly sha: string;
}

/** The salvage of a worktree, oldest first. */
export async function salvageOf(
  git: Git,
  place: GitPlace,
  name: string,
  signal: AbortSignal,
): Promise<readonly Salvage[]> {
  const found = await refsBelow(git, place, salvagePrefix(name), signal);
  return found.toSorted((a, b) => numberOf(a) - numberOf(b));
}

/**
 * Salvages the uncommitted files (as a commit on HEAD, untracked ones included, ignored ones not), HEAD and the
 * given further commits, each only when nothing on the remote or in earlier salvage already holds it. The tree is
 * not touched. Returns the new refs.
 */
export async function salvage(
  git: Git,
  place: GitPlace,
  options: {
    readonly name: string;
    readonly privateDir: string;
    readonly further: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<readonly Salvage[]> {
  const { name, signal } = options;
  const head = place.workTree === null ? null : await commitAt(git, place, "HEAD", signal);
  const tips = [...options.further];
  if (head !== null) {
    const tree = await snapshotTree(git, place, options.privateDir, signal);
    tips.unshift(tree === (await treeOf(git, place, head, signal)) ? head : await dirtyCommit(tree, head));
  }
  const made: Salvage[] = [];
  for (const sha of new Set(tips)) {
    if (await isKept(git, place, sha, salvagePrefix(name), signal)) continue;
    made.push(await keep(git, place, name, sha, signal));
  }
  return made;

  async function dirtyCommit(tree: string, parent: string): Promise<string> {
    const message = `Salvaged from ${name}: uncommitted files\n`;
    return await writeCommit(git, place, { tree, parents: [parent], message }, signal);
  }
}

async function keep(
  git: Git,
  place: GitPlace,
  name: string,
  sha: string,
  signal: AbortSignal,
): Promise<Salvage> {
  const last = (await salvageOf(git, place, name, signal)).at(-1);
  const ref = `${salvagePrefix(name)}${last === undefined ? 1 : numberOf(last) + 1}`;
  await setRef(git, place, ref, sha, signal);
  git.log.warn("salvaged work before a destructive step", { worktree: name, ref, sha });
  return { ref, sha };
}

function numberOf(found: Salvage): number {
  return Number(found.ref.slice(found.ref.lastIndexOf("/") + 1)) || 0;
}

// Held: reachable from what the remote had or from earlier salvage, or the same files on the same parents.
async function isKept(
  git: Git,
  place: GitPlace,
  sha: string,
  prefix: string,
  signal: AbortSignal,
): Promise<boolean> {
  const by = ["--glob=refs/patchrelay/remote/*", `--glob=${prefix}*`];
  const missing = await git.text(place, {
    args: ["rev-list", "--max-count=1", sha, "--not", ...by],
    signal,
  });
  if (missing === "") return true;
  const show = ["log", "--no-walk", "--format=%T %P", "--end-of-options", sha];
  const shape = await git.text(place, { args: show, signal });
  const list = ["for-each-ref", "--format=%(tree) %(parent)", "--", prefix];
  return (await git.text(place, { args: list, signal })).split("\n").includes(shape);
}

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { unmerged } from "./changes.ts";
import { checkSha } from "../names.ts";
import { writeTree } from "./snapshot.ts";

/**
 * The tree of two commits merged, or the files in conflict. Merged in a scratch folder: no file, index or ref of a
 * worktree moves, so that an interruption leaves nothing behind. (`merge-tree --write-tree` is younger than our oldest git.)
 */
export async function mergedTree(
  git: Git,
  place: GitPlace,
  sides: { readonly ours: string; readonly theirs: string; readonly privateDir: string },
  signal: AbortSignal,
): Promise<{ readonly tree: string } | { readonly conflicts: readonly string[] }> {
  const ours = checkSha(sides.ours);
  const theirs = checkSha(sides.theirs);
  await mkdir(sides.privateDir, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(sides.privateDir, "index-"));
  const workTree = join(folder, "tree");
  const scratch = { ...place, workTree };
  const call = { signal, indexFile: join(folder, "index") };
  try {
    await mkdir(workTree);
    const found = ["merge-base", "--all", ours, theirs];
    const bases = (await git.run(place, { args: found, signal, answers: [0, 1] })).stdout.trim();
    await git.run(scratch, { args: ["read-tree", ours], ...call });
    const from = bases === "" ? [] : bases.split("\n").map(checkSha);
    const args = ["merge-recursive", ...from, "--", ours, theirs];
    const { exitCode } = await git.run(scratch, { args, ...call, answers: [0, 1] });
    if (exitCode === 1) return { conflicts: await unmerged(git, scratch, call) };
    return { tree: await writeTree(git, scratch, call) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

import { copyFile, mkdir, mkdtemp, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Git } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { checkSha } from "../names.ts";
import { isAbsent } from "./vet.ts";

// Recording what is in the tree, without `git add`: for a nested repository `git add` and `git status` start another
// git *in* it, under the config that lies there. These commands look at the files only.

export interface StageCall {
  readonly signal: AbortSignal;
  /** Default: the worktree's own index. */
  readonly indexFile?: string;
}

/** Brings the index to what lies in the tree: new, changed and deleted files, conflicts taken as they stand. */
export async function stageAll(git: Git, place: GitPlace, call: StageCall): Promise<void> {
  const list = async (...flags: string[]): Promise<string[]> => {
    const args = ["ls-files", "-z", ...flags];
    return (await git.run(place, { args, encoding: "latin1", ...call })).stdout.split("\0");
  };
  // A path in conflict counts as modified: at least one of its versions differs from the file.
  const paths = new Set([
    ...(await list("--modified", "--deleted")),
    ...(await list("--others", "--exclude-standard")),
  ]);
  // A path that ends with a slash is a nested repository: nothing of ours to record.
  const files = [...paths].filter((path) => path !== "" && !path.endsWith("/"));
  if (files.length === 0) return;
  const input = files.map((path) => `${path}\0`).join("");
  await git.run(place, {
    args: ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"],
    input,
    ...call,
  });
}

/** The tree object of an index without conflicts. */
export async function writeTree(git: Git, place: GitPlace, call: StageCall): Promise<string> {
  return checkSha(await git.text(place, { args: ["write-tree"], ...call }));
}

/**
 * The tree object of everything that lies in the worktree now (not what is ignored), made through a copy of the
 * index, so that neither files nor index of the worktree are touched.
 */
export async function snapshotTree(
  git: Git,
  place: GitPlace,
  privateDir: string,
  signal: AbortSignal,
): Promise<string> {
  await mkdir(privateDir, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(privateDir, "index-"));
  const call = { signal, indexFile: join(folder, "index") };
  try {
    if (!(await copied(join(place.gitDir, "index"), call.indexFile))) {
      await git.run(place, { args: ["read-tree", "HEAD"], ...call });
    }
    await stageAll(git, place, call);
    return await writeTree(git, place, call);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The copy is as old as what it is made from: git looks into a file that is not older than the index, since it may have been
 * changed within the second that the index knows of it (Documentation/technical/racy-git). A younger copy would hide that.
 */
async function copied(from: string, to: string): Promise<boolean> {
  try {
    const writtenAt = Math.floor((await stat(from)).mtimeMs / 1_000);
    await copyFile(from, to);
    await utimes(to, writtenAt, writtenAt);
    return true;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

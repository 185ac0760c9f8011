import { copyFile, mkdir, mkdtemp, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { Git, StageCall } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { preparationsOf, withoutPreparation } from "../notes/preparations.ts";
import { checkSha } from "../names.ts";
import { GitFailed, Unstorable } from "../errors.ts";
import { untouched } from "./untouched.ts";
import { isAbsent } from "./vet.ts";

// Recording what is in the tree, without `git add`: for a nested repository `git add` and `git status` start another
// git *in* it, under the config that lies there. These commands look at the files only.

/** Paths that `git ls-files` names, as latin1: bytes pass through unchanged. */
export async function listPaths(
  git: Git,
  place: GitPlace,
  flags: readonly string[],
  call: StageCall,
): Promise<readonly string[]> {
  const args = ["ls-files", "-z", ...flags];
  const { stdout } = await git.run(place, { args, encoding: "latin1", ...call });
  return stdout.split("\0").filter((path) => path !== "");
}

/** Paths that go to a git command on its standard input. */
export function asInput(paths: readonly string[]): string {
  return paths.map((path) => `${path}\0`).join("");
}

/**
 * Brings the index to what lies in the tree: new, changed and deleted files, conflicts taken as they stand. What nobody
 * has changed stays as it is recorded: files as git itself writes them, and what was there before the agent began.
 */
export async function stageAll(
  git: Git,
  place: GitPlace,
  privateDir: string,
  call: StageCall,
): Promise<void> {
  await lookAgain(git, place, call);
  // A path in conflict counts as modified: at least one of its versions differs from the file.
  const paths = new Set([
    ...(await listPaths(git, place, ["--modified", "--deleted"], call)),
    ...(await listPaths(git, place, ["--others", "--exclude-standard"], call)),
  ]);
  const same = await untouched(git, place, privateDir, call);
  // A path that ends with a slash is a nested repository: nothing of ours to record.
  const files = [...paths].filter((path) => !path.endsWith("/") && !same.has(path));
  if (files.length > 0) await record(git, place, files, call);
  for (const made of (await preparationsOf(place, privateDir)).toReversed())
    await withoutPreparation(git, place, made, call);
}

/** Takes back what tells git not to look at a file: changes of it would be neither seen nor published, and lost. */
async function lookAgain(git: Git, place: GitPlace, call: StageCall): Promise<void> {
  const marked = (await listPaths(git, place, ["-v"], call)).filter((entry) => /^[a-zS] /.test(entry));
  if (marked.length === 0) return;
  const input = asInput(marked.map((entry) => entry.slice(2)));
  for (const flag of ["--no-assume-unchanged", "--no-skip-worktree"])
    await git.run(place, { args: ["update-index", flag, "-z", "--stdin"], input, ...call });
}

// Git refuses what the attributes of a file do not let it store: bytes in another encoding than they name.
const UNSTORABLE = /^fatal: (.*(?:BOM is (?:required|prohibited)|failed to encode).*)$/m;

async function record(git: Git, place: GitPlace, files: readonly string[], call: StageCall): Promise<void> {
  const args = ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"];
  try {
    await git.run(place, { args, input: asInput(files), ...call });
  } catch (error) {
    const why = error instanceof GitFailed ? UNSTORABLE.exec(error.detail)?.[1] : undefined;
    throw why === undefined ? error : new Unstorable(why);
  }
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
  return await withIndexCopy(git, place, privateDir, signal, async (call) => {
    await stageAll(git, place, privateDir, call);
    return await writeTree(git, place, call);
  });
}

/** Files that look changed to git: changed ones, and those whose attributes have git store them otherwise than it did. */
export async function seemingChanges(
  git: Git,
  place: GitPlace,
  privateDir: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  return await withIndexCopy(git, place, privateDir, signal, (call) =>
    listPaths(git, place, ["--modified"], call),
  );
}

async function withIndexCopy<T>(
  git: Git,
  place: GitPlace,
  privateDir: string,
  signal: AbortSignal,
  work: (call: StageCall) => Promise<T>,
): Promise<T> {
  await mkdir(privateDir, { recursive: true, mode: 0o700 });
  const folder = await mkdtemp(join(privateDir, "index-"));
  const call = { signal, indexFile: join(folder, "index") };
  try {
    if (!(await copied(join(place.gitDir, "index"), call.indexFile))) {
      await git.run(place, { args: ["read-tree", "HEAD"], ...call });
    }
    return await work(call);
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

import type { Git } from "./git.ts";
import type { GitPlace } from "./environment.ts";
import { checkSha } from "../names.ts";

// Reading and writing refs and commits by full names, in one place.

/** The commit a full ref name (or HEAD, or an object id) stands for; null when there is none. */
export async function commitAt(
  git: Git,
  place: GitPlace,
  name: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${name}^{commit}`];
  const { exitCode, stdout } = await git.run(place, { args, signal, answers: [0, 1, 128] });
  const sha = stdout.trim();
  return exitCode === 0 && sha !== "" ? checkSha(sha) : null;
}

/** The tree of a commit. */
export async function treeOf(git: Git, place: GitPlace, sha: string, signal: AbortSignal): Promise<string> {
  const args = ["rev-parse", "--verify", "--end-of-options", `${checkSha(sha)}^{tree}`];
  return checkSha(await git.text(place, { args, signal }));
}

/** Whether `older` is `newer` or one of its ancestors. */
export async function isAncestor(
  git: Git,
  place: GitPlace,
  older: string,
  newer: string,
  signal: AbortSignal,
): Promise<boolean> {
  const args = ["merge-base", "--is-ancestor", checkSha(older), checkSha(newer)];
  return (await git.run(place, { args, signal, answers: [0, 1] })).exitCode === 0;
}

/** The newest commit that both come from; null = they have nothing in common. */
export async function forkPoint(
  git: Git,
  place: GitPlace,
  one: string,
  other: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = ["merge-base", checkSha(one), checkSha(other)];
  const found = (await git.run(place, { args, signal, answers: [0, 1] })).stdout.trim();
  return found === "" ? null : checkSha(found);
}

/** Points `ref` at `sha`, or removes it (null). `HEAD` moves the branch it is on; any other ref is that ref alone. */
export async function setRef(
  git: Git,
  place: GitPlace,
  ref: string,
  sha: string | null,
  signal: AbortSignal,
): Promise<void> {
  const args =
    sha === null
      ? ["update-ref", "--no-deref", "-d", "--end-of-options", ref]
      : ["update-ref", ...(ref === "HEAD" ? [] : ["--no-deref"]), "--end-of-options", ref, checkSha(sha)];
  await git.run(place, { args, signal });
}

/** The folder of the worktree that has a branch checked out; null = none has. */
export async function checkedOutAt(
  git: Git,
  place: GitPlace,
  branch: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = ["for-each-ref", "--format=%(worktreepath)", "--", `refs/heads/${branch}`];
  const found = await git.text(place, { args, signal });
  return found === "" ? null : found;
}

/** Full names and commits of the refs below a prefix that ends with a slash. */
export async function refsBelow(
  git: Git,
  place: GitPlace,
  prefix: string,
  signal: AbortSignal,
): Promise<readonly { readonly ref: string; readonly sha: string }[]> {
  const args = ["for-each-ref", "--format=%(objectname) %(refname)", "--", prefix];
  const text = await git.text(place, { args, signal });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => ({
      sha: checkSha(line.slice(0, line.indexOf(" "))),
      ref: line.slice(line.indexOf(" ") + 1),
    }));
}

/** How many commits `to` has that `from` has not. */
export async function countBetween(
  git: Git,
  place: GitPlace,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<number> {
  const args = ["rev-list", "--count", checkSha(to), `^${checkSha(from)}`];
  return Number(await git.text(place, { args, signal }));
}

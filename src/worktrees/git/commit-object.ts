import { iso } from "../../lib/clock.ts";
import type { Git } from "./git.ts";
import type { GitPlace, Identity } from "./environment.ts";
import { checkSha } from "../names.ts";

export interface NewCommit {
  readonly tree: string;
  readonly parents: readonly string[];
  readonly message: string;
  /** The committer; default what git calls us in our folders. */
  readonly by?: Identity;
  /** Who wrote it, and when (ISO 8601 or git's own raw form); default the committer, now. */
  readonly author?: Identity & { readonly date?: string };
}

/** Makes a commit object; no ref moves, no hook runs, nothing is signed. */
export async function writeCommit(
  git: Git,
  place: GitPlace,
  commit: NewCommit,
  signal: AbortSignal,
): Promise<string> {
  const now = iso(git.clock.now());
  const by = commit.by ?? git.identity;
  const author = commit.author ?? by;
  const date = commit.author?.date ?? now;
  const env = {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: by.name,
    GIT_COMMITTER_EMAIL: by.email,
    GIT_COMMITTER_DATE: now,
  };
  const parents = commit.parents.flatMap((parent) => ["-p", checkSha(parent)]);
  const args = ["commit-tree", ...parents, "-F", "-", checkSha(commit.tree)];
  const input = Buffer.from(commit.message, "utf8").toString("latin1");
  return checkSha(await git.text(place, { args, signal, env, input, encoding: "latin1" }));
}

/** The parents of a commit, in order. */
export async function parentsOf(
  git: Git,
  place: GitPlace,
  sha: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const args = ["rev-parse", `${checkSha(sha)}^@`];
  return (await git.text(place, { args, signal })).split("\n").filter((parent) => parent !== "");
}

/** Who wrote a commit, and when, in git's raw form. */
export async function authorOf(
  git: Git,
  place: GitPlace,
  sha: string,
  signal: AbortSignal,
): Promise<Identity & { readonly date: string }> {
  const args = [
    "log",
    "-1",
    "--no-show-signature",
    "--format=%an%x00%ae%x00%ad",
    "--date=raw",
    checkSha(sha),
  ];
  const [name = "", email = "", date = ""] = (await git.text(place, { args, signal })).split("\0");
  return { name, email, date };
}

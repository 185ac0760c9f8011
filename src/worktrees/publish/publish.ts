import { RUN_TRAILER } from "../../lib/committer.ts";
import { failpoint } from "../../lib/failpoints.ts";
import { ExternalError } from "../../lib/external.ts";
import { headOf } from "../git/changes.ts";
import { messageOf } from "./commit.ts";
import { RefusedPublish } from "../errors.ts";
import type { Git } from "../git/git.ts";
import type { GitPlace } from "../git/environment.ts";
import { askRemote, fetchBranches } from "../git/mirror.ts";
import type { RemoteCall, RemoteHeads } from "../git/mirror.ts";
import { checkBranch, checkSha, remoteRef } from "../names.ts";
import type { Worktree } from "../places.ts";
import { isAncestor, setRef } from "../git/refs.ts";
import { hasTrailer } from "../git/trailers.ts";
import type { TreePlace } from "../trees/tree.ts";

export interface PublishRequest {
  readonly branch: string;
  /** What the remote's branch must be at; null = it must not exist. */
  readonly expected: string | null;
  /** Value of the `Patchrelay-Run` trailer that the tip carries. */
  readonly runTrailer: string;
}

/**
 * `pushed`: the remote is at our commit by this call. `already_pushed`: it was before, by an earlier try of this run,
 * and others may have pushed on top since.
 * `moved`: somebody else changed the branch; nothing was pushed, and their commit is in the mirror.
 */
export interface Published {
  readonly outcome: "pushed" | "already_pushed" | "moved";
  /** The remote's branch now; null = it does not exist. */
  readonly remote: string | null;
}

/** Pushes the worktree's HEAD to its branch, once however often it is called. Throws RefusedPublish, ExternalError. */
export async function publish(
  git: Git,
  place: TreePlace,
  worktree: Worktree,
  call: RemoteCall,
  request: PublishRequest,
): Promise<Published> {
  const branch = checkBranch(request.branch);
  if (branch !== worktree.branch) throw new RefusedPublish(`${branch} is not the branch of this worktree`);
  if (branch === worktree.base.branch || branch === worktree.target.branch)
    throw new RefusedPublish(`refusing to push to the base branch ${branch}`);
  const expected = request.expected === null ? null : checkSha(request.expected);
  const sha = await headOf(git, place, call.signal);
  if (!hasTrailer(await messageOf(git, place, sha, call.signal), RUN_TRAILER, request.runTrailer)) {
    throw new RefusedPublish(`the tip lacks "${RUN_TRAILER}: ${request.runTrailer}"; commit it first`);
  }
  const asked = await askRemote(git, place, call, [branch]);
  if (asked.defaultBranch === branch) throw new RefusedPublish(`${branch} is the remote's default branch`);
  const known = [worktree.base.sha, worktree.target.sha, ...(expected === null ? [] : [expected])];
  const comparison = { branch, sha, expected, known, run: request.runTrailer };
  const before = await compare(git, place, call, { ...comparison, asked });
  if (before !== null) return before;
  if (expected !== null && !(await isAncestor(git, place, expected, sha, call.signal)))
    throw new RefusedPublish(`refusing to take ${expected} off ${branch}: a push only adds to what is there`);
  failpoint("publish.before_push");
  // The lease is what makes it exact: a push that adds to `expected` does not go through on top of another commit.
  const refused = await push(git, place, call, { sha, branch, expected });
  failpoint("publish.after_push");
  if (refused !== null) {
    // The answer may be lost although the push arrived, and somebody may have been faster: ask.
    const again = await askRemote(git, place, call, [branch]);
    const after = await compare(git, place, call, { ...comparison, asked: again });
    if (after === null) throw refused;
    if (after.outcome === "moved" || after.remote !== sha) return after;
  }
  await setRef(git, place, remoteRef(branch), sha, call.signal);
  return { outcome: "pushed", remote: sha };
}

interface Comparison {
  readonly asked: RemoteHeads;
  readonly branch: string;
  readonly sha: string;
  readonly expected: string | null;
  /** What was there before this run pushed anything. */
  readonly known: readonly string[];
  readonly run: string;
}

/** Null: the remote is where we expect it, a push is due. */
async function compare(
  git: Git,
  place: GitPlace,
  call: RemoteCall,
  { asked, branch, sha, expected, known, run }: Comparison,
): Promise<Published | null> {
  const there = asked.heads.get(branch) ?? null;
  if (there === sha) {
    await setRef(git, place, remoteRef(branch), sha, call.signal);
    return { outcome: "already_pushed", remote: sha };
  }
  if (there === expected) return null;
  const remote = (await fetchBranches(git, place, call, asked, [branch])).get(branch) ?? null;
  const arrived = remote !== null && (await holdsOurs(git, place, remote, { sha, known, run }, call.signal));
  return { outcome: arrived ? "already_pushed" : "moved", remote };
}

/** How many of the remote's new commits are looked through for our trailer. */
const MOST_COMMITS = 200;

/**
 * Whether an earlier try of this run arrived at the remote, maybe with other people's commits on top: the commit itself,
 * or, when the worktree was recreated since, another one with our trailer that nobody knew of before.
 */
async function holdsOurs(
  git: Git,
  place: GitPlace,
  remote: string,
  { sha, known, run }: Pick<Comparison, "sha" | "known" | "run">,
  signal: AbortSignal,
): Promise<boolean> {
  if (await isAncestor(git, place, sha, remote, signal)) return true;
  const shape = ["--no-show-signature", "-z", "--format=%B", `--max-count=${MOST_COMMITS}`];
  const messages = await git.text(place, { args: ["log", ...shape, remote, "--not", ...known], signal });
  return messages.split("\0").some((message) => hasTrailer(message, RUN_TRAILER, run));
}

/** Null, or why it was not accepted. */
async function push(
  git: Git,
  place: GitPlace,
  call: RemoteCall,
  {
    sha,
    branch,
    expected,
  }: { readonly sha: string; readonly branch: string; readonly expected: string | null },
): Promise<ExternalError | null> {
  const ref = `refs/heads/${branch}`;
  const guards = [
    "--no-verify",
    "--no-follow-tags",
    "--no-signed",
    "--recurse-submodules=no",
    `--force-with-lease=${ref}:${expected ?? ""}`,
  ];
  const args = ["push", "--porcelain", ...guards, "--end-of-options", call.remote.url, `${sha}:${ref}`];
  try {
    await git.run(place, { args, ...call });
    return null;
  } catch (error) {
    if (error instanceof ExternalError) return error;
    throw error;
  }
}

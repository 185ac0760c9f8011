import { ExternalError } from "../../lib/external.ts";
import { BranchTaken, RefusedPublish } from "../errors.ts";
import type { Git } from "../git/git.ts";
import {
  askRemote,
  baseCommit,
  chooseBase,
  ensureMirror,
  fetchBranches,
  removeStaleLocks,
  tidyMirror,
} from "../git/mirror.ts";
import type { RemoteCall } from "../git/mirror.ts";
import { checkBranch, checkSha } from "../names.ts";
import { madeFor, noteMade } from "../notes/made.ts";
import { mergeLeft } from "../notes/merging.ts";
import { notePreparations } from "../notes/preparations.ts";
import { mirrorPlace, worktreePlace, worktreeRecord } from "../places.ts";
import type { Folders, Worktree } from "../places.ts";
import { checkedOutAt, commitAt, forkPoint, isAncestor, setRef } from "../git/refs.ts";
import { salvage } from "./salvage.ts";
import {
  addTree,
  aimTree,
  deleteTree,
  hiddenCommits,
  linkTree,
  look,
  markMade,
  moveAside,
  writeHead,
} from "./tree.ts";
import type { TreePlace } from "./tree.ts";

export interface PrepareRequest {
  readonly repository: string;
  /** Null: the remote's default branch. */
  readonly baseBranch: string | null;
  /** The branch that the change goes to; null or absent: the base branch. */
  readonly targetBranch?: string | null;
  readonly branch: string;
  /**
   * What this issue has pushed to the branch: without any of it, a branch of that name is something else's, and taken.
   * Null or absent: the branch is known to be the issue's.
   */
  readonly pushed?: readonly string[] | null;
  readonly worktreeName: string;
  /** Exactly this commit; null: the remote's branch with our unpushed commits on top, else the base. */
  readonly startAt: string | null;
  /** The worktree of an interrupted run that goes on: files, commits and a merge in progress stay as they are. */
  readonly keep: boolean;
}

export interface Prepared extends Worktree {
  /** The commit the worktree stands on. */
  readonly head: string;
  /** The branch on the remote; null = it is not there yet. */
  readonly remoteHead: string | null;
  /** What of the remote's branch it holds: a kept worktree may lack what somebody pushed since it was made. */
  readonly standsOn: string | null;
  /** The commit behind which all that it holds is unpublished: `standsOn`, else where it left the branch it goes to. */
  readonly publishedUpTo: string;
  /** It was kept as it was. */
  readonly kept: boolean;
  /** In a kept worktree: the tree that our integration had left in it when the agent began; else null. */
  readonly integrated: string | null;
  /** A merge waits in it to be concluded. */
  readonly merging: boolean;
  /** Salvage refs that were made now, and where unknown files were moved. */
  readonly salvaged: readonly string[];
}

/** What the remote and the mirror know before a tree is touched. */
export interface Ground {
  readonly worktree: Worktree;
  readonly remoteHead: string | null;
}

/** Brings mirror, base and branch up to date. One at a time per mirror. Throws MissingBaseBranch, BranchTaken, ExternalError. */
export async function prepareGround(
  git: Git,
  folders: Folders,
  call: RemoteCall,
  request: Pick<
    PrepareRequest,
    "repository" | "baseBranch" | "targetBranch" | "branch" | "pushed" | "worktreeName"
  >,
  bornFile: string,
): Promise<Ground> {
  const { repository } = request;
  const branch = checkBranch(request.branch);
  const mirror = mirrorPlace(folders, repository);
  const place = worktreePlace(folders, repository, request.worktreeName);
  await ensureMirror(git, mirror, call.signal);
  await removeStaleLocks(place, bornFile);
  const named = [request.baseBranch, request.targetBranch ?? null].filter((name) => name !== null);
  const asked = await askRemote(git, mirror, call, [...named, branch]);
  const base = chooseBase(asked, repository, request.baseBranch);
  const target = request.targetBranch ?? base;
  if (base === branch || target === branch)
    throw new RefusedPublish(`${branch} is the base branch; an issue needs a branch of its own`);
  await tidyMirror(git, mirror, call.signal);
  const found = await fetchBranches(git, mirror, call, asked, [...new Set([base, target, branch])]);
  const sha = baseCommit(found, base);
  const targetSha = baseCommit(found, target);
  const remoteHead = found.get(branch) ?? null;
  const pushed = request.pushed ?? null;
  if (pushed !== null && (await isTaken(git, place, { branch, remoteHead, pushed }, call.signal)))
    throw new BranchTaken(branch);
  // The names under which people and build tools look for the base.
  await setRef(git, mirror, `refs/remotes/origin/${base}`, sha, call.signal);
  await setRef(git, mirror, `refs/remotes/origin/${target}`, targetSha, call.signal);
  const worktree = worktreeRecord(folders, {
    repository,
    name: request.worktreeName,
    branch,
    base: { branch: base, sha },
    target: { branch: target, sha: targetSha },
  });
  return { worktree, remoteHead };
}

/** Whether a branch is somebody else's: on the remote without a push of ours in it, or checked out in another worktree. */
async function isTaken(
  git: Git,
  place: TreePlace,
  {
    branch,
    remoteHead,
    pushed,
  }: { readonly branch: string; readonly remoteHead: string | null; readonly pushed: readonly string[] },
  signal: AbortSignal,
): Promise<boolean> {
  const mirror = { gitDir: place.commonDir, commonDir: place.commonDir, workTree: null };
  if (remoteHead === null) {
    const at = await checkedOutAt(git, mirror, branch, signal);
    return at !== null && at !== place.workTree;
  }
  for (const sha of pushed) {
    const isKnown = (await commitAt(git, mirror, checkSha(sha), signal)) !== null;
    if (isKnown && (await isAncestor(git, mirror, sha, remoteHead, signal))) return false;
  }
  return true;
}

/** Makes or re-aims the worktree; what would be lost is salvaged first. Interrupted anywhere, it can be repeated. */
export async function prepareTree(
  git: Git,
  folders: Folders,
  ground: Ground,
  request: Pick<PrepareRequest, "startAt" | "keep">,
  signal: AbortSignal,
): Promise<Prepared> {
  const { worktree, remoteHead } = ground;
  const { branch, name } = worktree;
  const place = worktreePlace(folders, worktree.repository, name);
  const mirror = mirrorPlace(folders, worktree.repository);
  const salvaged: string[] = [];
  const { privateDir } = folders;
  const there = await look(place, privateDir);
  const branchTip = await commitAt(git, mirror, `refs/heads/${branch}`, signal);
  const local =
    there === "whole"
      ? await openTree(git, place, branch, branchTip ?? worktree.base.sha, signal)
      : branchTip;
  const before = await madeFor(place, privateDir);
  const done = async (head: string, kept: boolean): Promise<Prepared> => {
    const integrated = kept ? (before?.integrated ?? null) : null;
    const holdsAll =
      !kept || (remoteHead !== null && (await isAncestor(git, mirror, remoteHead, head, signal)));
    const standsOn = holdsAll ? remoteHead : (before?.remoteHead ?? null);
    await noteMade(place, privateDir, {
      branch,
      baseSha: worktree.base.sha,
      head: kept ? (before?.head ?? head) : head,
      integrated,
      remoteHead: standsOn,
      merging: kept ? (before?.merging ?? null) : null,
    });
    await markMade(place);
    const fork = kept ? await forkPoint(git, mirror, worktree.target.sha, head, signal) : head;
    const publishedUpTo = standsOn ?? fork ?? head;
    const merging = await mergeLeft(git, place, privateDir, signal);
    return {
      ...worktree,
      head,
      remoteHead,
      standsOn,
      publishedUpTo,
      kept,
      integrated,
      merging: merging !== null,
      salvaged,
    };
  };
  // Where nothing is noted, or a merge was given up, nobody knows what of it is the agent's doing.
  const isKnown = before !== null && (await mergeLeft(git, place, privateDir, signal))?.isThere !== false;
  if (there === "whole" && request.keep && local !== null && isKnown) return await done(local, true);

  const target = await chooseStart(git, ground, request.startAt, local, signal);
  const hidden = there === "whole" ? await hiddenCommits(place) : [];
  const further = [branchTip, ...hidden].filter((sha) => sha !== null);
  const from = there === "whole" ? place : mirror;
  const options = { name, privateDir, further, signal };
  for (const made of await salvage(git, from, options)) salvaged.push(made.ref);
  await notePreparations(place, privateDir, []);
  if (there === "whole") {
    await aimTree(git, place, branch, target, signal);
    return await done(target, false);
  }
  if (there === "strange") salvaged.push(await moveAside(place, place.workTree));
  await deleteTree(place);
  await noteMade(place, privateDir, null);
  await addTree(git, place, branch, target, signal);
  return await done(target, false);
}

/** Makes an existing worktree usable for its owner's git and returns the commit it stands on. */
async function openTree(
  git: Git,
  place: TreePlace,
  branch: string,
  fallback: string,
  signal: AbortSignal,
): Promise<string> {
  await linkTree(place);
  const head = await commitAt(git, place, "HEAD", signal);
  if (head !== null) return head;
  // HEAD is gone, broken or on a branch without commits: back to the branch; the files stay.
  await writeHead(place, branch);
  const mirror = { gitDir: place.commonDir, commonDir: place.commonDir, workTree: null };
  await setRef(git, mirror, `refs/heads/${branch}`, fallback, signal);
  return fallback;
}

async function chooseStart(
  git: Git,
  ground: Ground,
  startAt: string | null,
  local: string | null,
  signal: AbortSignal,
): Promise<string> {
  const { worktree, remoteHead } = ground;
  const mirror = { gitDir: worktree.commonDir, commonDir: worktree.commonDir, workTree: null };
  if (startAt !== null) {
    if ((await commitAt(git, mirror, checkSha(startAt), signal)) !== null) return startAt;
    throw new ExternalError(
      "conflict",
      `commit ${startAt} is neither on ${worktree.branch} nor on its base any more`,
    );
  }
  if (remoteHead === null) return worktree.target.sha;
  const onTop = local !== null && (await isAncestor(git, mirror, remoteHead, local, signal));
  return onTop ? local : remoteHead;
}

import { closePull, markMerged, moveHead, signatureOf, webFlow } from "./pulls.ts";
import type { FileChanges } from "../git/git.ts";
import type { Core, Person, Pull, RefMove, Repository } from "./model.ts";
import { exclusive, NO_COMMIT, personOf } from "./model.ts";
import { dequeue } from "./queue.ts";
import { dismissStale } from "./reviews.ts";
import { headCommitPart } from "../views/checks.ts";

const KEPT_PUSHES = 5_000;
const TOLD_COMMITS = 2_048;

/** Everything that follows from a moved ref: webhooks, pull requests, CI. */
export async function refMoved(core: Core, repository: Repository, move: RefMove): Promise<void> {
  const { ref, before, after, actor } = move;
  if (before === after) return;
  await tellPush(core, repository, move);
  if (!ref.startsWith("refs/heads/")) return;
  const branch = ref.slice("refs/heads/".length);
  for (const pull of repository.pulls.values()) {
    if (pull.fields.state === "closed") continue;
    if (pull.headRef === branch) {
      await dequeue(core, repository, pull, "UNKNOWN_REMOVAL_REASON", actor);
      if (after === NO_COMMIT) {
        closePull(core, repository, pull, actor);
      } else {
        await moveHead(core, repository, pull, after, actor);
        const isApproved = pull.reviews.some(({ state }) => state === "APPROVED");
        if (isApproved && !(await sameChange(repository, pull, before, after)))
          dismissStale(core, repository, pull, actor);
      }
    } else if (
      pull.fields.baseRef === branch &&
      after !== NO_COMMIT &&
      (await repository.git.isAncestor(pull.fields.headSha, after))
    ) {
      // GitHub calls a pull request merged once its head is in the base, however it got there.
      await dequeue(core, repository, pull, "MERGE", actor);
      markMerged(core, repository, pull, pull.fields.headSha, actor);
    }
  }
  const runsCi =
    core.habits.ciOnEveryPush || branch === repository.defaultBranch || repository.protections.has(branch);
  if (after !== NO_COMMIT && runsCi) {
    core.after.commit(repository, after, branch, "push", actor);
  }
  core.after.changed(repository);
  if (after !== NO_COMMIT) startFormatter(core, repository, branch, actor);
}

/**
 * Whether the pull request changes just what it did: GitHub dismisses approvals for what it calls a code-modifying commit,
 * and a merge of the base alone, by the button or by git, is none (met in public by many: strands-labs/robots#2796).
 */
async function sameChange(
  repository: Repository,
  pull: Pull,
  before: string,
  after: string,
): Promise<boolean> {
  const { git } = repository;
  const tip = await git.resolve(`refs/heads/${pull.fields.baseRef}`);
  if (tip === null) return false;
  const [was, is] = await Promise.all([git.diff(tip, before), git.diff(tip, after)]);
  const lines = (files: typeof was): string =>
    JSON.stringify(files.map(({ path, status, patch }) => [path, status, patch?.replaceAll(/^@@.*$/gm, "")]));
  return lines(was) === lines(is);
}

/** It works a moment later, on whatever the branch is at by then. */
function startFormatter(core: Core, repository: Repository, branch: string, pusher: Person): void {
  const { formatter } = core.habits;
  if (formatter === null || formatter.login === pusher.login) return;
  if (![...repository.pulls.values()].some((pull) => pull.headRef === branch && pull.fields.state === "open"))
    return;
  core.work.start(() =>
    exclusive(repository, async () => {
      const tip = await repository.git.resolve(`refs/heads/${branch}`);
      if (tip === null) return;
      const changes = await formatter.changes((path) => repository.git.read(tip, path));
      if (changes === null) return;
      const bot = personOf(core, formatter.login);
      await pushFiles(core, repository, bot, branch, changes, "Apply automatic fixes");
    }),
  );
}

async function tellPush(core: Core, repository: Repository, move: RefMove): Promise<void> {
  const { ref, before, after, actor } = move;
  const created = before === NO_COMMIT;
  const deleted = after === NO_COMMIT;
  const forced = !created && !deleted && !(await repository.git.isAncestor(before, after));
  core.pushes.push({
    repository: repository.fullName,
    person: actor.login,
    ref,
    before,
    after,
    forced,
    at: core.clock.now(),
  });
  if (core.pushes.length > KEPT_PUSHES) core.pushes.shift();
  const from = created ? await repository.git.resolve(`refs/heads/${repository.defaultBranch}`) : before;
  const commits = deleted ? [] : await repository.git.log(from, after, TOLD_COMMITS);
  const head = deleted ? null : await repository.git.commit(after);
  const url = `${core.urls.web}/${repository.fullName}`;
  const told = (commit: NonNullable<typeof head>): Record<string, unknown> => ({
    ...headCommitPart(commit),
    url: `${url}/commit/${commit.sha}`,
    distinct: true,
    added: [],
    modified: [],
    removed: [],
  });
  core.emit(repository, "push", null, actor, {
    ref,
    before,
    after,
    base_ref: null,
    created,
    deleted,
    forced,
    compare: `${url}/compare/${before.slice(0, 12)}...${after.slice(0, 12)}`,
    pusher: { name: actor.login, email: actor.type === "Bot" ? null : signatureOf(actor, 0).email },
    head_commit: head === null ? null : told(head),
    commits: commits.map(told),
  });
}

export interface PushOptions {
  readonly message?: string;
  /** Build on this commit instead of the branch's tip: a forced push when it is not its descendant. */
  readonly from?: string;
  /** Done on GitHub's own pages, in its editor or by accepting a suggestion: GitHub commits it. */
  readonly web?: boolean;
  /** By an identity that no account owns, as of a script that sets `user.email` itself. */
  readonly as?: { readonly name: string; readonly email: string };
}

/** Commits and pushes as a person who works in their own clone. Resolves with the new tip. */
export async function pushFiles(
  core: Core,
  repository: Repository,
  person: Person,
  branch: string,
  changes: FileChanges,
  message: string,
  { from, web = false, as }: Omit<PushOptions, "message"> = {},
): Promise<string> {
  const ref = `refs/heads/${branch}`;
  const tip = await repository.git.resolve(ref);
  const parent = from ?? tip ?? (await repository.git.resolve(`refs/heads/${repository.defaultBranch}`));
  const now = core.clock.now();
  const author = as === undefined ? signatureOf(person, now) : { ...as, at: now };
  const committer = web ? webFlow(now) : author;
  const sha = await repository.git.commitFiles(parent, changes, message, author, committer);
  await repository.git.setRef(ref, sha);
  await refMoved(core, repository, { ref, before: tip ?? NO_COMMIT, after: sha, actor: person });
  return sha;
}

const ARMOUR = "-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n-----END PGP SIGNATURE-----";

/**
 * Merges a branch into another as a person does in their own clone, with changes of their own inside of the merge commit,
 * which is signed.
 */
export async function pushMerge(
  core: Core,
  repository: Repository,
  person: Person,
  branch: string,
  merged: string,
  changes: FileChanges,
): Promise<string> {
  const { git } = repository;
  const ref = `refs/heads/${branch}`;
  const ours = await git.resolve(ref);
  const theirs = await git.resolve(merged);
  if (ours === null || theirs === null) throw new Error(`no branch ${ours === null ? branch : merged}`);
  const who = signatureOf(person, core.clock.now());
  const tree = await git.mergeTree(ours, theirs);
  if (tree === null) throw new Error(`${branch} and ${merged} conflict`);
  const plain = await git.commitTree(tree, [ours], "merged", who, who);
  const adapted = await git.commit(await git.commitFiles(plain, changes, "adapted", who, who));
  const message = `Merge ${merged} into ${branch}`;
  const sha = await git.commitTree(adapted?.tree ?? tree, [ours, theirs], message, who, who, ARMOUR);
  await git.setRef(ref, sha);
  await refMoved(core, repository, { ref, before: ours, after: sha, actor: person });
  return sha;
}

/** Tells of every ref that differs between two looks: what a push over HTTP did. */
export async function refsMoved(
  core: Core,
  repository: Repository,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
  actor: Person,
): Promise<void> {
  for (const ref of new Set([...before.keys(), ...after.keys()])) {
    await refMoved(core, repository, {
      ref,
      before: before.get(ref) ?? NO_COMMIT,
      after: after.get(ref) ?? NO_COMMIT,
      actor,
    });
  }
}

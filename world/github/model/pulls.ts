import type { CommitRecord, Signature } from "../git/git.ts";
import type { Core, MergeMethod, Person, Pull, PullFields, Repository } from "./model.ts";
import { change, exclusive, NO_COMMIT } from "./model.ts";
import { dismissStale } from "./reviews.ts";
import { Refused } from "../schemas.ts";
import { mergeState, protectionOf, pullShape, requiredState, reviewDecision } from "./verdicts.ts";
import { labelPart, pullPart } from "../views/views.ts";

export interface NewPull {
  readonly author: Person;
  readonly title: string;
  readonly body: string | null;
  readonly head: string;
  readonly base: string;
  readonly draft: boolean;
}

/** Opens a pull request between two branches of the repository. Throws Refused as GitHub would. */
export async function openPull(core: Core, repository: Repository, given: NewPull): Promise<Pull> {
  const head = given.head.slice(given.head.indexOf(":") + 1);
  const headSha = await repository.git.resolve(`refs/heads/${head}`);
  const baseSha = await repository.git.resolve(`refs/heads/${given.base}`);
  if (headSha === null) throw invalidPull({ resource: "PullRequest", field: "head", code: "invalid" });
  if (baseSha === null) throw invalidPull({ resource: "PullRequest", field: "base", code: "invalid" });
  const twin = [...repository.pulls.values()].find(
    (pull) => pull.fields.state === "open" && pull.headRef === head && pull.fields.baseRef === given.base,
  );
  const label = `${repository.owner.login}:${head}`;
  if (twin !== undefined) throw invalidPull(custom(`A pull request already exists for ${label}.`));
  if (await repository.git.isAncestor(headSha, baseSha))
    throw invalidPull(custom(`No commits between ${given.base} and ${head}`));
  const id = core.nextId();
  const now = core.clock.now();
  const number = repository.nextNumber;
  repository.nextNumber += 1;
  const pull: Pull = {
    id,
    nodeId: `PR_${id}`,
    number,
    author: given.author,
    headRef: head,
    createdAt: now,
    reviews: [],
    threads: [],
    comments: [],
    requested: [],
    queueEvents: [],
    baseChanges: [],
    past: [],
    fields: {
      title: given.title,
      body: given.body,
      state: "open",
      draft: given.draft,
      headSha,
      baseRef: given.base,
      baseSha,
      merged: false,
      mergedAt: null,
      mergedBy: null,
      mergeCommit: null,
      closedAt: null,
      autoMerge: null,
      labels: [],
      updatedAt: now,
    },
  };
  repository.pulls.set(number, pull);
  await repository.git.setRef(`refs/pull/${number}/head`, headSha);
  tellPull(core, repository, pull, "opened", given.author);
  core.after.commit(repository, headSha, head, "pull_request", given.author);
  return pull;
}

function invalidPull(error: unknown): Refused {
  return new Refused(422, "Validation Failed", [error]);
}

function custom(message: string): unknown {
  return { resource: "PullRequest", code: "custom", message };
}

/** Sends `pull_request.<action>`; mergeability is unknown at that moment, as it is at GitHub. */
export function tellPull(
  core: Core,
  repository: Repository,
  pull: Pull,
  action: string,
  actor: Person,
  more: Record<string, unknown> = {},
): void {
  const part = pullPart(core, repository, pull, null, Infinity);
  core.emit(repository, "pull_request", action, actor, { number: pull.number, pull_request: part, ...more });
  core.after.changed(repository);
}

/** Changes title, body or base. */
export async function editPull(
  core: Core,
  repository: Repository,
  pull: Pull,
  patch: { title?: string; body?: string | null; base?: string },
  actor: Person,
): Promise<void> {
  const { fields } = pull;
  const changes: Record<string, unknown> = {};
  const next: { title?: string; body?: string | null; baseRef?: string; baseSha?: string } = {};
  if (patch.title !== undefined && patch.title !== fields.title) {
    changes["title"] = { from: fields.title };
    next.title = patch.title;
  }
  if (patch.body !== undefined && patch.body !== fields.body) {
    changes["body"] = { from: fields.body ?? "" };
    next.body = patch.body;
  }
  if (patch.base !== undefined && patch.base !== fields.baseRef) {
    const baseSha = await repository.git.resolve(`refs/heads/${patch.base}`);
    if (baseSha === null) throw invalidPull({ resource: "PullRequest", field: "base", code: "invalid" });
    changes["base"] = { ref: { from: fields.baseRef }, sha: { from: fields.baseSha } };
    next.baseRef = patch.base;
    next.baseSha = baseSha;
  }
  if (Object.keys(changes).length === 0) return;
  if (next.baseRef !== undefined)
    pull.baseChanges.push({ at: core.clock.now(), from: fields.baseRef, to: next.baseRef, actor });
  change(core, pull, next);
  tellPull(core, repository, pull, "edited", actor, { changes });
  if (next.baseRef !== undefined) dismissStale(core, repository, pull, actor, "base");
}

/** Closes without merging. */
export function closePull(core: Core, repository: Repository, pull: Pull, actor: Person): void {
  if (pull.fields.state === "closed") return;
  change(core, pull, { state: "closed", closedAt: core.clock.now(), autoMerge: null });
  tellPull(core, repository, pull, "closed", actor);
}

export async function reopenPull(
  core: Core,
  repository: Repository,
  pull: Pull,
  actor: Person,
): Promise<void> {
  if (pull.fields.state === "open") return;
  const head = await repository.git.resolve(`refs/heads/${pull.headRef}`);
  if (pull.fields.merged || head === null)
    throw invalidPull({ resource: "PullRequest", field: "state", code: "invalid" });
  change(core, pull, { state: "open", closedAt: null, headSha: head });
  tellPull(core, repository, pull, "reopened", actor);
  core.after.commit(repository, head, pull.headRef, "pull_request", actor);
}

export function setDraft(
  core: Core,
  repository: Repository,
  pull: Pull,
  draft: boolean,
  actor: Person,
): void {
  if (pull.fields.draft === draft) return;
  change(core, pull, { draft });
  tellPull(core, repository, pull, draft ? "converted_to_draft" : "ready_for_review", actor);
}

export function addLabels(
  core: Core,
  repository: Repository,
  pull: Pull,
  names: readonly string[],
  actor: Person,
): void {
  for (const name of names) {
    if (pull.fields.labels.includes(name)) continue;
    change(core, pull, { labels: [...pull.fields.labels, name] });
    tellPull(core, repository, pull, "labeled", actor, { label: labelPart(core, repository, name) });
  }
}

/** The head branch of an open pull request got another tip. */
export async function moveHead(
  core: Core,
  repository: Repository,
  pull: Pull,
  after: string,
  actor: Person,
): Promise<void> {
  const before = pull.fields.headSha;
  if (before === after || pull.fields.state === "closed") return;
  const baseSha = (await repository.git.resolve(`refs/heads/${pull.fields.baseRef}`)) ?? pull.fields.baseSha;
  change(core, pull, { headSha: after, baseSha });
  for (const thread of pull.threads) {
    const lines = (await repository.git.read(after, thread.path))?.split("\n");
    const old = (await repository.git.read(thread.comments[0]?.commit ?? before, thread.path))?.split("\n");
    // Outdated = the line that was commented on is no longer what it was.
    thread.outdated = lines?.[thread.line - 1] !== old?.[thread.line - 1];
  }
  await repository.git.setRef(`refs/pull/${pull.number}/head`, after);
  tellPull(core, repository, pull, "synchronize", actor, { before, after });
  core.after.commit(repository, after, pull.headRef, "pull_request", actor);
}

export function markMerged(
  core: Core,
  repository: Repository,
  pull: Pull,
  mergeCommit: string,
  actor: Person,
): void {
  const now = core.clock.now();
  const patch: Partial<PullFields> = {
    state: "closed",
    merged: true,
    mergedAt: now,
    closedAt: now,
    mergedBy: actor,
    mergeCommit,
    autoMerge: null,
  };
  change(core, pull, patch);
  tellPull(core, repository, pull, "closed", actor);
}

/** Why GitHub would not merge this now, in its words; null = it would. */
export async function mergeObstacle(repository: Repository, pull: Pull): Promise<string | null> {
  const { fields } = pull;
  if (fields.state === "closed") return "Pull Request is not mergeable";
  if (fields.draft) return "Pull Request is still a draft";
  const shape = await pullShape(repository, pull, Infinity);
  if (!shape.mergeable) return "Pull Request is not mergeable";
  const protection = protectionOf(repository, fields.baseRef);
  if (protection === null) return null;
  const decision = reviewDecision(repository, pull, Infinity);
  if (decision === "CHANGES_REQUESTED") return "Changes have been requested.";
  if (decision === "REVIEW_REQUIRED") {
    return `At least ${protection.requiredApprovals} approving review is required by reviewers with write access.`;
  }
  const unmet = protection.requiredChecks.find(
    (name) => requiredState(repository, fields.headSha, [name], Infinity) !== "success",
  );
  if (unmet !== undefined) return `Required status check "${unmet}" is expected.`;
  return mergeState(repository, pull, shape, Infinity) === "BEHIND" ? "Head branch is out of date" : null;
}

export interface MergeWish {
  readonly method: MergeMethod;
  readonly sha: string | null;
  readonly title: string | null;
  readonly message: string | null;
}

/** Merges into the base branch; resolves with the new tip. Throws Refused 405 or 409 as GitHub would. */
export async function mergePull(
  core: Core,
  repository: Repository,
  pull: Pull,
  wish: MergeWish,
  actor: Person,
): Promise<string> {
  const { fields } = pull;
  if (wish.sha !== null && wish.sha !== fields.headSha) {
    throw new Refused(409, "Head branch was modified. Review and try the merge again.");
  }
  if (protectionOf(repository, fields.baseRef)?.mergeQueue === true) {
    throw new Refused(405, "Changes must be made through the merge queue");
  }
  const obstacle = await mergeObstacle(repository, pull);
  if (obstacle !== null) throw new Refused(405, obstacle);
  const ref = `refs/heads/${fields.baseRef}`;
  const before = (await repository.git.resolve(ref)) ?? NO_COMMIT;
  const sha = await combined(core, repository, pull, before, wish);
  if (sha === null) throw new Refused(405, "Pull Request is not mergeable");
  await repository.git.setRef(ref, sha);
  markMerged(core, repository, pull, sha, actor);
  await core.after.moved(repository, { ref, before, after: sha, actor });
  return sha;
}

/** The commit that a merge of this pull request onto `onto` would make; null where they conflict. No ref is moved. */
export async function combined(
  core: Core,
  repository: Repository,
  pull: Pull,
  onto: string,
  wish: Omit<MergeWish, "sha">,
): Promise<string | null> {
  const { git } = repository;
  const { fields } = pull;
  const author = signatureOf(pull.author, core.clock.now());
  const committer = webFlow(core.clock.now());
  if (wish.method === "rebase")
    return rebased(repository, await git.log(onto, fields.headSha, 1_000), onto, committer);
  const tree = await git.mergeTree(onto, fields.headSha);
  if (tree === null) return null;
  const squash = wish.method === "squash";
  const title =
    wish.title ??
    (squash
      ? `${fields.title} (#${pull.number})`
      : `Merge pull request #${pull.number} from ${repository.owner.login}/${pull.headRef}`);
  const message =
    `${title}\n\n${wish.message ?? (squash ? await commitMessages(repository, pull, onto) : fields.title)}`.trimEnd();
  return git.commitTree(tree, squash ? [onto] : [onto, fields.headSha], message, author, committer);
}

// Squash messages carry the branch's own commit messages, trailers included.
async function commitMessages(repository: Repository, pull: Pull, onto: string): Promise<string> {
  const commits = await repository.git.log(onto, pull.fields.headSha, 100);
  if (commits.length === 1) return (commits[0]?.message ?? "").split("\n").slice(1).join("\n").trim();
  return commits.map((commit) => `* ${commit.message}`).join("\n\n");
}

async function rebased(
  repository: Repository,
  commits: readonly CommitRecord[],
  onto: string,
  committer: Signature,
): Promise<string | null> {
  const { git } = repository;
  let tip = onto;
  for (const commit of commits.filter((candidate) => candidate.parents.length === 1)) {
    const base = await git.commit(tip);
    // A stand-in with the tip's tree and this commit's parent makes that parent the merge base: a cherry-pick.
    const ours = await git.commitTree(base?.tree ?? "", commit.parents, "onto", committer, committer);
    const tree = await git.mergeTree(ours, commit.sha);
    if (tree === null) return null;
    tip = await git.commitTree(tree, [tip], commit.message, commit.author, committer);
  }
  return tip;
}

/**
 * Merges the base's tip into the head branch ("update branch"): GitHub answers 202 at once and does it a moment later.
 * Throws Refused where it can tell at once that it will not.
 */
export async function updateBranch(
  core: Core,
  repository: Repository,
  pull: Pull,
  expected: string | null,
  actor: Person,
): Promise<void> {
  const { git } = repository;
  const { headSha, baseRef } = pull.fields;
  if (expected !== null && expected !== headSha)
    throw new Refused(422, "expected head sha didn’t match current head ref.");
  const tip = await git.resolve(`refs/heads/${baseRef}`);
  if (tip === null || (await git.mergeTree(headSha, tip)) === null)
    throw new Refused(422, "merge conflict between base and head");
  if (await git.isAncestor(tip, headSha))
    throw new Refused(422, "There are no new commits on the base branch.");
  core.work.start(() => exclusive(repository, () => mergeBase(core, repository, pull, headSha, actor)));
}

async function mergeBase(
  core: Core,
  repository: Repository,
  pull: Pull,
  head: string,
  actor: Person,
): Promise<void> {
  const { git } = repository;
  const { headSha, baseRef, state } = pull.fields;
  const tip = await git.resolve(`refs/heads/${baseRef}`);
  const tree = tip === null ? null : await git.mergeTree(headSha, tip);
  if (state === "closed" || headSha !== head || tip === null || tree === null) return;
  const now = core.clock.now();
  const message = `Merge branch '${baseRef}' into ${pull.headRef}`;
  // Whoever pressed the button is the author; it is GitHub that commits.
  const after = await git.commitTree(tree, [headSha, tip], message, signatureOf(actor, now), webFlow(now));
  const ref = `refs/heads/${pull.headRef}`;
  await git.setRef(ref, after);
  await core.after.moved(repository, { ref, before: headSha, after, actor });
}

/** The committer of everything that is done on GitHub's own pages: edits, accepted suggestions, merges. */
export function webFlow(at: number): Signature {
  return { name: "GitHub", email: "noreply@github.com", at };
}

/** The account that GitHub shows beside a commit: the one that the address belongs to, whatever name stands there. */
export function accountOf(core: Core, email: string): Person | null {
  const [, login] = /^(?:\d+\+)?([^@]+)@users\.noreply\.[^@]+$/.exec(email) ?? [];
  return core.people.get(login ?? "") ?? null;
}

export function signatureOf(person: Person, at: number): Signature {
  return { name: person.login, email: `${person.id}+${person.login}@users.noreply.github.com`, at };
}

import {
  addStatus,
  completeSuite,
  finishRun,
  openSuite,
  progressRun,
  progressSuite,
  queueRun,
} from "./checks.ts";
import type { FileChanges } from "../git/git.ts";
import type {
  CheckRun,
  Conclusion,
  Core,
  DequeueReason,
  IssueComment,
  Pull,
  Repository,
  Review,
  StatusState,
  Thread,
} from "./model.ts";
import { exclusive, NO_COMMIT, personOf, seenChecks } from "./model.ts";
import {
  addLabels,
  closePull,
  editPull,
  mergePull,
  openPull,
  reopenPull,
  setDraft,
  updateBranch,
} from "./pulls.ts";
import { pushFiles, pushMerge } from "./pushes.ts";
import type { PushOptions } from "./pushes.ts";
import { disableAutoMerge } from "./auto-merge.ts";
import { dequeue, enqueue } from "./queue.ts";
import type { NewReview } from "./reviews.ts";
import {
  addComment,
  addReview,
  dismissReview,
  editComment,
  editReview,
  replyInThread,
  requestReviews,
  setResolved,
} from "./reviews.ts";
import type { MergeMethod } from "./model.ts";

/** Which pull request: by number where the world has one repository, else `owner/name#number`. */
type PullName = number | string;

interface ReviewGiven {
  readonly state: NewReview["state"];
  readonly body?: string;
  readonly comments?: NewReview["comments"];
}

/** What people (and other systems) do at GitHub while the relay works. */
export interface People {
  /** Commits and pushes; a new branch starts at the default branch. Resolves with the new tip. */
  pushAs(
    person: string,
    repository: string,
    branch: string,
    files: FileChanges | ((read: (path: string) => Promise<string | null>) => Promise<FileChanges>),
    options?: PushOptions,
  ): Promise<string>;
  /** Presses "Update branch": GitHub merges the base into it. */
  updateBranch(person: string, pull: PullName): Promise<void>;
  /** Merges `merged` into `branch`, with changes inside of the signed merge commit, and pushes. Resolves with its id. */
  mergeAs(
    person: string,
    repository: string,
    branch: string,
    merged: string,
    files: FileChanges,
  ): Promise<string>;
  deleteBranch(person: string, repository: string, branch: string): Promise<void>;
  openPullRequest(
    person: string,
    repository: string,
    given: { title: string; head: string; base?: string; body?: string; draft?: boolean },
  ): Promise<number>;
  review(person: string, pull: PullName, given: ReviewGiven): Promise<Review>;
  dismissReview(person: string, pull: PullName, review: number): Promise<void>;
  comment(person: string, pull: PullName, body: string): Promise<IssueComment>;
  editComment(person: string, pull: PullName, comment: number, body: string): Promise<void>;
  /** Edits the text of a review, or the first comment of a thread. */
  editReview(
    person: string,
    pull: PullName,
    which: { readonly review: number } | { readonly thread: number },
    body: string,
  ): Promise<void>;
  requestReview(person: string, pull: PullName, reviewer: string): Promise<void>;
  replyInThread(person: string, pull: PullName, thread: number, body: string): Promise<void>;
  /** `thread` counts from 0, in the order in which they were started. */
  resolveThread(person: string, pull: PullName, thread: number): Promise<void>;
  closePullRequest(person: string, pull: PullName): Promise<void>;
  reopen(person: string, pull: PullName): Promise<void>;
  /** Merges by API, so by the rules. Resolves with the new tip of the base. */
  merge(person: string, pull: PullName, options?: { method?: MergeMethod }): Promise<string>;
  edit(
    person: string,
    pull: PullName,
    patch: { title?: string; body?: string; base?: string },
  ): Promise<void>;
  convertToDraft(person: string, pull: PullName): Promise<void>;
  ready(person: string, pull: PullName): Promise<void>;
  label(person: string, pull: PullName, names: readonly string[]): Promise<void>;
  enqueue(person: string, pull: PullName, options?: { jump?: boolean }): Promise<void>;
  dequeue(person: string, pull: PullName, reason?: DequeueReason): Promise<void>;
  disableAutoMerge(person: string, pull: PullName): Promise<void>;
  /** Starts a check run by hand, by an App of that name other than Actions. Resolves with its id. */
  startCheck(repository: string, sha: string, name: string, app?: string): Promise<number>;
  finishCheck(repository: string, run: number, conclusion: Conclusion, log?: string): Promise<void>;
  setStatus(
    repository: string,
    sha: string,
    context: string,
    state: StatusState,
    description?: string,
  ): Promise<void>;
}

/** The actions of people on the model, each one at a time per repository. */
export function openPeople(core: Core): People {
  const repositoryOf = (name: string): Repository => {
    const found = core.repositories.get(name.toLowerCase());
    if (found === undefined) throw new Error(`there is no repository ${name}: make it with createRepository`);
    return found;
  };
  const pullOf = (name: PullName): { repository: Repository; pull: Pull } => {
    const [full, number] =
      typeof name === "number"
        ? [onlyRepository(core), name]
        : [name.split("#")[0] ?? "", Number(name.split("#")[1])];
    const repository = repositoryOf(full);
    const pull = repository.pulls.get(number);
    if (pull === undefined) throw new Error(`there is no pull request ${full}#${number}`);
    return { repository, pull };
  };
  const onPull = async <T>(
    name: PullName,
    work: (repository: Repository, pull: Pull) => Promise<T> | T,
  ): Promise<T> => {
    const { repository, pull } = pullOf(name);
    return exclusive(repository, async () => work(repository, pull));
  };
  const onRepository = async <T>(name: string, work: (repository: Repository) => Promise<T>): Promise<T> => {
    const repository = repositoryOf(name);
    return exclusive(repository, () => work(repository));
  };
  const threadAt = (pull: Pull, position: number): Thread => {
    const thread = pull.threads[position];
    if (thread === undefined)
      throw new Error(
        `pull request ${pull.number} has ${pull.threads.length} review threads, none at ${position}`,
      );
    return thread;
  };

  return {
    pushAs: (person, name, branch, files, options = {}) =>
      onRepository(name, async (repository) => {
        const tip =
          options.from ??
          (await repository.git.resolve(`refs/heads/${branch}`)) ??
          (await repository.git.resolve(repository.defaultBranch));
        const read = async (path: string): Promise<string | null> =>
          tip === null ? null : repository.git.read(tip, path);
        const changes = typeof files === "function" ? await files(read) : files;
        const message = options.message ?? `Change ${Object.keys(changes).join(", ")}`;
        return pushFiles(core, repository, personOf(core, person), branch, changes, message, options);
      }),
    updateBranch: (person, name) =>
      onPull(name, (repository, pull) => updateBranch(core, repository, pull, null, personOf(core, person))),
    mergeAs: (person, name, branch, merged, files) =>
      onRepository(name, (repository) =>
        pushMerge(core, repository, personOf(core, person), branch, merged, files),
      ),
    deleteBranch: (person, name, branch) =>
      onRepository(name, async (repository) => {
        const ref = `refs/heads/${branch}`;
        const before = await repository.git.resolve(ref);
        if (before === null) throw new Error(`${name} has no branch ${branch}`);
        await repository.git.deleteRef(ref);
        await core.after.moved(repository, { ref, before, after: NO_COMMIT, actor: personOf(core, person) });
      }),
    openPullRequest: (person, name, given) =>
      onRepository(name, async (repository) => {
        const { title, head, base = repository.defaultBranch, body = null, draft = false } = given;
        return (
          await openPull(core, repository, { author: personOf(core, person), title, head, base, body, draft })
        ).number;
      }),
    review: (person, name, given) =>
      onPull(name, (repository, pull) => {
        const author = personOf(core, person);
        if (author.login === pull.author.login && given.state !== "COMMENTED")
          throw new Error(`${person} cannot review their own pull request with ${given.state}`);
        return addReview(core, repository, pull, author, {
          state: given.state,
          body: given.body ?? "",
          comments: given.comments ?? [],
        });
      }),
    dismissReview: (person, name, id) =>
      onPull(name, (repository, pull) => {
        const review = pull.reviews.find((candidate) => candidate.id === id);
        if (review === undefined) throw new Error(`pull request ${pull.number} has no review ${id}`);
        dismissReview(core, repository, pull, review, personOf(core, person));
      }),
    comment: (person, name, body) =>
      onPull(name, (repository, pull) => addComment(core, repository, pull, personOf(core, person), body)),
    editComment: (person, name, id, body) =>
      onPull(name, (repository, pull) => {
        const comment = pull.comments.find((candidate) => candidate.id === id);
        if (comment === undefined) throw new Error(`pull request ${pull.number} has no comment ${id}`);
        editComment(core, repository, pull, comment, body, personOf(core, person));
      }),
    editReview: (person, name, which, body) =>
      onPull(name, (repository, pull) => {
        const actor = personOf(core, person);
        if ("thread" in which) {
          const thread = threadAt(pull, which.thread);
          const comment = thread.comments[0];
          if (comment !== undefined) editReview(core, repository, pull, { thread, comment }, body, actor);
          return;
        }
        const review = pull.reviews.find((candidate) => candidate.id === which.review);
        if (review === undefined)
          throw new Error(`pull request ${pull.number} has no review ${which.review}`);
        editReview(core, repository, pull, { review }, body, actor);
      }),
    requestReview: (person, name, reviewer) =>
      onPull(name, (repository, pull) =>
        requestReviews(core, repository, pull, [reviewer], personOf(core, person)),
      ),
    replyInThread: (person, name, thread, body) =>
      onPull(name, (repository, pull) => {
        replyInThread(core, repository, pull, threadAt(pull, thread), personOf(core, person), body);
      }),
    resolveThread: (person, name, thread) =>
      onPull(name, (repository, pull) => {
        const actor = personOf(core, person);
        setResolved(core, repository, pull, threadAt(pull, thread), actor, actor);
      }),
    closePullRequest: (person, name) =>
      onPull(name, async (repository, pull) => {
        await dequeue(core, repository, pull, "MANUAL", personOf(core, person));
        closePull(core, repository, pull, personOf(core, person));
      }),
    reopen: (person, name) =>
      onPull(name, (repository, pull) => reopenPull(core, repository, pull, personOf(core, person))),
    merge: (person, name, options = {}) =>
      onPull(name, (repository, pull) =>
        mergePull(
          core,
          repository,
          pull,
          { method: options.method ?? "squash", sha: null, title: null, message: null },
          personOf(core, person),
        ),
      ),
    edit: (person, name, patch) =>
      onPull(name, async (repository, pull) => {
        // An entry cannot stay in the queue of a base that it no longer has.
        if (patch.base !== undefined)
          await dequeue(core, repository, pull, "UNKNOWN_REMOVAL_REASON", personOf(core, person));
        await editPull(core, repository, pull, patch, personOf(core, person));
      }),
    convertToDraft: (person, name) =>
      onPull(name, async (repository, pull) => {
        await dequeue(core, repository, pull, "MANUAL", personOf(core, person));
        setDraft(core, repository, pull, true, personOf(core, person));
      }),
    ready: (person, name) =>
      onPull(name, (repository, pull) => setDraft(core, repository, pull, false, personOf(core, person))),
    label: (person, name, names) =>
      onPull(name, (repository, pull) => addLabels(core, repository, pull, names, personOf(core, person))),
    enqueue: (person, name, options = {}) =>
      onPull(name, async (repository, pull) => {
        await enqueue(core, repository, pull, personOf(core, person), {
          jump: options.jump === true,
          head: null,
        });
      }),
    disableAutoMerge: (person, name) =>
      onPull(name, async (repository, pull) =>
        disableAutoMerge(core, repository, pull, personOf(core, person)),
      ),
    dequeue: (person, name, reason = "MANUAL") =>
      onPull(name, (repository, pull) => dequeue(core, repository, pull, reason, personOf(core, person))),
    startCheck: (name, sha, check, app = "checker") =>
      onRepository(name, async (repository) => {
        const commit = await repository.git.commit(sha);
        if (commit === null) throw new Error(`${name} has no commit ${sha}`);
        const owner = { id: appId(app), slug: app, name: app };
        // GitHub keeps one suite per App and commit.
        const suite =
          seenChecks(repository, sha).suites.find((known) => known.app.id === owner.id) ??
          openSuite(core, repository, commit, null, owner, null);
        progressSuite(core, repository, suite);
        const run = queueRun(core, repository, suite, check, repository.owner);
        progressRun(core, repository, run, repository.owner);
        return run.id;
      }),
    finishCheck: (name, id, conclusion, log = "") =>
      onRepository(name, async (repository) => {
        const run = runIn(repository, id);
        finishRun(core, repository, run, conclusion, log, repository.owner);
        completeSuite(core, repository, run.suite, repository.owner);
      }),
    setStatus: (name, sha, context, state, description) =>
      onRepository(name, async (repository) => {
        const commit = await repository.git.commit(sha);
        if (commit === null) throw new Error(`${name} has no commit ${sha}`);
        addStatus(core, repository, commit, {
          context,
          state,
          description: description ?? null,
          creator: repository.owner,
        });
      }),
  };
}

function onlyRepository(core: Core): string {
  const names = [...core.repositories.values()].map((repository) => repository.fullName);
  if (names.length !== 1)
    throw new Error(`there are ${names.length} repositories: name the pull request as "owner/name#number"`);
  return names[0] ?? "";
}

function runIn(repository: Repository, id: number): CheckRun {
  for (const checks of repository.checks.values()) {
    const found = checks.runs.find((run) => run.id === id);
    if (found !== undefined) return found;
  }
  throw new Error(`${repository.fullName} has no check run ${id}`);
}

function appId(slug: string): number {
  let id = 80_000;
  for (const character of slug) id += character.codePointAt(0) ?? 0;
  return id;
}

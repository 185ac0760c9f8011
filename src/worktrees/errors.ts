// What can go wrong with worktrees, as types that the run pipeline tells apart. Faults of the remote itself (no
// answer, no permission) are ExternalErrors.

/** A name that must not reach git, a file system path or a URL; the message quotes it and says what is allowed. */
export class BadName extends Error {
  override readonly name = "BadName";
}

/** The project's base branch does not exist on the remote. */
export class MissingBaseBranch extends Error {
  override readonly name = "MissingBaseBranch";
  /** Null: the remote has no default branch (it is empty). */
  readonly branch: string | null;
  constructor(repository: string, branch: string | null) {
    super(
      branch === null
        ? `${repository} has no default branch: is it empty? Push a first commit, or set repository.baseBranch`
        : `${repository} has no branch ${JSON.stringify(branch)}: set repository.baseBranch to one that exists, or to null for the default branch`,
    );
    this.branch = branch;
  }
}

/** A git command failed locally. `detail` is git's own words, bounded and free of credentials. */
export class GitFailed extends Error {
  override readonly name = "GitFailed";
  readonly verb: string;
  readonly exitCode: number | null;
  readonly detail: string;
  constructor(verb: string, exitCode: number | null, detail: string) {
    super(`git ${verb} failed (${exitCode === null ? "killed" : `exit ${exitCode}`}): ${detail}`);
    this.verb = verb;
    this.exitCode = exitCode;
    this.detail = detail;
  }
}

/** Publishing was refused by us: the base or default branch, another issue's branch, a tip without the run's trailer. */
export class RefusedPublish extends Error {
  override readonly name = "RefusedPublish";
}

/** The change cannot be committed: files still hold conflict markers. */
export class UnresolvedConflict extends Error {
  override readonly name = "UnresolvedConflict";
  readonly files: readonly string[];
  constructor(files: readonly string[]) {
    super(`conflict markers are left in ${files.slice(0, 5).join(", ")}${files.length > 5 ? " …" : ""}`);
    this.files = files;
  }
}

/** A hook could not be started in its namespaces: nothing of it has run. */
export class HookNotBegun extends Error {
  override readonly name = "HookNotBegun";
  constructor(why: string) {
    super(`the hook could not start, and nothing of it has run (see \`patchrelay doctor\`): ${why}`);
  }
}

/** The worktree's history lacks what was published: whoever worked in it has taken commits back, or made them again. */
export class RewrittenHistory extends Error {
  override readonly name = "RewrittenHistory";
  constructor(published: string) {
    super(
      `commit ${published.slice(0, 12)} is on the branch already, and the work has dropped or rewritten it`,
    );
  }
}

/** A file cannot be recorded: its attributes name another encoding than its bytes are in. The message names the file. */
export class Unstorable extends Error {
  override readonly name = "Unstorable";
}

/** The branch name is taken: on the remote or in the mirror it belongs to something else than this issue. */
export class BranchTaken extends Error {
  override readonly name = "BranchTaken";
  constructor(branch: string) {
    super(`the branch ${branch} is there already, and nothing shows that it is of this issue`);
  }
}

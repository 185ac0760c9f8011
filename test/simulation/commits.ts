/** One commit as far as histories need it. */
export interface Commit {
  readonly sha: string;
  readonly parent: string | null;
  readonly by: "us" | "person" | "bot";
  /** Whether its checks pass (where the base is not red). */
  readonly good: boolean;
  /** Version of the base branch that it contains. */
  readonly base: number;
}

/** All commits ever made, pushed or not. */
export class Commits {
  private readonly rows = new Map<string, Commit>();

  add(commit: Commit): Commit {
    this.rows.set(commit.sha, commit);
    return commit;
  }

  get(sha: string): Commit {
    const found = this.rows.get(sha);
    if (found === undefined) throw new Error(`no commit ${sha}`);
    return found;
  }

  has(sha: string): boolean {
    return this.rows.has(sha);
  }

  /** Whether `sha` is `descendant` or one of its ancestors. */
  contains(descendant: string, sha: string): boolean {
    for (let at: string | null = descendant; at !== null; at = this.rows.get(at)?.parent ?? null) {
      if (at === sha) return true;
    }
    return false;
  }
}

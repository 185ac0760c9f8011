/** One commit as far as histories need it. */
export interface Commit {
  readonly sha: string;
  readonly parent: string | null;
  readonly by: "us" | "person" | "bot" | "base";
  /** Whether its checks pass (where the base is not red). */
  readonly good: boolean;
  /** Version of the base branch that it contains. */
  readonly base: number;
  /** The change it makes, whatever commit it stands on: a rebase keeps it. */
  readonly work: string;
  /** The run that says it made the commit (its trailer). */
  readonly run?: string;
}

/** All commits ever made, pushed or not: what git keeps for one issue. */
export class Commits {
  private readonly rows = new Map<string, Commit>();
  private made = 0;

  add(commit: Commit): Commit {
    this.rows.set(commit.sha, commit);
    return commit;
  }

  /** A commit of our side; the same content twice is two commits, as their times would differ. */
  make(prefix: string, commit: Omit<Commit, "sha">): Commit {
    this.made += 1;
    return this.add({ ...commit, sha: `${prefix}-${this.made}` });
  }

  get(sha: string): Commit {
    const found = this.rows.get(sha);
    if (found === undefined) throw new Error(`no commit ${sha}`);
    return found;
  }

  has(sha: string): boolean {
    return this.rows.has(sha);
  }

  /** The commit and what it stands on, newest first, down to the base. */
  *line(sha: string): Generator<Commit> {
    for (let at = this.rows.get(sha); at !== undefined && at.by !== "base";) {
      yield at;
      at = at.parent === null ? undefined : this.rows.get(at.parent);
    }
  }

  /** The head of version `version` of the base branch. */
  onBase(version: number): Commit {
    const sha = `base-${version}`;
    const row = { sha, parent: null, by: "base", good: true, base: version, work: "" } as const;
    return this.rows.get(sha) ?? this.add(row);
  }

  /** Whether `sha` is `descendant` or one of its ancestors. */
  contains(descendant: string, sha: string): boolean {
    const of = this.rows.get(descendant);
    const wanted = this.rows.get(sha);
    if (of === undefined || wanted === undefined) return false;
    if (wanted.by === "base") return of.base >= wanted.base;
    for (const commit of this.line(descendant)) if (commit.sha === sha) return true;
    return false;
  }

  /** The tree of a commit: equal for equal content. */
  tree(sha: string): string {
    const works = [...this.line(sha)].map(({ work }) => work).filter((work) => work !== "");
    return `${this.get(sha).base}:${[...new Set(works)].toSorted().join()}`;
  }
}

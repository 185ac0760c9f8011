import type { IssueId } from "../../../factory/facts/ids.ts";
import type { Lookup } from "../../engine.ts";
import type { Store } from "../database/store.ts";

/** A push to a base branch may concern every open pull request; what is beyond this the sweep finds. */
const MOST_ISSUES = 500;

/** Finds issues by what webhooks name: pull request, branch, commit, base branch. Each by its index. */
export function createLookup({ db }: Pick<Store, "db">): Lookup {
  const known = db.prepare<[string], number>("SELECT 1 FROM issues WHERE id = ?").pluck();
  const byId = db
    .prepare<[string, number], IssueId>(
      "SELECT issue FROM pull_requests WHERE repository_id = ? AND number = ? LIMIT 1",
    )
    .pluck();
  const byName = db.prepare<[string, number], { issue: IssueId; repository_id: string | null }>(
    "SELECT issue, repository_id FROM pull_requests WHERE repository = ? AND number = ?",
  );
  const byBranch = db
    .prepare<[string, string], IssueId>(
      "SELECT id FROM issues WHERE repository = ? AND branch = ? ORDER BY rowid DESC LIMIT 1",
    )
    .pluck();
  const byOldBranch = db
    .prepare<[string, string], IssueId>(
      "SELECT issue FROM pull_requests WHERE repository = ? AND branch = ? ORDER BY number DESC LIMIT 1",
    )
    .pluck();
  const byCommit = db
    .prepare<[string, string, number], IssueId>(
      "SELECT issue FROM commits WHERE repository = ? AND sha = ? LIMIT ?",
    )
    .pluck();
  const byBase = db
    .prepare<[string, string, number], IssueId>(
      "SELECT issue FROM pull_requests WHERE repository = ? AND base = ? AND open = 1 LIMIT ?",
    )
    .pluck();

  return {
    known: (issue) => known.get(issue) !== undefined,
    byPullRequest(repositoryId, repository, number) {
      const found = repositoryId === "" ? undefined : byId.get(repositoryId, number);
      if (found !== undefined) return found;
      const named = byName.get(repository, number);
      if (named === undefined) return null;
      // The same name under another id is another repository: never act on it.
      const other =
        repositoryId !== "" && named.repository_id !== null && named.repository_id !== repositoryId;
      return other ? null : named.issue;
    },
    byBranch: (repository, branch) =>
      byBranch.get(repository, branch) ?? byOldBranch.get(repository, branch) ?? null,
    byCommit: (repository, sha) => byCommit.all(repository, sha, MOST_ISSUES),
    byBase: (repository, branch) => byBase.all(repository, branch, MOST_ISSUES),
  };
}

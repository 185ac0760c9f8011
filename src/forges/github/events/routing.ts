import type { IssueId } from "../../../factory/facts/ids.ts";
import type { ForgeContext } from "../../forge.ts";
import type { PullRequestPayload } from "./schema.ts";
import { queuedPullRequest } from "./vocabulary.ts";

interface Repository {
  readonly id: string;
  readonly full_name: string;
}

/**
 * The issue of a pull request: by repository id and number, else by our branch when the head lies in the
 * same repository. A fork may name its branch like ours; it owns nothing.
 */
export function ownersOfPullRequest(
  context: ForgeContext,
  repository: Repository,
  pullRequest: PullRequestPayload,
): readonly IssueId[] {
  const known = context.byPullRequest(repository.id, repository.full_name, pullRequest.number);
  if (known !== null) return [known];
  if (pullRequest.head.repo?.id !== repository.id) return [];
  const owner = context.byBranch(repository.full_name, pullRequest.head.ref);
  return owner === null ? [] : [owner];
}

/**
 * The issues that a commit's checks concern: those of the pull requests that the payload names, of the merge
 * group that its branch is named after, else those that know the commit (pushes from forks name none).
 */
export function ownersOfCommit(
  context: ForgeContext,
  repository: Repository,
  commit: {
    readonly sha: string;
    readonly branch: string | null;
    readonly pullRequests: readonly {
      readonly number: number;
      readonly base?: { readonly repo: { readonly id: string } } | null | undefined;
    }[];
  },
): readonly IssueId[] {
  const numbers = commit.pullRequests
    .filter(
      (reference) =>
        reference.base === null || reference.base === undefined || reference.base.repo.id === repository.id,
    )
    .map((reference) => reference.number);
  const queued = queuedPullRequest(commit.branch);
  if (queued !== null) numbers.push(queued);
  const owners = new Set<IssueId>();
  for (const number of numbers) {
    const owner = context.byPullRequest(repository.id, repository.full_name, number);
    if (owner !== null) owners.add(owner);
  }
  if (owners.size === 0)
    for (const owner of context.byCommit(repository.full_name, commit.sha)) owners.add(owner);
  return [...owners];
}

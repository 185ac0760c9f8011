import { z } from "zod";
import type { Observation } from "../../factory/observation.ts";
import { OutsideError } from "../../lib/outside.ts";
import type { ForgeIdentity, RepositoryReading } from "../forge.ts";
import type { Client } from "./client.ts";
import type { Permissions } from "./permissions.ts";
import type { Contexts, ContextNode, PullRequestNode } from "./queries.ts";
import {
  BRANCH_CHECKS,
  BranchChecksAnswer,
  COMMIT_CHECKS,
  CommitChecksAnswer,
  PULL_REQUEST,
  PullRequestAnswer,
} from "./queries.ts";
import { failedNames, readingOf, speakersOf } from "./reading.ts";
import type { RuleBook } from "./rules.ts";
import { Id } from "./schema.ts";

export interface Reader {
  repository(repository: string, signal: AbortSignal): Promise<RepositoryReading>;
  readPullRequest(
    repository: string,
    which: { readonly number: number | null; readonly branch: string },
    signal: AbortSignal,
  ): Promise<Observation | null>;
}

export interface ReaderParts {
  readonly client: Client;
  readonly rules: RuleBook;
  readonly permissions: Permissions;
  whoAmI(signal: AbortSignal): Promise<ForgeIdentity>;
}

const MAX_PAGES_OF_CHECKS = 3;

const RepositoryAnswer = z.object({
  id: Id,
  default_branch: z.string(),
  archived: z.boolean().default(false),
  disabled: z.boolean().default(false),
});

const PullRequestList = z.array(
  z.object({
    number: z.number().int(),
    state: z.string(),
    head: z.object({ ref: z.string(), repo: z.object({ id: Id }).nullable() }),
    base: z.object({ repo: z.object({ id: Id }) }),
  }),
);

/** Reads repositories and pull requests as they are now. */
export function createReader(parts: ReaderParts): Reader {
  return {
    async repository(repository, signal) {
      const { value } = await parts.client.call(
        { repository, route: "GET /repos/{owner}/{repo}", schema: RepositoryAnswer },
        signal,
      );
      if (value.archived || value.disabled)
        throw new OutsideError(
          "refused",
          `${repository} is ${value.archived ? "archived" : "disabled"}: nothing can be pushed`,
        );
      return {
        id: value.id,
        defaultBranch: value.default_branch,
        hasBranch: (branch, within) => hasBranch(parts.client, repository, branch, within),
      };
    },
    async readPullRequest(repository, which, signal) {
      const number = which.number ?? (await numberOf(parts.client, repository, which.branch, signal));
      return number === null ? null : read(parts, repository, number, signal);
    },
  };
}

async function hasBranch(
  client: Client,
  repository: string,
  branch: string,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/branches/{branch}",
        parameters: { branch },
        schema: z.unknown(),
      },
      signal,
    );
    return true;
  } catch (error) {
    if (error instanceof OutsideError && error.kind === "not_found") return false;
    throw error;
  }
}

// The open one of our branch, else the newest; a fork's branch of the same name is not ours.
async function numberOf(
  client: Client,
  repository: string,
  branch: string,
  signal: AbortSignal,
): Promise<number | null> {
  const { value } = await client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/pulls",
      parameters: {
        head: `${repository.split("/")[0]}:${branch}`,
        state: "all",
        sort: "created",
        direction: "desc",
      },
      schema: PullRequestList,
    },
    signal,
  );
  const ours = value.filter(
    (entry) => entry.head.ref === branch && entry.head.repo?.id === entry.base.repo.id,
  );
  return (ours.find((entry) => entry.state === "open") ?? ours[0])?.number ?? null;
}

async function read(
  parts: ReaderParts,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<Observation> {
  const { client } = parts;
  const us = await parts.whoAmI(signal);
  const target = { ...ownerAndName(repository), number };
  const answer = await client.query(
    repository,
    `pull request ${number}`,
    PULL_REQUEST,
    target,
    PullRequestAnswer,
    signal,
  );
  const node = answer.value.repository?.pullRequest ?? null;
  if (node === null) throw new OutsideError("not_found", `${repository} has no pull request ${number}`);
  const contexts = await allContexts(client, repository, node, signal);
  const rules = await parts.rules.of(repository, node.baseRefName, signal);
  const failed = failedNames(contexts);
  const onBase = failed.length === 0 ? [] : await failedOnBase(client, repository, node, signal);
  return readingOf({
    node,
    repositoryId: answer.value.repository?.databaseId ?? null,
    rules,
    contexts,
    redOnBase: failed.filter((name) => onBase.includes(name)),
    permissions: await parts.permissions.lookUp(repository, speakersOf(node, us), signal),
    us,
    at: answer.at,
  });
}

// `commits(last: 1)` may lag behind the head after a push: a verdict belongs to one commit, so then it is asked for by name.
async function allContexts(
  client: Client,
  repository: string,
  node: PullRequestNode,
  signal: AbortSignal,
): Promise<readonly ContextNode[]> {
  const newest = node.commits.at(-1)?.commit;
  const current = newest?.oid === node.headRefOid;
  let page: Contexts | null = current ? newest.statusCheckRollup : null;
  const found: ContextNode[] = [...(page?.nodes ?? [])];
  if (current && page?.pageInfo.hasNextPage !== true) return found;
  for (let read = current ? 1 : 0; read < MAX_PAGES_OF_CHECKS; read += 1) {
    const { value } = await client.query(
      repository,
      `checks of ${node.headRefOid}`,
      COMMIT_CHECKS,
      {
        ...ownerAndName(repository),
        number: node.number,
        oid: node.headRefOid,
        after: page?.pageInfo.endCursor ?? null,
      },
      CommitChecksAnswer,
      signal,
    );
    page = value.repository?.object?.statusCheckRollup ?? null;
    found.push(...(page?.nodes ?? []));
    if (page?.pageInfo.hasNextPage !== true) break;
  }
  return found;
}

async function failedOnBase(
  client: Client,
  repository: string,
  node: PullRequestNode,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { value } = await client.query(
    repository,
    `checks of ${node.baseRefName}`,
    BRANCH_CHECKS,
    { ...ownerAndName(repository), number: node.number, ref: `refs/heads/${node.baseRefName}` },
    BranchChecksAnswer,
    signal,
  );
  return failedNames(value.repository?.ref?.target?.statusCheckRollup?.nodes ?? []);
}

/** The variables that every query begins with. */
export function ownerAndName(repository: string): { readonly owner: string; readonly repo: string } {
  const [owner = "", repo = ""] = repository.split("/");
  return { owner, repo };
}

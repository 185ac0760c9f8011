import { z } from "zod";
import type { Observation } from "../../../factory/facts/observation.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { ForgeIdentity, RepositoryReading } from "../../forge.ts";
import type { Client } from "../client/client.ts";
import type { Permissions } from "../client/permissions.ts";
import type { Contexts, ContextNode, PullRequestNode } from "./queries.ts";
import {
  BRANCH_CHECKS,
  BranchChecksAnswer,
  COMMIT_CHECKS,
  CommitChecksAnswer,
  ownerAndName,
  PULL_REQUEST,
  PullRequestAnswer,
} from "./queries.ts";
import type { CommitReader } from "./commits.ts";
import { failedNames, readingOf, speakersOf } from "./reading.ts";
import type { RuleBook } from "./rules.ts";
import { Id } from "../events/schema.ts";
import { withoutSuperseded } from "./superseded.ts";

export interface PullRequestReader {
  repository(repository: string, signal: AbortSignal): Promise<RepositoryReading>;
  readPullRequest(
    repository: string,
    which: { readonly number: number | null; readonly branch: string },
    askedAt: number,
    signal: AbortSignal,
  ): Promise<Observation | null>;
}

export interface PullRequestReaderParts {
  readonly client: Client;
  readonly rules: RuleBook;
  readonly permissions: Permissions;
  readonly commits: CommitReader;
  whoAmI(signal: AbortSignal): Promise<ForgeIdentity>;
}

/** A hundred checks each. Beyond them nothing is known, and a verdict would be a guess. */
const MAX_PAGES_OF_CHECKS = 10;

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
export function createPullRequestReader(parts: PullRequestReaderParts): PullRequestReader {
  return {
    async repository(repository, signal) {
      const { value } = await parts.client.call(
        { repository, route: "GET /repos/{owner}/{repo}", schema: RepositoryAnswer },
        signal,
      );
      if (value.archived || value.disabled)
        throw new ExternalError(
          "refused",
          `${repository} is ${value.archived ? "archived" : "disabled"}: nothing can be pushed`,
        );
      return {
        id: value.id,
        defaultBranch: value.default_branch,
        hasBranch: (branch, within) => hasBranch(parts.client, repository, branch, within),
      };
    },
    async readPullRequest(repository, which, askedAt, signal) {
      const number = which.number ?? (await numberOf(parts.client, repository, which.branch, signal));
      return number === null ? null : read(parts, repository, number, askedAt, signal);
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
    if (error instanceof ExternalError && error.kind === "not_found") return false;
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
  parts: PullRequestReaderParts,
  repository: string,
  number: number,
  askedAt: number,
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
  if (node === null) throw new ExternalError("not_found", `${repository} has no pull request ${number}`);
  const { contexts, cut } = await checksOfHead(client, repository, node, signal);
  const rules = await parts.rules.of(repository, node.baseRefName, signal);
  const failed = failedNames(contexts);
  const onBase = failed.length === 0 ? [] : await failedOnBase(client, repository, node, signal);
  return readingOf({
    node,
    repositoryId: answer.value.repository?.databaseId ?? null,
    commits: await parts.commits.of(
      repository,
      node.headRefOid,
      node.history.map(({ commit }) => commit),
      signal,
    ),
    rules,
    contexts,
    cut,
    redOnBase: failed.filter((name) => onBase.includes(name)),
    permissions: await parts.permissions.lookUp(repository, speakersOf(node, us), signal),
    us,
    at: answer.at,
    askedAt,
  });
}

/** The checks of a commit, and whether there are more of them than are read. */
interface Checks {
  readonly contexts: readonly ContextNode[];
  readonly cut: boolean;
}

// `commits(last: 1)` may lag behind the head after a push: a verdict belongs to one commit, so then it is asked for by name.
async function checksOfHead(
  client: Client,
  repository: string,
  node: PullRequestNode,
  signal: AbortSignal,
): Promise<Checks> {
  const newest = node.commits.at(-1)?.commit;
  const first = newest?.oid === node.headRefOid ? { page: newest.statusCheckRollup } : null;
  return checksOf(client, repository, { number: node.number, oid: node.headRefOid, first }, signal);
}

async function checksOf(
  client: Client,
  repository: string,
  commit: {
    readonly number: number;
    readonly oid: string;
    /** The first page, where it came with something else. */
    readonly first: { readonly page: Contexts | null } | null;
  },
  signal: AbortSignal,
): Promise<Checks> {
  const { number, oid, first } = commit;
  let page = first === null ? null : first.page;
  const found: ContextNode[] = [...(page?.nodes ?? [])];
  let more = first === null || page?.pageInfo.hasNextPage === true;
  for (let read = first === null ? 0 : 1; more && read < MAX_PAGES_OF_CHECKS; read += 1) {
    const { value } = await client.query(
      repository,
      `checks of ${oid}`,
      COMMIT_CHECKS,
      { ...ownerAndName(repository), number, oid, after: page?.pageInfo.endCursor ?? null },
      CommitChecksAnswer,
      signal,
    );
    page = value.repository?.object?.statusCheckRollup ?? null;
    found.push(...(page?.nodes ?? []));
    more = page?.pageInfo.hasNextPage === true;
  }
  return { contexts: await withoutSuperseded(client, repository, oid, found, signal), cut: more };
}

async function failedOnBase(
  client: Client,
  repository: string,
  node: PullRequestNode,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { number, baseRefName } = node;
  const { value } = await client.query(
    repository,
    `checks of ${baseRefName}`,
    BRANCH_CHECKS,
    { ...ownerAndName(repository), number, ref: `refs/heads/${baseRefName}` },
    BranchChecksAnswer,
    signal,
  );
  const tip = value.repository?.ref?.target ?? null;
  if (tip === null) return [];
  const first = { page: tip.statusCheckRollup };
  const { contexts } = await checksOf(client, repository, { number, oid: tip.oid, first }, signal);
  return failedNames(contexts);
}

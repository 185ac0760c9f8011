import { createHash } from "node:crypto";
import { z } from "zod";
import type { Observation } from "../../../factory/facts/observation.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { ForgeIdentity, RepositoryReading } from "../../forge.ts";
import type { Need } from "../client/brake.ts";
import type { Client } from "../client/client.ts";
import type { Permissions } from "../client/permissions.ts";
import { blindChecks } from "./blind.ts";
import { checksOfHead } from "./checks.ts";
import type { BaseChecks, Checks } from "./checks.ts";
import type { Gatherer } from "./gather.ts";
import type { KnownChecks } from "./known/known-checks.ts";
import type { PullRequestNode, ThreadComment } from "./queries.ts";
import type { CommitReader } from "./commits.ts";
import { checkOf, failedNames, readingOf, requiredOf, speakersOf } from "./reading.ts";
import type { RuleBook } from "./rules.ts";
import { Id } from "../events/schema.ts";
import type { Superseded } from "./superseded.ts";

export interface PullRequestReader {
  repository(repository: string, signal: AbortSignal): Promise<RepositoryReading>;
  readPullRequest(
    repository: string,
    which: { readonly number: number | null; readonly branch: string; readonly background?: boolean },
    askedAt: number,
    signal: AbortSignal,
  ): Promise<Observation | null>;
}

interface Parts {
  readonly client: Client;
  readonly gatherer: Gatherer;
  readonly superseded: Superseded;
  readonly base: BaseChecks;
  readonly known: KnownChecks;
  readonly rules: RuleBook;
  readonly permissions: Permissions;
  readonly commits: CommitReader;
  whoAmI(signal: AbortSignal): Promise<ForgeIdentity>;
}

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
export function createPullRequestReader(parts: Parts): PullRequestReader {
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
      const need = which.background === true ? "background" : "wanted";
      parts.client.hold(repository, need);
      const number = which.number ?? (await numberOf(parts.client, repository, which.branch, signal));
      return number === null ? null : read(parts, repository, number, { need, askedAt }, signal);
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
  parts: Parts,
  repository: string,
  number: number,
  { need, askedAt }: { readonly need: Need; readonly askedAt: number },
  signal: AbortSignal,
): Promise<Observation> {
  const { client, gatherer } = parts;
  const us = await parts.whoAmI(signal);
  const found = await gatherer.pullRequest(repository, number, need, signal);
  const { node, repositoryId, isBlind, at } = found;
  const open = node.reviewThreads.filter((thread) => !thread.isResolved);
  const comments = new Map(
    await Promise.all(
      open.map(async ({ id }): Promise<[string, readonly ThreadComment[]]> => [
        id,
        found.comments.get(id) ?? (await gatherer.comments(repository, id, need, signal)),
      ]),
    ),
  );
  const rules = await parts.rules.of(repository, node.baseRefName, signal);
  const newest = node.commits.at(-1)?.commit;
  const first = newest?.oid === node.headRefOid ? { rollup: newest.statusCheckRollup } : null;
  const checks = isBlind
    ? await blindChecks(
        client,
        repository,
        { node, seen: first?.rollup?.contexts.nodes ?? [], required: rules.required },
        signal,
      )
    : await checksOfHead(parts, repository, { number, oid: node.headRefOid, first }, signal);
  const { contexts, cut } = checks;
  const failed = failedNames(contexts);
  const onBase = failed.length === 0 ? [] : await parts.base.failedOn(repository, node.baseRefName, signal);
  return readingOf({
    node,
    comments,
    repositoryId,
    commits: await parts.commits.of(
      repository,
      node.headRefOid,
      node.history.map(({ commit }) => commit),
      need,
      signal,
    ),
    rules,
    contexts,
    cut,
    expected: isUnfailing(node, requiredOf(rules, contexts), checks)
      ? await expectedOn(parts.known, repository, node, { ...checks, isBlind }, signal)
      : [],
    redOnBase: failed.filter((name) => onBase.includes(name)),
    permissions: await parts.permissions.lookUp(repository, speakersOf({ node, comments }, us), signal),
    us,
    at,
    askedAt,
  });
}

/** Nothing but a check that has not come may keep it from being green. */
function isUnfailing(
  { state }: PullRequestNode,
  required: readonly string[],
  { contexts, cut }: Checks,
): boolean {
  if (state !== "OPEN" || required.length > 0 || cut) return false;
  const passed = ["success", "neutral", "skipped"];
  return contexts.map(checkOf).every(({ conclusion }) => passed.includes(conclusion ?? ""));
}

async function expectedOn(
  known: KnownChecks,
  repository: string,
  node: PullRequestNode,
  { contexts, isBlind, isGuess = false }: Checks & { readonly isBlind: boolean },
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  if (isGuess) return null;
  // Of earlier commits no more can be seen than of this one; the sum of its checks has told of those that have come.
  if (isBlind) return [];
  const names = contexts.map((context) => JSON.stringify([checkOf(context).app, checkOf(context).name]));
  const { number, headRefOid: head, headRefName: branch, baseRefName: base } = node;
  const digest = createHash("sha256").update(names.toSorted().join("\n")).digest("hex");
  return known.missingOn(repository, { number, head, branch, base, checks: digest }, signal);
}

import type { Clock } from "../../../lib/clock.ts";
import { sharedFlights } from "../../../lib/single-flight.ts";
import type { Client } from "../client/client.ts";
import { BRANCH_CHECKS, COMMIT_CHECKS } from "./documents.ts";
import type { ContextNode, Rollup } from "./queries.ts";
import { BranchChecksAnswer, CommitChecksAnswer, ownerAndName } from "./queries.ts";
import { failedNames } from "./reading.ts";
import type { Superseded } from "./superseded.ts";

/** The checks of a commit, and whether there are more of them than are read. */
export interface Checks {
  readonly contexts: readonly ContextNode[];
  readonly cut: boolean;
  /** None of them was seen, nor the sum of them: whether there are any is not known. */
  readonly isGuess?: boolean;
}

/** A hundred checks each. Beyond them nothing is known, and a verdict would be a guess. */
const MAX_PAGES = 10;

/**
 * The checks of a pull request's head. `first`: the rollup that came with the pull request; null = it was of another commit,
 * as right after a push: a verdict belongs to one commit, so then it is asked for by name.
 */
export async function checksOfHead(
  parts: { readonly client: Client; readonly superseded: Superseded },
  repository: string,
  head: {
    readonly number: number;
    readonly oid: string;
    readonly first: { readonly rollup: Rollup | null } | null;
  },
  signal: AbortSignal,
): Promise<Checks> {
  const { number, oid, first } = head;
  const { contexts, cut } = await pages(first, async (after) => {
    const { value } = await parts.client.query(
      repository,
      `checks of ${oid}`,
      COMMIT_CHECKS,
      { ...ownerAndName(repository), number, oid, after },
      CommitChecksAnswer,
      signal,
    );
    return value.repository?.object?.statusCheckRollup ?? null;
  });
  return { contexts: await parts.superseded.without(repository, oid, contexts, signal), cut };
}

async function pages(
  first: { readonly rollup: Rollup | null } | null,
  ask: (after: string | null) => Promise<Rollup | null>,
): Promise<Checks> {
  let page = first === null ? null : first.rollup;
  const contexts: ContextNode[] = [...(page?.contexts.nodes ?? [])];
  let more = first === null || page?.contexts.pageInfo.hasNextPage === true;
  for (let read = first === null ? 0 : 1; more && read < MAX_PAGES; read += 1) {
    page = await ask(page?.contexts.pageInfo.endCursor ?? null);
    contexts.push(...(page?.contexts.nodes ?? []));
    more = page?.contexts.pageInfo.hasNextPage === true;
  }
  return { contexts, cut: more };
}

/** What fails on branches themselves, asked once for all pull requests onto one. */
export interface BaseChecks {
  failedOn(repository: string, branch: string, signal: AbortSignal): Promise<readonly string[]>;
  /** A branch moved: what was known of it is of another commit. */
  forget(repository: string, branch: string): void;
}

/** A base is red or not for minutes; a sweep of its pull requests asks within seconds. */
const KEPT_MS = 30_000;
const MAX_KEPT = 500;

export function createBaseChecks(client: Client, superseded: Superseded, clock: Clock): BaseChecks {
  const kept = new Map<string, { readonly until: number; readonly failed: readonly string[] }>();
  const together = sharedFlights<readonly string[]>();
  const nameOf = (repository: string, branch: string): string => `${repository.toLowerCase()} ${branch}`;

  const look = async (
    repository: string,
    branch: string,
    signal: AbortSignal,
  ): Promise<readonly string[]> => {
    let oid: string | null = null;
    const { contexts } = await pages(null, async (after) => {
      const { value } = await client.query(
        repository,
        `checks of ${branch}`,
        BRANCH_CHECKS,
        { ...ownerAndName(repository), ref: `refs/heads/${branch}`, after },
        BranchChecksAnswer,
        signal,
      );
      const tip = value.repository?.ref?.target ?? null;
      // It moved between two pages: those of the new commit are not its.
      if (oid !== null && tip?.oid !== oid) return null;
      oid = tip?.oid ?? null;
      return tip?.statusCheckRollup ?? null;
    });
    return oid === null ? [] : failedNames(await superseded.without(repository, oid, contexts, signal));
  };

  return {
    async failedOn(repository, branch, signal) {
      const name = nameOf(repository, branch);
      const known = kept.get(name);
      if (known !== undefined && known.until > clock.monotonic()) return known.failed;
      const failed = await together(name, (until) => look(repository, branch, until), signal);
      kept.delete(name);
      kept.set(name, { until: clock.monotonic() + KEPT_MS, failed });
      const oldest = kept.keys().next();
      if (kept.size > MAX_KEPT && oldest.done !== true) kept.delete(oldest.value);
      return failed;
    },
    forget(repository, branch) {
      kept.delete(nameOf(repository, branch));
    },
  };
}

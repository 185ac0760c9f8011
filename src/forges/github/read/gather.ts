import { z } from "zod";
import type { Clock } from "../../../lib/clock.ts";
import { ExternalError, withDeadline } from "../../../lib/external.ts";
import type { Need } from "../client/brake.ts";
import type { Client, Parts } from "../client/client.ts";
import { undefinedFieldsIn } from "../client/errors.ts";
import type { PartFault } from "../client/errors.ts";
import type { Outcome } from "./batch.ts";
import { createBatches } from "./batch.ts";
import {
  aliasOf,
  COMMITS_AT_ONCE,
  OPTIONAL_FIELDS,
  parentsDocument,
  PULL_REQUESTS_AT_ONCE,
  pullRequestsDocument,
  threadCommentsDocument,
  THREADS_AT_ONCE,
  threadsBeside,
} from "./documents.ts";
import type { ThreadComment } from "./queries.ts";
import {
  ownerAndName,
  ParentsNode,
  PullRequestNode,
  PullRequestsAnswer,
  ThreadCommentsAnswer,
  ThreadCommentsNode,
} from "./queries.ts";

/** A pull request as GitHub shows it at one moment. */
export interface Found {
  readonly node: PullRequestNode;
  /** Comments of conversations that came along with it. */
  readonly comments: ReadonlyMap<string, readonly ThreadComment[]>;
  readonly repositoryId: string | null;
  /** Some or all of its checks are not shown to our credential. */
  readonly isBlind: boolean;
  /** GitHub's clock, Unix ms. */
  readonly at: number;
}

/** Reads pull requests, many in one query. */
export interface Gatherer {
  pullRequest(repository: string, number: number, need: Need, signal: AbortSignal): Promise<Found>;
  /** The first parents of a commit. */
  parents(repository: string, oid: string, need: Need, signal: AbortSignal): Promise<readonly string[]>;
  /** The newest comments of a conversation; none for one that is gone. */
  comments(
    repository: string,
    thread: string,
    need: Need,
    signal: AbortSignal,
  ): Promise<readonly ThreadComment[]>;
}

/** A reading that waits for other readings, and its own request, may take this many deadlines of a request. */
const PATIENCE = 4;

/** Pull requests whose open conversations are remembered. */
const MAX_KEPT = 1_000;

/** What is absent where it may not be seen, without making a list look shorter than it is. */
const MAY_BE_HIDDEN: ReadonlySet<string> = new Set([
  "author",
  "actor",
  "enabledBy",
  "autoMergeRequest",
  "mergeQueueEntry",
  "beforeCommit",
]);

export function createGatherer(client: Client, clock: Clock, totalMs: number): Gatherer {
  /** What this server was found not to have. */
  const missing = new Set<string>();

  /** Asks again without the fields that this server does not have; each is found missing once. */
  const asked = async (
    repository: string,
    what: string,
    document: () => string,
    variables: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<Parts> => {
    for (;;) {
      const answer = await client.queryParts(repository, what, document(), variables, signal);
      const unknown = undefinedFieldsIn(answer.faults).filter(
        (name) => OPTIONAL_FIELDS.has(name) && !missing.has(name),
      );
      if (unknown.length === 0) return answer;
      for (const name of unknown) missing.add(name);
    }
  };

  /** Conversations that were open when their pull request was last read: these come along with it. */
  const open = new Map<string, readonly string[]>();
  const keepOpen = (name: string, { reviewThreads }: PullRequestNode): void => {
    open.delete(name);
    const ids = reviewThreads.filter(({ isResolved }) => !isResolved).map(({ id }) => id);
    if (ids.length > 0) open.set(name, ids);
    const oldest = open.keys().next();
    if (open.size > MAX_KEPT && oldest.done !== true) open.delete(oldest.value);
  };

  const pulls = createBatches<number, Found>({
    most: PULL_REQUESTS_AT_ONCE,
    async send(repository, numbers, signal) {
      const what = `pull request ${numbers.join(", ")}`;
      const known = numbers.flatMap((number) => open.get(`${repository} ${number}`) ?? []);
      const ids = known.slice(0, threadsBeside(numbers.length));
      const variables = {
        ...ownerAndName(repository),
        ...Object.fromEntries(numbers.map((number, index) => [`n${index}`, number])),
        ...(ids.length === 0 ? {} : { ids }),
      };
      const document = (): string => pullRequestsDocument(numbers.length, ids.length > 0, missing);
      const { data, faults, at } = await asked(repository, what, document, variables, signal);
      const parsed = PullRequestsAnswer.safeParse(data);
      const whole = faults.find(({ path }) => path.length < 2)?.fault;
      if (whole !== undefined) throw whole;
      const answer = parsed.success ? parsed.data.repository : null;
      if (answer === null) throw new ExternalError("unavailable", `${what} of ${repository}: no answer`);
      const comments = commentsIn(ids, parsed.data?.nodes ?? [], faults);
      return numbers.map((number, index): Outcome<Found> => {
        const alias = aliasOf(index);
        const own = faults.filter(({ path }) => path[0] === "repository" && path[1] === alias);
        const isHidden = own.filter(isHiddenCheck);
        const broken = own.find((fault) => !isHidden.includes(fault) && !mayBeHidden(fault));
        if (broken !== undefined) return { fault: broken.fault };
        if (answer[alias] === null || answer[alias] === undefined)
          return { fault: new ExternalError("not_found", `${repository} has no pull request ${number}`) };
        const node = PullRequestNode.safeParse(answer[alias]);
        if (!node.success)
          return { fault: undocumented(`pull request ${number} of ${repository}`, node.error) };
        keepOpen(`${repository} ${number}`, node.data);
        const repositoryId = answer.databaseId;
        return { value: { node: node.data, comments, repositoryId, isBlind: isHidden.length > 0, at } };
      });
    },
  });

  const threads = createBatches<string, readonly ThreadComment[]>({
    most: THREADS_AT_ONCE,
    async send(repository, ids, signal) {
      const what = `${ids.length} conversations`;
      const document = (): string => threadCommentsDocument(missing);
      const { data, faults } = await asked(repository, what, document, { ids }, signal);
      const parsed = ThreadCommentsAnswer.safeParse(data);
      if (!parsed.success) throw faults[0]?.fault ?? undocumented(`${what} of ${repository}`, parsed.error);
      const comments = commentsIn(ids, parsed.data.nodes, faults);
      return ids.map((id, index): Outcome<readonly ThreadComment[]> => {
        const known = comments.get(id);
        if (known !== undefined) return { value: known };
        const own = faults.find(({ path }) => path.length === 0 || path[1] === index);
        const fault =
          own?.fault ?? new ExternalError("unavailable", `a conversation of ${repository}: no answer`);
        return { fault };
      });
    },
  });

  const parents = createBatches<string, readonly string[]>({
    most: COMMITS_AT_ONCE,
    async send(repository, oids, signal) {
      const what = `parents of ${oids.length} commits`;
      const variables = {
        ...ownerAndName(repository),
        ...Object.fromEntries(oids.map((oid, index) => [`o${index}`, oid])),
      };
      const { data, faults } = await client.queryParts(
        repository,
        what,
        parentsDocument(oids.length),
        variables,
        signal,
      );
      const [fault] = faults;
      if (fault !== undefined) throw fault.fault;
      const parsed = PullRequestsAnswer.safeParse(data);
      if (!parsed.success) throw undocumented(`${what} of ${repository}`, parsed.error);
      return oids.map((_, index): Outcome<readonly string[]> => {
        // A commit that GitHub no longer has says nothing of its parents.
        const node = ParentsNode.safeParse(parsed.data.repository?.[aliasOf(index)] ?? { parents: null });
        return node.success
          ? { value: node.data.parents }
          : { fault: undocumented(`a commit of ${repository}`, node.error) };
      });
    },
  });

  const within = async <T>(
    what: string,
    signal: AbortSignal,
    ask: (until: AbortSignal) => Promise<T>,
  ): Promise<T> => withDeadline(clock, signal, PATIENCE * totalMs, what, ask);

  return {
    pullRequest: (repository, number, need, signal) =>
      within(`pull request ${number} of ${repository}`, signal, (until) =>
        pulls.ask(repository, number, need, until),
      ),
    parents: (repository, oid, need, signal) =>
      within(`a commit of ${repository}`, signal, (until) => parents.ask(repository, oid, need, until)),
    comments: (repository, thread, need, signal) =>
      within(`a conversation of ${repository}`, signal, (until) =>
        threads.ask(repository, thread, need, until),
      ),
  };
}

/** The comments of each conversation that was answered whole; none for one that is gone. */
function commentsIn(
  ids: readonly string[],
  nodes: readonly unknown[],
  faults: readonly PartFault[],
): ReadonlyMap<string, readonly ThreadComment[]> {
  const found = new Map<string, readonly ThreadComment[]>();
  for (const [index, id] of ids.entries()) {
    const own = faults.filter(({ path }) => path[0] === "nodes" && path[1] === index);
    if (own.some((fault) => !mayBeHidden(fault) && fault.fault.kind !== "not_found")) continue;
    if (nodes[index] === null || own.length > 0) found.set(id, []);
    const thread = ThreadCommentsNode.safeParse(nodes[index]);
    if (thread.success) found.set(id, thread.data.comments);
  }
  return found;
}

/** A fine-grained token may see commit statuses, but no check runs: each of them is refused, or the whole list is. */
function isHiddenCheck({ path, fault }: PartFault): boolean {
  return fault.kind === "refused" && path.includes("statusCheckRollup");
}

function mayBeHidden({ path, fault }: PartFault): boolean {
  const field = path.findLast((part) => typeof part === "string");
  return (fault.kind === "refused" || fault.kind === "not_found") && MAY_BE_HIDDEN.has(String(field));
}

function undocumented(what: string, error: z.ZodError): ExternalError {
  const fields = error.issues.slice(0, 3).map((issue) => `${issue.path.join(".")} (${issue.message})`);
  return new ExternalError("unavailable", `${what} answered in an undocumented form: ${fields.join(", ")}`);
}

import type { Clock } from "../../../../lib/clock.ts";
import { ExternalError } from "../../../../lib/external.ts";
import { sharedFlights } from "../../../../lib/single-flight.ts";
import type { Client } from "../../client/client.ts";
import { undefinedFieldsIn } from "../../client/errors.ts";
import { ownerAndName } from "../queries.ts";
import {
  FILE,
  knownChecksDocument,
  KnownChecksAnswer,
  type KnownCommit,
  type KnownContext,
} from "./document.ts";
import { startsOf } from "./workflow.ts";

/** A head of an open pull request whose checks have all ended well, or that has none. */
export interface Unfailing {
  readonly number: number;
  readonly head: string;
  readonly branch: string;
  readonly base: string;
  /** Changes with the checks that the head is known to have. */
  readonly checks: string;
}

/** What a repository is known to check pull requests with. */
export interface KnownChecks {
  /** Of that, what has not reported on this head; null = our credential may not see it. */
  missingOn(repository: string, pull: Unfailing, signal: AbortSignal): Promise<readonly string[] | null>;
}

/** Nothing missing stays so. What is missing may come to be known no more, as when its workflow is taken off the base. */
const KEPT_MS = 30 * 60_000;
const MAX_KEPT = 1_000;
/** Names are shown to people: more of them say nothing new. */
const MOST_NAMES = 20;

export function createKnownChecks(client: Client, clock: Clock): KnownChecks {
  const kept = new Map<string, { readonly until: number; readonly missing: readonly string[] | null }>();
  const together = sharedFlights<readonly string[] | null>();
  let hasFile = true;

  const ask = async (
    repository: string,
    { number, head, base }: Unfailing,
    signal: AbortSignal,
  ): Promise<KnownChecksAnswer | null> => {
    const what = `what is known to check pull request ${number}`;
    const variables = {
      ...ownerAndName(repository),
      number,
      base,
      ref: `refs/heads/${base}`,
      headFiles: `${head}:.github/workflows`,
      baseFiles: `refs/heads/${base}:.github/workflows`,
    };
    for (;;) {
      const answer = await client.queryParts(
        repository,
        what,
        knownChecksDocument(hasFile),
        variables,
        signal,
      );
      if (hasFile && undefinedFieldsIn(answer.faults).includes(FILE)) {
        hasFile = false;
        continue;
      }
      const broken = answer.faults.find(({ fault }) => fault.kind !== "refused");
      if (broken !== undefined) throw broken.fault;
      // Part of an answer does not tell what there is beside it.
      if (answer.faults.length > 0) return null;
      const parsed = KnownChecksAnswer.safeParse(answer.data);
      if (parsed.success) return parsed.data;
      throw new ExternalError("unavailable", `${what} of ${repository}: answered in an undocumented form`);
    }
  };

  return {
    async missingOn(repository, pull, signal) {
      const name = JSON.stringify([repository, pull]);
      const known = kept.get(name);
      if (known !== undefined && known.until > clock.monotonic()) return known.missing;
      const missing = await together(
        name,
        async (until) => {
          const answer = await ask(repository, pull, until);
          return answer === null ? null : missingIn(answer, pull);
        },
        signal,
      );
      kept.delete(name);
      const until = missing?.length === 0 ? Infinity : clock.monotonic() + KEPT_MS;
      kept.set(name, { until, missing });
      const oldest = kept.keys().next();
      if (kept.size > MAX_KEPT && oldest.done !== true) kept.delete(oldest.value);
      return missing;
    },
  };
}

/** Something that checks commits: a workflow, another App, or whoever sets a commit status. */
interface Source {
  /** As people know it. */
  readonly label: string;
  /** The event that started it; null = it is no workflow. */
  readonly event: string | null;
}

type Sources = ReadonlyMap<string, Source>;

/** Events that check a pull request for a new commit of it. */
const OF_COMMITS: ReadonlySet<string> = new Set(["pull_request", "pull_request_target", "push"]);

/**
 * What the head lacks of all that is known: what earlier commits of it had, what the pull requests merged before it had,
 * and where none of those had anything, what others than GitHub Actions said of the base; and the workflows by their
 * text. Where anything has reported, only what checks every pull request is missed: the rest may have nothing to check.
 */
export function missingIn({ repository }: KnownChecksAnswer, pull: Unfailing): readonly string[] | null {
  const { pullRequest, pullRequests, ref, headFiles, baseFiles } = repository;
  const commits = pullRequest?.commits ?? [];
  const head = commits.find(({ oid }) => oid === pull.head);
  if (head === undefined)
    throw new ExternalError("unavailable", `pull request ${pull.number} does not show ${pull.head} yet`);
  // What is on further pages may be what is missed.
  if (head.isCut) return null;
  const reported = new Map(head.contexts.map(sourceOf));
  const files = new Map([...baseFiles, ...headFiles]);
  const starting = [...files].map(
    ([path, text]) => [path, startsOf(text, { head: pull.branch, base: pull.base })] as const,
  );
  const starts = new Map(starting);
  const earlier = commits.filter((commit) => commit !== head).map(checking);
  const merged = pullRequests.map(checking).filter((sources) => sources.size > 0);
  const onBase = [...checking(ref?.target ?? null)].filter(([, { event }]) => event === null);
  const byFile = (isNameless(head) ? [] : starting)
    .filter(([, when]) => when !== "never")
    .map(([path]): [string, Source] => [keyOfWorkflow(path), { label: path, event: "pull_request" }]);
  const known = new Map([
    ...byFile,
    ...(merged.length === 0 ? onBase : []),
    ...[...merged, ...earlier].flatMap((sources) => [...sources]),
  ]);
  const isOfEvery = (key: string): boolean => {
    if (earlier.some((sources) => sources.has(key))) return true;
    return merged.every((sources) => sources.has(key));
  };
  const missing = [...known].filter(([key, { event, label }]) => {
    if (reported.has(key)) return false;
    // Others than workflows are in no file; nor are workflows that an organisation prescribes.
    const when = event === null ? "always" : (starts.get(label) ?? "always");
    if (when === "never") return false;
    return reported.size === 0 || (when === "always" && isOfEvery(key));
  });
  return [...new Set(missing.map(([, { label }]) => label))].toSorted().slice(0, MOST_NAMES);
}

/** Whether one of its workflows cannot be told from the others: then none can be missed by its file. */
function isNameless({ contexts }: KnownCommit): boolean {
  return contexts.some((context) => {
    const run = context.__typename === "CheckRun" ? (context.checkSuite.workflowRun ?? null) : null;
    return run !== null && (run.file ?? null) === null;
  });
}

/** What checked a commit because it was pushed or proposed. */
function checking(commit: KnownCommit | null): Sources {
  const all = (commit?.contexts ?? []).map(sourceOf);
  return new Map(all.filter(([, { event }]) => event === null || OF_COMMITS.has(event)));
}

function sourceOf(context: KnownContext): [string, Source] {
  if (context.__typename === "StatusContext")
    return [`status ${context.context}`, { label: context.context, event: null }];
  const { app, workflowRun } = context.checkSuite;
  if (workflowRun === null || workflowRun === undefined)
    return [`app ${app?.databaseId ?? context.name}`, { label: app?.name ?? context.name, event: null }];
  const label = workflowRun.file?.path ?? workflowRun.workflow?.name ?? context.name;
  return [keyOfWorkflow(label), { label, event: workflowRun.event }];
}

function keyOfWorkflow(label: string): string {
  return `workflow ${label}`;
}

import { z } from "zod";
import { parseTime } from "../../../lib/clock.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { Client } from "../client/client.ts";
import { Id } from "../events/schema.ts";
import type { Checks } from "./checks.ts";
import type { ContextNode, PullRequestNode } from "./queries.ts";

/** Workflow runs of a commit that are looked into; each is a call. */
const MOST_RUNS = 20;
const PER_PAGE = 100;
/** What stands for checks of which only the sum is known. */
const UNSEEN = "checks that GitHub does not show to this credential";
/** GitHub Actions' own App on github.com. */
const ACTIONS = "15368";

const MaybeTime = z
  .string()
  .nullish()
  .transform((text) => parseTime(text));
const MaybeText = z
  .string()
  .nullish()
  .transform((text) => text ?? null);

const Runs = z.object({ workflow_runs: z.array(z.object({ id: Id })) });
const Jobs = z.object({
  jobs: z.array(
    z.object({
      id: Id,
      name: z.string(),
      status: z.string(),
      conclusion: MaybeText,
      started_at: MaybeTime,
      completed_at: MaybeTime,
      html_url: MaybeText,
    }),
  ),
});
const Statuses = z.object({
  statuses: z.array(
    z.object({ context: z.string(), state: z.string(), created_at: MaybeTime, target_url: MaybeText }),
  ),
});
const MergeState = z.object({ mergeable_state: MaybeText });

/** The jobs of GitHub Actions on a commit; null where those may not be seen either. */
export async function jobsOf(
  client: Client,
  repository: string,
  sha: string,
  signal: AbortSignal,
): Promise<readonly ContextNode[] | null> {
  const found: ContextNode[] = [];
  try {
    const runs = await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/actions/runs",
        parameters: { head_sha: sha, per_page: PER_PAGE },
        schema: Runs,
      },
      signal,
    );
    for (const { id } of runs.value.workflow_runs.slice(0, MOST_RUNS)) {
      const { value } = await client.call(
        {
          repository,
          route: "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs",
          parameters: { run_id: Number(id), filter: "latest", per_page: PER_PAGE },
          schema: Jobs,
        },
        signal,
      );
      for (const job of value.jobs)
        found.push({
          __typename: "CheckRun",
          databaseId: job.id,
          name: job.name,
          status: job.status,
          conclusion: job.conclusion,
          startedAt: job.started_at,
          completedAt: job.completed_at,
          detailsUrl: job.html_url,
          isRequired: false,
          checkSuite: { app: { databaseId: ACTIONS } },
        });
    }
  } catch (error) {
    if (isHidden(error)) return null;
    throw error;
  }
  return found;
}

async function statusesOf(
  client: Client,
  repository: string,
  sha: string,
  signal: AbortSignal,
): Promise<readonly ContextNode[]> {
  try {
    const { value } = await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/commits/{ref}/status",
        parameters: { ref: sha, per_page: PER_PAGE },
        schema: Statuses,
      },
      signal,
    );
    return value.statuses.map((status) => ({
      __typename: "StatusContext",
      context: status.context,
      state: status.state,
      createdAt: status.created_at ?? 0,
      targetUrl: status.target_url,
      isRequired: false,
    }));
  } catch (error) {
    if (isHidden(error)) return [];
    throw error;
  }
}

/**
 * The checks of a head whose check runs GitHub does not show, as far as they can be known: jobs of GitHub Actions, commit
 * statuses, and for the rest the sum of all checks, which is no secret. What is not known to have passed never counts as
 * passed: it stands there as running, or as waiting for a person.
 */
export async function blindChecks(
  client: Client,
  repository: string,
  {
    node,
    seen,
    required,
  }: {
    readonly node: PullRequestNode;
    readonly seen: readonly ContextNode[];
    readonly required: readonly string[];
  },
  signal: AbortSignal,
): Promise<Checks> {
  const { headRefOid: sha, number } = node;
  const commit = node.commits.at(-1)?.commit;
  const rollup = commit?.oid === sha ? commit.statusCheckRollup : null;
  const statuses = seen.filter(({ __typename }) => __typename === "StatusContext");
  const known = [
    ...((await jobsOf(client, repository, sha, signal)) ?? []),
    ...(rollup === null ? await statusesOf(client, repository, sha, signal) : statuses),
  ];
  const sum = rollup?.state ?? (await sumOf(client, repository, number, signal));
  const names = new Set(known.map(nameOf));
  const unseen = required.length === 0 ? [UNSEEN] : required.filter((name) => !names.has(name));
  const at = commit?.committedDate ?? 0;
  return {
    contexts: [...known, ...unseen.map((name) => standIn(name, stateOf(sum, known), at))],
    cut: false,
    isGuess: known.length === 0 && (rollup?.state ?? null) === null,
  };
}

function nameOf(context: ContextNode): string {
  return context.__typename === "StatusContext" ? context.context : context.name;
}

type Sum = "passed" | "running" | "unknown";

/** What the sum of all says of those that are not seen. */
function stateOf(sum: string | null, known: readonly ContextNode[]): Sum {
  if (sum === "SUCCESS") return "passed";
  if (sum === "PENDING" || sum === "EXPECTED") return "running";
  // A failure that is seen explains the sum: whether there is another shows once that one is repaired.
  return known.some(hasFailed) ? "running" : "unknown";
}

function hasFailed(context: ContextNode): boolean {
  const word = context.__typename === "StatusContext" ? context.state : (context.conclusion ?? "");
  return ["failure", "error", "timed_out", "startup_failure", "cancelled"].includes(word.toLowerCase());
}

function standIn(name: string, sum: Sum, at: number): ContextNode {
  return {
    __typename: "CheckRun",
    databaseId: "0",
    name,
    status: sum === "running" ? "IN_PROGRESS" : "COMPLETED",
    conclusion: sum === "running" ? null : sum === "passed" ? "SUCCESS" : "ACTION_REQUIRED",
    startedAt: at,
    completedAt: sum === "running" ? null : at,
    detailsUrl: null,
    isRequired: false,
    checkSuite: { app: null },
  };
}

/** The sum where not even that came with the pull request: whether GitHub calls it free to merge. */
async function sumOf(
  client: Client,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<string | null> {
  const { value } = await client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/pulls/{pull_number}",
      parameters: { pull_number: number },
      schema: MergeState,
    },
    signal,
  );
  return ["clean", "has_hooks"].includes(value.mergeable_state ?? "") ? "SUCCESS" : null;
}

/** Whether an answer says that our credential may not look. */
function isHidden(error: unknown): boolean {
  return error instanceof ExternalError && (error.kind === "refused" || error.kind === "not_found");
}

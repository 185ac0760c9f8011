import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import type { Client } from "../client/client.ts";
import type { ContextNode } from "./queries.ts";
import { Id } from "../events/schema.ts";
import { workflowRunIn } from "../events/vocabulary.ts";

/** A commit with more workflow runs than this has the oldest of them left as they are. */
const MAX_PAGES = 3;
const PER_PAGE = 100;

const WorkflowRuns = z.object({
  workflow_runs: z.array(z.object({ id: Id, workflow_id: Id, event: z.string() })),
});

type RunNode = Extract<ContextNode, { readonly __typename: "CheckRun" }>;

/** Leaves out checks that were done again. */
export interface Superseded {
  /**
   * The checks of a commit without those that a later run of the same workflow, for the same event, has
   * repeated: a title that was edited, a run that the next one cancelled. GitHub keeps showing the old ones beside
   * the new. Runs of two workflows, or for two events, all count.
   */
  without(
    repository: string,
    sha: string,
    contexts: readonly ContextNode[],
    signal: AbortSignal,
  ): Promise<readonly ContextNode[]>;
}

const MAX_KEPT = 5_000;

export function createSuperseded(client: Client): Superseded {
  /** Workflow and event of a workflow run never change; so each is asked for once. Null = GitHub did not say. */
  const kept = new Map<string, string | null>();
  return {
    async without(repository, sha, contexts, signal) {
      if (!isNamedTwice(contexts)) return contexts;
      const runs = contexts.flatMap((context) => workflowRunOf(context) ?? []);
      if (runs.some((run) => !kept.has(`${repository} ${run}`))) {
        const found = await originsOf(client, repository, sha, signal);
        if (found === null) return contexts;
        for (const run of runs) kept.set(`${repository} ${run}`, found.get(run) ?? null);
        for (const oldest of kept.keys()) {
          if (kept.size <= MAX_KEPT) break;
          kept.delete(oldest);
        }
      }
      return newest(contexts, (run) => kept.get(`${repository} ${run}`) ?? null);
    },
  };
}

function newest(
  contexts: readonly ContextNode[],
  originOf: (run: string) => string | null,
): readonly ContextNode[] {
  const last = new Map<string, bigint>();
  for (const context of contexts) {
    const job = jobOf(context, originOf);
    // A job that was skipped says nothing about the commit: it hides no failure.
    if (job === null || job.skipped) continue;
    const known = last.get(job.name);
    if (known === undefined || job.run > known) last.set(job.name, job.run);
  }
  return contexts.filter((context) => {
    const job = jobOf(context, originOf);
    return job === null || job.run >= (last.get(job.name) ?? job.run);
  });
}

function workflowRunOf(context: ContextNode): string | null {
  return context.__typename === "CheckRun" ? workflowRunIn(context.detailsUrl) : null;
}

/** Whether two workflow runs have a check of the same name: nothing else needs a further question. */
function isNamedTwice(contexts: readonly ContextNode[]): boolean {
  const runs = new Map<string, string>();
  return contexts.some((context) => {
    const run = workflowRunOf(context);
    if (context.__typename !== "CheckRun" || run === null) return false;
    const name = nameOf(context);
    const known = runs.get(name) ?? run;
    runs.set(name, known);
    return known !== run;
  });
}

function nameOf(context: RunNode): string {
  return `${context.checkSuite.app?.databaseId ?? ""} ${context.name}`;
}

function jobOf(
  context: ContextNode,
  originOf: (run: string) => string | null,
): { readonly name: string; readonly run: bigint; readonly skipped: boolean } | null {
  if (context.__typename !== "CheckRun") return null;
  const run = workflowRunIn(context.detailsUrl);
  const origin = run === null ? null : originOf(run);
  if (run === null || origin === null) return null;
  return {
    name: `${origin} ${nameOf(context)}`,
    run: BigInt(run),
    skipped: context.conclusion === "SKIPPED",
  };
}

/** Workflow and event of each workflow run on the commit; null without the right to look, and then all of them count. */
async function originsOf(
  client: Client,
  repository: string,
  sha: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string> | null> {
  const found = new Map<string, string>();
  try {
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const { value } = await client.call(
        {
          repository,
          route: "GET /repos/{owner}/{repo}/actions/runs",
          parameters: { head_sha: sha, per_page: PER_PAGE, page },
          schema: WorkflowRuns,
        },
        signal,
      );
      for (const run of value.workflow_runs) found.set(run.id, `${run.workflow_id} ${run.event}`);
      if (value.workflow_runs.length < PER_PAGE) break;
    }
  } catch (error) {
    if (error instanceof ExternalError && (error.kind === "not_found" || error.kind === "refused"))
      return null;
    throw error;
  }
  return found;
}

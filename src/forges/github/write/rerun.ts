import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import type { Client } from "../client/client.ts";

const WorkflowRun = z.object({ status: z.string().nullable(), conclusion: z.string().nullable() });

/**
 * Runs the failed jobs of these workflow runs again. One that is running or green by now needs nothing: an
 * earlier try of ours may have got no answer. `ok: false` = GitHub refuses one (too old, not allowed).
 */
export async function rerunChecks(
  client: Client,
  repository: string,
  workflowRuns: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly detail: string }> {
  if (workflowRuns.length === 0) return { ok: false, detail: "we cannot rerun any of the failed checks" };
  let started = 0;
  for (const run of workflowRuns) {
    const parameters = { run_id: Number(run) };
    try {
      const { value } = await client.call(
        {
          repository,
          route: "GET /repos/{owner}/{repo}/actions/runs/{run_id}",
          parameters,
          schema: WorkflowRun,
        },
        signal,
      );
      if (value.status !== "completed" || value.conclusion === "success") continue;
      await client.call(
        {
          repository,
          route: "POST /repos/{owner}/{repo}/actions/runs/{run_id}/rerun-failed-jobs",
          parameters,
          schema: z.unknown(),
        },
        signal,
      );
      started += 1;
    } catch (error) {
      const final =
        error instanceof ExternalError && ["refused", "conflict", "not_found"].includes(error.kind);
      if (!final) throw error;
      return { ok: false, detail: error.message };
    }
  }
  return { ok: true, detail: started === 0 ? "they are already running again" : `${started} run again` };
}

import { z } from "zod";
import type { Log } from "../../../lib/log.ts";
import { ExternalError } from "../../../lib/external.ts";
import { clip } from "../../../lib/text.ts";
import type { CheckFailure } from "../../forge.ts";
import type { Client } from "../client/client.ts";
import type { JobLogParts } from "./job-log.ts";
import { readJobLog } from "./job-log.ts";
import { clean, excerptOf } from "./log-excerpt.ts";
import { Id } from "../events/schema.ts";
import { jobsOf } from "./blind.ts";
import { jobIn } from "../events/vocabulary.ts";

const MAX_CHECKS = 5;
/** As many pages as a reading looks at: what it calls red is to be found here. */
const MAX_PAGES = 10;
const PER_PAGE = 100;
const MAX_ANNOTATIONS = 20;
const MAX_SUMMARY = 4_000;

const CheckRun = z.object({
  id: Id,
  name: z.string(),
  conclusion: z.string().nullable(),
  details_url: z.string().nullish(),
  output: z
    .object({
      title: z.string().nullish(),
      summary: z.string().nullish(),
      annotations_count: z.number().default(0),
    })
    .nullish(),
});
type CheckRun = z.infer<typeof CheckRun>;

const Status = z.object({
  context: z.string(),
  state: z.string(),
  description: z.string().nullish(),
  target_url: z.string().nullish(),
});

const Annotation = z.object({
  path: z.string(),
  start_line: z.number(),
  annotation_level: z.string().nullish(),
  message: z.string().nullish(),
});

// Cancelled and waiting checks show nothing to repair.
const FAILED: ReadonlySet<string> = new Set(["failure", "timed_out", "startup_failure", "error"]);

/**
 * What the failing checks of a commit say: at most five, by name when `names` has any. Without a log (not of
 * GitHub Actions, expired, not available now) a check still comes with its summary.
 */
export async function checkFailures(
  parts: JobLogParts & { readonly log: Log },
  repository: string,
  sha: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly CheckFailure[]> {
  const wanted = (name: string): boolean => names.length === 0 || names.includes(name);
  const runs = await runsOrJobs(parts.client, repository, sha, signal);
  const failed = runs.filter((run) => wanted(run.name) && FAILED.has(run.conclusion ?? ""));
  const found: CheckFailure[] = [];
  for (const run of failed.slice(0, MAX_CHECKS)) {
    const url = run.details_url ?? null;
    const job = jobIn(url);
    found.push({
      check: run.name,
      conclusion: run.conclusion ?? "",
      url,
      summary: await summaryOf(parts.client, repository, run, signal),
      log: job === null ? null : await logOf(parts, repository, job, signal),
    });
  }
  if (found.length >= MAX_CHECKS) return found;
  const statuses = await statusesOf(parts.client, repository, sha, signal);
  return [
    ...found,
    ...statuses
      .filter((status) => wanted(status.context) && FAILED.has(status.state))
      .map((status) => ({
        check: status.context,
        conclusion: status.state,
        url: status.target_url ?? null,
        summary: tidy(status.description ?? ""),
        log: null,
      })),
  ].slice(0, MAX_CHECKS);
}

/** The check runs, or the jobs of GitHub Actions where a credential may see only those, as a fine-grained token. */
async function runsOrJobs(
  client: Client,
  repository: string,
  sha: string,
  signal: AbortSignal,
): Promise<readonly CheckRun[]> {
  try {
    return await checkRuns(client, repository, sha, signal);
  } catch (error) {
    if (!(error instanceof ExternalError) || error.kind !== "refused") throw error;
    const jobs = (await jobsOf(client, repository, sha, signal)) ?? [];
    return jobs.flatMap((job) =>
      job.__typename === "CheckRun"
        ? [
            {
              id: job.databaseId ?? "",
              name: job.name,
              conclusion: job.conclusion,
              details_url: job.detailsUrl,
            },
          ]
        : [],
    );
  }
}

async function checkRuns(
  client: Client,
  repository: string,
  sha: string,
  signal: AbortSignal,
): Promise<readonly CheckRun[]> {
  const found: CheckRun[] = [];
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { value } = await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs",
        parameters: { ref: sha, filter: "latest", per_page: PER_PAGE, page },
        schema: z.object({ check_runs: z.array(CheckRun) }),
      },
      signal,
    );
    found.push(...value.check_runs);
    if (value.check_runs.length < PER_PAGE) break;
  }
  return found;
}

async function statusesOf(
  client: Client,
  repository: string,
  sha: string,
  signal: AbortSignal,
): Promise<readonly z.infer<typeof Status>[]> {
  const { value } = await client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/commits/{ref}/status",
      parameters: { ref: sha, per_page: PER_PAGE },
      schema: z.object({ statuses: z.array(Status) }),
    },
    signal,
  );
  return value.statuses;
}

async function summaryOf(
  client: Client,
  repository: string,
  run: CheckRun,
  signal: AbortSignal,
): Promise<string | null> {
  const parts = [run.output?.title ?? "", run.output?.summary ?? ""];
  if ((run.output?.annotations_count ?? 0) > 0) {
    const { value } = await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations",
        parameters: { check_run_id: Number(run.id), per_page: MAX_ANNOTATIONS },
        schema: z.array(Annotation),
      },
      signal,
    );
    for (const note of value.slice(0, MAX_ANNOTATIONS))
      parts.push(
        `${note.path}:${note.start_line}: ${note.annotation_level ?? "notice"}: ${note.message ?? ""}`,
      );
  }
  return tidy(parts.filter((part) => part !== "").join("\n"));
}

function tidy(text: string): string | null {
  const cleaned = clean(text).trim();
  return cleaned === "" ? null : clip(cleaned, MAX_SUMMARY);
}

async function logOf(
  parts: JobLogParts & { readonly log: Log },
  repository: string,
  job: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    return excerptOf(await readJobLog(parts, repository, job, signal));
  } catch (error) {
    const known =
      error instanceof ExternalError && error.kind !== "rate_limited" && error.kind !== "unauthorized";
    if (!known) throw error;
    parts.log.warn("could not get a job's log", { repository, job, reason: error.message });
    return null;
  }
}

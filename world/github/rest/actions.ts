import { rerun, suiteOf } from "../model/ci.ts";
import type { CheckRun, WorkflowRun } from "../model/model.ts";
import { latestRuns, passes } from "../model/verdicts.ts";
import { Refused } from "../schemas.ts";
import { jobPart, workflowRunPart } from "../views/checks.ts";
import type { Answer, Call, Routes } from "./route.ts";
import { checkRunOf, notFound, ok, page } from "./route.ts";

/** Workflow runs, jobs, logs and re-runs. */
export const actionRoutes: Routes = {
  "actions/list-workflow-runs-for-repo": (call) => {
    const { head_sha, event, status, branch, check_suite_id } = call.query;
    const runs = call.repository.workflowRuns.filter(
      (run) =>
        run.createdAt <= call.at &&
        (head_sha === undefined || run.sha === head_sha) &&
        (event === undefined || run.kind === event) &&
        (status === undefined || run.status === status || run.conclusion === status) &&
        (branch === undefined || run.branch === branch) &&
        (check_suite_id === undefined || suiteOf(call.repository, run)?.id === check_suite_id),
    );
    return page(
      call,
      runs.toReversed().map((run) => runPart(call, run)),
      "workflow_runs",
    );
  },
  "actions/get-workflow-run": (call) => ok(runPart(call, workflowRunOf(call))),
  "actions/list-jobs-for-workflow-run": (call) => {
    const run = workflowRunOf(call);
    return page(
      call,
      jobsOf(call, run).map((job) => jobPart(call.core, call.repository, job, run, call.at)),
      "jobs",
    );
  },
  "actions/get-job-for-workflow-run": (call) => {
    const { job, run } = jobOf(call);
    return ok(jobPart(call.core, call.repository, job, run, call.at));
  },
  "actions/download-job-logs-for-workflow-run": (call) => {
    const { job } = jobOf(call);
    if (job.completedAt === null) throw notFound();
    // The address carries its own permission and is good for a minute.
    const until = call.core.clock.now() + 60_000;
    return {
      status: 302,
      headers: {
        location: `${call.core.urls.api}/_logs/${call.repository.fullName}/${job.id}?until=${until}`,
      },
    };
  },
  "actions/re-run-workflow": (call) => {
    const run = workflowRunOf(call);
    return again(call, run, jobsOf(call, run));
  },
  "actions/re-run-workflow-failed-jobs": (call) => {
    const run = workflowRunOf(call);
    return again(
      call,
      run,
      jobsOf(call, run).filter((job) => !passes(job.conclusion)),
    );
  },
  "actions/re-run-job-for-workflow-run": (call) => {
    const { job, run } = jobOf(call);
    return again(call, run, [job]);
  },
};

function again(call: Call, run: WorkflowRun, jobs: readonly CheckRun[]): Answer {
  if (run.status !== "completed") throw new Refused(403, "This workflow is already running");
  if (jobs.length === 0) throw new Refused(403, "This workflow run has no failed jobs to re-run");
  const names = jobs.map((job) => job.name);
  run.status = "queued";
  call.core.work.start(() => rerun(call.core, call.ci(), call.repository, run, names, call.actor.person));
  return { status: 201, body: {} };
}

function workflowRunOf(call: Call): WorkflowRun {
  const run = call.repository.workflowRuns.find((candidate) => candidate.id === call.path["run_id"]);
  if (run === undefined || run.createdAt > call.at) throw notFound();
  return run;
}

function jobsOf(call: Call, run: WorkflowRun): CheckRun[] {
  return latestRuns(call.repository, run.sha, call.at).filter((job) => job.suite.workflowRun === run);
}

function jobOf(call: Call): { job: CheckRun; run: WorkflowRun } {
  const job = checkRunOf(call.repository, Number(call.path["job_id"]));
  const run = job.suite.workflowRun;
  if (run === null) throw notFound();
  return { job, run };
}

function runPart(call: Call, run: WorkflowRun): unknown {
  const suite = suiteOf(call.repository, run);
  if (suite === null) throw notFound();
  return workflowRunPart(call.core, call.repository, run, suite);
}

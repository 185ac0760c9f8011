import type { CommitRecord } from "../git/git.ts";
import type {
  CheckApp,
  CheckRun,
  CheckSuite,
  CiKind,
  CommitStatus,
  Conclusion,
  Core,
  Person,
  Repository,
  StatusState,
  WorkflowRun,
} from "./model.ts";
import { checksOf } from "./model.ts";
import { latestRuns, passes } from "./verdicts.ts";
import {
  checkRunPart,
  checkSuitePart,
  commitPart,
  jobPart,
  statusPart,
  workflowPart,
  workflowRunPart,
} from "../views/checks.ts";

/** Starts an Actions workflow run, with its check suite, on a commit. */
export function openWorkflowRun(
  core: Core,
  repository: Repository,
  commit: CommitRecord,
  branch: string,
  kind: CiKind,
  actor: Person,
): CheckSuite {
  const id = core.nextId();
  const now = core.clock.now();
  const run: WorkflowRun = {
    id,
    nodeId: `WFR_${id}`,
    kind,
    sha: commit.sha,
    branch,
    number: repository.workflowRuns.length + 1,
    actor,
    createdAt: now,
    attempt: 1,
    status: "queued",
    conclusion: null,
    updatedAt: now,
  };
  repository.workflowRuns.push(run);
  const suite = openSuite(core, repository, commit, branch, core.actions, run);
  tellWorkflowRun(core, repository, suite, "requested");
  return suite;
}

export function openSuite(
  core: Core,
  repository: Repository,
  commit: CommitRecord,
  branch: string | null,
  app: CheckApp,
  workflowRun: WorkflowRun | null,
): CheckSuite {
  const id = core.nextId();
  const now = core.clock.now();
  const suite: CheckSuite = {
    id,
    nodeId: `CS_${id}`,
    sha: commit.sha,
    commit,
    branch,
    app,
    createdAt: now,
    workflowRun,
    status: "queued",
    conclusion: null,
    updatedAt: now,
  };
  checksOf(repository, commit.sha).suites.push(suite);
  return suite;
}

/** Puts a workflow run to work, or back to work for a further attempt. */
export function progressSuite(core: Core, repository: Repository, suite: CheckSuite): void {
  suite.status = "in_progress";
  suite.conclusion = null;
  suite.updatedAt = core.clock.now();
  if (suite.workflowRun === null) return;
  suite.workflowRun.status = "in_progress";
  suite.workflowRun.conclusion = null;
  suite.workflowRun.updatedAt = core.clock.now();
  tellWorkflowRun(core, repository, suite, "in_progress");
}

/** A new check run, queued. */
export function queueRun(
  core: Core,
  repository: Repository,
  suite: CheckSuite,
  name: string,
  actor: Person,
): CheckRun {
  const id = core.nextId();
  const run: CheckRun = {
    id,
    nodeId: `CR_${id}`,
    name,
    sha: suite.sha,
    suite,
    attempt: suite.workflowRun?.attempt ?? 1,
    createdAt: core.clock.now(),
    startedAt: null,
    completedAt: null,
    conclusion: null,
    log: "",
  };
  checksOf(repository, suite.sha).runs.push(run);
  core.emit(repository, "check_run", "created", actor, {
    check_run: checkRunPart(core, repository, run, Infinity),
  });
  tellJob(core, repository, run, "queued", actor);
  core.after.changed(repository);
  return run;
}

export function progressRun(core: Core, repository: Repository, run: CheckRun, actor: Person): void {
  run.startedAt = core.clock.now();
  tellJob(core, repository, run, "in_progress", actor);
}

export function finishRun(
  core: Core,
  repository: Repository,
  run: CheckRun,
  conclusion: Conclusion,
  log: string,
  actor: Person,
): void {
  const now = core.clock.now();
  run.startedAt ??= now;
  run.completedAt = now;
  run.conclusion = conclusion;
  run.log = log;
  core.emit(repository, "check_run", "completed", actor, {
    check_run: checkRunPart(core, repository, run, Infinity),
  });
  tellJob(core, repository, run, "completed", actor);
  core.after.changed(repository);
}

/** Completes a suite; its conclusion is the worst of its newest runs. */
export function completeSuite(core: Core, repository: Repository, suite: CheckSuite, actor: Person): void {
  const runs = latestRuns(repository, suite.sha, Infinity).filter((run) => run.suite === suite);
  const now = core.clock.now();
  suite.status = "completed";
  suite.conclusion = worst(runs);
  suite.updatedAt = now;
  const part = { ...checkSuitePart(core, repository, suite, Infinity), latest_check_runs_count: runs.length };
  core.emit(repository, "check_suite", "completed", actor, { check_suite: part });
  if (suite.workflowRun !== null) {
    suite.workflowRun.status = "completed";
    suite.workflowRun.conclusion = suite.conclusion;
    suite.workflowRun.updatedAt = now;
    tellWorkflowRun(core, repository, suite, "completed");
  }
  core.after.changed(repository);
}

function worst(runs: readonly CheckRun[]): Conclusion {
  const failed = runs.find((run) => !passes(run.conclusion));
  if (failed !== undefined)
    return runs.some((run) => run.conclusion === "failure") ? "failure" : (failed.conclusion ?? "failure");
  return "success";
}

/** A commit status of the older kind. */
export function addStatus(
  core: Core,
  repository: Repository,
  commit: CommitRecord,
  given: {
    readonly context: string;
    readonly state: StatusState;
    readonly description: string | null;
    readonly creator: Person;
  },
): CommitStatus {
  const id = core.nextId();
  const status: CommitStatus = {
    ...given,
    id,
    nodeId: `SC_${id}`,
    sha: commit.sha,
    targetUrl: null,
    createdAt: core.clock.now(),
  };
  checksOf(repository, commit.sha).statuses.push(status);
  const part = statusPart(core, repository, status);
  core.emit(repository, "status", null, given.creator, {
    id,
    sha: commit.sha,
    name: repository.fullName,
    context: status.context,
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    branches: [],
    commit: commitPart(core, repository, commit),
    created_at: part["created_at"],
    updated_at: part["updated_at"],
  });
  core.after.changed(repository);
  return status;
}

function tellWorkflowRun(core: Core, repository: Repository, suite: CheckSuite, action: string): void {
  const run = suite.workflowRun;
  if (run === null) return;
  core.emit(repository, "workflow_run", action, run.actor, {
    workflow_run: workflowRunPart(core, repository, run, suite),
    workflow: workflowPart(core, repository),
  });
}

function tellJob(core: Core, repository: Repository, run: CheckRun, action: string, actor: Person): void {
  const workflowRun = run.suite.workflowRun;
  if (workflowRun === null) return;
  core.emit(repository, "workflow_job", action, actor, {
    workflow_job: jobPart(core, repository, run, workflowRun, Infinity),
  });
}

import type { CommitRecord } from "../git/git.ts";
import type {
  CheckApp,
  CheckRun,
  CheckSuite,
  CommitStatus,
  Core,
  Repository,
  WorkflowRun,
} from "../model/model.ts";
import { fieldsAt, stamp } from "../model/model.ts";
import { accountOf } from "../model/pulls.ts";
import { runAt } from "../model/verdicts.ts";
import type { Part } from "./views.ts";
import { personPart, repositoryPart } from "./views.ts";

function appPart(core: Core, app: CheckApp): Part {
  return {
    id: app.id,
    slug: app.slug,
    node_id: `A_${app.id}`,
    name: app.name,
    client_id: `Iv1.${app.id}`,
    description: null,
    html_url: `${core.urls.web}/apps/${app.slug}`,
    external_url: core.urls.web,
    events: [],
    permissions: {},
  };
}

/** Pull requests as check objects list them: number and ends only. */
function pullReferences(core: Core, repository: Repository, sha: string, at: number): Part[] {
  const reference = {
    id: repository.id,
    url: `${core.urls.api}/repos/${repository.fullName}`,
    name: repository.name,
  };
  return [...repository.pulls.values()]
    .map((pull) => ({ pull, fields: fieldsAt(pull, at) }))
    .filter(({ fields }) => fields.state === "open" && fields.headSha === sha)
    .map(({ pull, fields }) => ({
      id: pull.id,
      number: pull.number,
      url: `${reference.url}/pulls/${pull.number}`,
      head: { ref: pull.headRef, sha, repo: reference },
      base: { ref: fields.baseRef, sha: fields.baseSha, repo: reference },
    }));
}

export function checkSuitePart(core: Core, repository: Repository, suite: CheckSuite, at: number): Part {
  const api = `${core.urls.api}/repos/${repository.fullName}`;
  const done = suite.status === "completed" && suite.updatedAt <= at;
  return {
    id: suite.id,
    node_id: suite.nodeId,
    head_branch: suite.branch,
    head_sha: suite.sha,
    status: done ? "completed" : suite.status === "completed" ? "in_progress" : suite.status,
    conclusion: done ? suite.conclusion : null,
    url: `${api}/check-suites/${suite.id}`,
    check_runs_url: `${api}/check-suites/${suite.id}/check-runs`,
    before: null,
    after: suite.sha,
    head_commit: headCommitPart(suite.commit),
    app: appPart(core, suite.app),
    repository: repositoryPart(core, repository),
    pull_requests: pullReferences(core, repository, suite.sha, at),
    rerequestable: true,
    runs_rerequestable: false,
    created_at: stamp(suite.createdAt),
    updated_at: stamp(suite.updatedAt),
  };
}

export function checkRunPart(core: Core, repository: Repository, run: CheckRun, at: number): Part {
  const api = `${core.urls.api}/repos/${repository.fullName}`;
  const seen = runAt(run, at) ?? { status: "queued", conclusion: null };
  const { suite } = run;
  return {
    id: run.id,
    node_id: run.nodeId,
    name: run.name,
    head_sha: run.sha,
    external_id: "",
    status: seen.status,
    conclusion: seen.conclusion,
    started_at: stamp(run.startedAt ?? run.createdAt),
    completed_at: seen.status === "completed" && run.completedAt !== null ? stamp(run.completedAt) : null,
    url: `${api}/check-runs/${run.id}`,
    html_url: checkRunUrl(core, repository, run),
    details_url: checkRunUrl(core, repository, run),
    output: {
      title: null,
      summary: null,
      text: null,
      annotations_count: 0,
      annotations_url: `${api}/check-runs/${run.id}/annotations`,
    },
    app: appPart(core, suite.app),
    check_suite: { ...checkSuitePart(core, repository, suite, at), latest_check_runs_count: undefined },
    pull_requests: pullReferences(core, repository, run.sha, at),
  };
}

export function checkRunUrl(core: Core, repository: Repository, run: CheckRun): string {
  const base = `${core.urls.web}/${repository.fullName}`;
  return run.suite.workflowRun === null
    ? `${base}/runs/${run.id}`
    : `${base}/actions/runs/${run.suite.workflowRun.id}/job/${run.id}`;
}

export function statusPart(core: Core, repository: Repository, status: CommitStatus): Part {
  return {
    id: status.id,
    node_id: status.nodeId,
    url: `${core.urls.api}/repos/${repository.fullName}/statuses/${status.sha}`,
    avatar_url: null,
    context: status.context,
    state: status.state,
    description: status.description,
    target_url: status.targetUrl,
    creator: personPart(core, status.creator),
    created_at: stamp(status.createdAt),
    updated_at: stamp(status.createdAt),
  };
}

export const WORKFLOW = { id: 4_001, name: "CI", path: ".github/workflows/ci.yml" };

export function workflowRunPart(
  core: Core,
  repository: Repository,
  run: WorkflowRun,
  suite: CheckSuite,
): Part {
  const api = `${core.urls.api}/repos/${repository.fullName}`;
  const url = `${api}/actions/runs/${run.id}`;
  return {
    id: run.id,
    node_id: run.nodeId,
    name: WORKFLOW.name,
    path: WORKFLOW.path,
    display_title: WORKFLOW.name,
    event: run.kind,
    status: run.status,
    conclusion: run.conclusion,
    head_branch: run.branch,
    head_sha: run.sha,
    run_number: run.number,
    run_attempt: run.attempt,
    check_suite_id: suite.id,
    check_suite_node_id: suite.nodeId,
    workflow_id: WORKFLOW.id,
    pull_requests: pullReferences(core, repository, run.sha, Infinity),
    actor: personPart(core, run.actor),
    triggering_actor: personPart(core, run.actor),
    repository: repositoryPart(core, repository),
    head_repository: repositoryPart(core, repository),
    head_commit: headCommitPart(suite.commit),
    url,
    html_url: `${core.urls.web}/${repository.fullName}/actions/runs/${run.id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${api}/check-suites/${suite.id}`,
    created_at: stamp(run.createdAt),
    updated_at: stamp(run.updatedAt),
    run_started_at: stamp(run.createdAt),
  };
}

export function workflowPart(core: Core, repository: Repository): Part {
  const url = `${core.urls.api}/repos/${repository.fullName}/actions/workflows/${WORKFLOW.id}`;
  return {
    ...WORKFLOW,
    node_id: `W_${WORKFLOW.id}`,
    state: "active",
    url,
    html_url: url,
    badge_url: url,
    created_at: stamp(repository.createdAt),
    updated_at: stamp(repository.createdAt),
  };
}

/** A job of a workflow run is its check run seen from Actions: same id. */
export function jobPart(
  core: Core,
  repository: Repository,
  run: CheckRun,
  workflowRun: WorkflowRun,
  at: number,
): Part {
  const api = `${core.urls.api}/repos/${repository.fullName}`;
  const seen = runAt(run, at) ?? { status: "queued", conclusion: null };
  const completed = seen.status === "completed" && run.completedAt !== null ? stamp(run.completedAt) : null;
  return {
    id: run.id,
    node_id: run.nodeId,
    run_id: workflowRun.id,
    run_url: `${api}/actions/runs/${workflowRun.id}`,
    run_attempt: run.attempt,
    name: run.name,
    workflow_name: WORKFLOW.name,
    head_branch: workflowRun.branch,
    head_sha: run.sha,
    status: seen.status,
    conclusion: seen.conclusion,
    steps:
      completed === null
        ? []
        : [
            {
              name: run.name,
              number: 1,
              status: "completed",
              conclusion: seen.conclusion,
              started_at: stamp(run.createdAt),
              completed_at: completed,
            },
          ],
    labels: ["ubuntu-latest"],
    runner_id: 1,
    runner_name: "runner",
    runner_group_id: 1,
    runner_group_name: "default",
    created_at: stamp(run.createdAt),
    started_at: stamp(run.startedAt ?? run.createdAt),
    completed_at: completed,
    url: `${api}/actions/jobs/${run.id}`,
    html_url: checkRunUrl(core, repository, run),
    check_run_url: `${api}/check-runs/${run.id}`,
  };
}

/** A commit as `check_suite.head_commit` and `merge_group.head_commit` show it. */
export function headCommitPart(commit: CommitRecord): Part {
  return {
    id: commit.sha,
    tree_id: commit.tree,
    message: commit.message,
    timestamp: stamp(commit.committer.at),
    author: { name: commit.author.name, email: commit.author.email },
    committer: { name: commit.committer.name, email: commit.committer.email },
  };
}

/** A commit as the REST API shows it. */
export function commitPart(core: Core, repository: Repository, commit: CommitRecord): Part {
  const api = `${core.urls.api}/repos/${repository.fullName}`;
  const url = `${api}/commits/${commit.sha}`;
  const signed = (who: CommitRecord["author"]): Part => ({
    name: who.name,
    email: who.email,
    date: stamp(who.at),
  });
  const account = (who: CommitRecord["author"]): Part | null => {
    const person = accountOf(core, who.email);
    return person === null ? null : personPart(core, person);
  };
  return {
    sha: commit.sha,
    node_id: `C_${commit.sha}`,
    url,
    html_url: `${core.urls.web}/${repository.fullName}/commit/${commit.sha}`,
    comments_url: `${url}/comments`,
    commit: {
      url: `${api}/git/commits/${commit.sha}`,
      author: signed(commit.author),
      committer: signed(commit.committer),
      message: commit.message,
      comment_count: 0,
      tree: { sha: commit.tree, url: `${api}/git/trees/${commit.tree}` },
    },
    author: account(commit.author),
    committer: account(commit.committer),
    parents: commit.parents.map((sha) => ({
      sha,
      url: `${api}/commits/${sha}`,
      html_url: `${core.urls.web}/${repository.fullName}/commit/${sha}`,
    })),
  };
}

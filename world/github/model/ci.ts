import { messageOf } from "../../../src/lib/assert.ts";
import { completeSuite, finishRun, openWorkflowRun, progressRun, progressSuite, queueRun } from "./checks.ts";
import type {
  CheckRun,
  CheckSuite,
  Ci,
  CiKind,
  CiResult,
  Core,
  Person,
  Repository,
  WorkflowRun,
} from "./model.ts";
import { seenChecks } from "./model.ts";

/** Runs CI on a commit that appeared, once per commit and kind. */
export async function startCi(
  core: Core,
  ci: Ci,
  repository: Repository,
  sha: string,
  branch: string,
  kind: CiKind,
  actor: Person,
): Promise<void> {
  if (seenChecks(repository, sha).suites.some((suite) => suite.workflowRun?.kind === kind)) return;
  const commit = await repository.git.commit(sha);
  if (commit === null) return;
  const suite = openWorkflowRun(core, repository, commit, branch, kind, actor);
  await work(core, ci, repository, suite, kind, repository.ciNames.get(kind) ?? [], null, actor);
}

/** Runs the jobs called `names` of a workflow run again, as its next attempt. */
export async function rerun(
  core: Core,
  ci: Ci,
  repository: Repository,
  run: WorkflowRun,
  names: readonly string[],
  actor: Person,
): Promise<void> {
  const suite = suiteOf(repository, run);
  if (suite === null) return;
  run.attempt += 1;
  await work(core, ci, repository, suite, run.kind, names, new Set(names), actor);
}

export function suiteOf(repository: Repository, run: WorkflowRun): CheckSuite | null {
  return seenChecks(repository, run.sha).suites.find((suite) => suite.workflowRun === run) ?? null;
}

/** `announced` jobs are shown while CI works; with `only`, results of other names are not reported again. */
async function work(
  core: Core,
  ci: Ci,
  repository: Repository,
  suite: CheckSuite,
  kind: CiKind,
  announced: readonly string[],
  only: ReadonlySet<string> | null,
  actor: Person,
): Promise<void> {
  progressSuite(core, repository, suite);
  const runs = new Map<string, CheckRun>();
  const begin = (name: string): CheckRun => {
    const run = queueRun(core, repository, suite, name, actor);
    progressRun(core, repository, run, actor);
    runs.set(name, run);
    return run;
  };
  for (const name of announced) begin(name);
  const results = await judged(core, ci, repository, suite, kind);
  for (const result of results) {
    if (only !== null && !only.has(result.name)) continue;
    finishRun(
      core,
      repository,
      runs.get(result.name) ?? begin(result.name),
      result.conclusion,
      result.log ?? "",
      actor,
    );
  }
  for (const run of runs.values()) {
    if (run.completedAt === null) finishRun(core, repository, run, "skipped", "", actor);
  }
  if (only === null)
    repository.ciNames.set(
      kind,
      results.map((result) => result.name),
    );
  completeSuite(core, repository, suite, actor);
}

async function judged(
  core: Core,
  ci: Ci,
  repository: Repository,
  suite: CheckSuite,
  kind: CiKind,
): Promise<readonly CiResult[]> {
  try {
    const judging = ci({
      repository: repository.fullName,
      sha: suite.sha,
      branch: suite.branch ?? "",
      kind,
      attempt: suite.workflowRun?.attempt ?? 1,
      read: (path) => repository.git.read(suite.sha, path),
    });
    return (await Promise.race([judging, core.closed])) ?? [];
  } catch (error) {
    core.problem(`the test's CI threw for ${suite.sha}: ${messageOf(error)}`);
    return [];
  }
}

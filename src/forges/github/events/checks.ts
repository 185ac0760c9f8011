import type { Observation } from "../../../factory/facts/observation.ts";
import { parseTime } from "../../../lib/clock.ts";
import type { ForgeContext } from "../../forge.ts";
import type { EventInterpretation } from "./interpretation.ts";
import { ignored, observed, payload } from "./interpretation.ts";
import { ownersOfCommit } from "./routing.ts";
import {
  CheckRunEvent,
  CheckSuiteEvent,
  MergeGroupEvent,
  PushEvent,
  StatusEvent,
  WorkflowRunEvent,
} from "./schema.ts";
import { checkOfRun, checkOfStatus, queuedPullRequest } from "./vocabulary.ts";

/** `check_run`: one check of one commit. A check on a merge group's branch shows that the group was formed. */
export function interpretCheckRun(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action !== "created" && action !== "completed" && action !== "rerequested")
    return ignored(`check_run ${action ?? "without an action"} is meant for the app that owns the check`);
  const { check_run: run, repository } = payload(CheckRunEvent, body, "check_run");
  const check = checkOfRun({
    id: run.id,
    name: run.name,
    app: run.app?.id ?? null,
    status: run.status,
    conclusion: run.conclusion,
    startedAt: run.started_at,
    completedAt: run.completed_at,
    detailsUrl: run.details_url,
  });
  const at = check.at === 0 ? context.receivedAt : check.at;
  const branch = run.check_suite?.head_branch ?? null;
  const owners = ownersOfCommit(context, repository, {
    sha: run.head_sha,
    branch,
    pullRequests: run.pull_requests,
  });
  const queued = queuedPullRequest(branch);
  const formed: Observation[] =
    queued === null ? [] : [{ kind: "group_formed", at, number: queued, group: run.head_sha }];
  return observed(owners, [...formed, { kind: "check_changed", at, sha: run.head_sha, check }]);
}

/** `check_suite`: all checks of one app are done: a hint to read the verdict. */
export function interpretCheckSuite(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action !== "completed") return ignored("its check runs say more");
  const { check_suite: suite, repository } = payload(CheckSuiteEvent, body, "check_suite");
  return hint(context, repository, suite);
}

/** `workflow_run`: a workflow is done: a hint, as above. */
export function interpretWorkflowRun(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  if (action !== "completed") return ignored("its check runs say more");
  const { workflow_run: run, repository } = payload(WorkflowRunEvent, body, "workflow_run");
  return hint(context, repository, run);
}

function hint(
  context: ForgeContext,
  repository: { readonly id: string; readonly full_name: string },
  commit: {
    readonly head_sha: string;
    readonly head_branch: string | null;
    readonly updated_at: number | null;
    readonly pull_requests: Parameters<typeof ownersOfCommit>[2]["pullRequests"];
  },
): EventInterpretation {
  const owners = ownersOfCommit(context, repository, {
    sha: commit.head_sha,
    branch: commit.head_branch,
    pullRequests: commit.pull_requests,
  });
  return observed(owners, [
    { kind: "checks_hinted", at: commit.updated_at ?? context.receivedAt, sha: commit.head_sha },
  ]);
}

/** `status`: one commit status. It names no pull request: whoever knows the commit is concerned. */
export function interpretStatus(
  body: unknown,
  _action: string | null,
  context: ForgeContext,
): EventInterpretation {
  const event = payload(StatusEvent, body, "status");
  const at = event.created_at ?? context.receivedAt;
  const check = checkOfStatus({
    context: event.context,
    state: event.state,
    at,
    targetUrl: event.target_url,
  });
  return observed(context.byCommit(event.repository.full_name, event.sha), [
    { kind: "check_changed", at, sha: event.sha, check },
  ]);
}

/** `merge_group`: the queue checks a commit made of its entries. The branch's name carries the last of them. */
export function interpretMergeGroup(
  body: unknown,
  action: string | null,
  context: ForgeContext,
): EventInterpretation {
  const { merge_group: group, reason, repository } = payload(MergeGroupEvent, body, "merge_group");
  if (repository === null || repository === undefined) return ignored("it names no repository");
  if (action === "destroyed" && reason === "invalidated")
    return ignored("an earlier entry left the queue: another group follows");
  if (action === "destroyed" && reason === "merged")
    return ignored("the closed pull request reports the merge");
  const number = queuedPullRequest(group.head_ref);
  const owners = ownersOfCommit(context, repository, {
    sha: group.head_sha,
    branch: group.head_ref,
    pullRequests: [],
  });
  if (action === "checks_requested") {
    if (number === null) return ignored(`no pull request can be derived from ${group.head_ref}`);
    const at = group.head_commit?.timestamp ?? context.receivedAt;
    return observed(owners, [{ kind: "group_formed", at, number, group: group.head_sha }]);
  }
  if (action === "destroyed")
    return observed(owners, [{ kind: "checks_hinted", at: context.receivedAt, sha: group.head_sha }]);
  return ignored(`merge_group ${action ?? "without an action"} is unknown to us`);
}

/** `push`: the base of open pull requests moved. Pushes to their heads come as `synchronize` too. */
export function interpretPush(
  body: unknown,
  _action: string | null,
  context: ForgeContext,
): EventInterpretation {
  const { ref, after, deleted, repository } = payload(PushEvent, body, "push");
  const branch = /^refs\/heads\/(.+)$/.exec(ref)?.[1];
  if (branch === undefined) return ignored("a tag, not a branch");
  if (deleted) return ignored("a branch was deleted");
  const owners = context.byBase(repository.full_name, branch);
  if (owners.length === 0 && context.byBranch(repository.full_name, branch) !== null)
    return ignored("the pull request's synchronize event says the same");
  const pushed = repository.pushed_at;
  const at = typeof pushed === "number" ? pushed * 1_000 : parseTime(pushed);
  return observed(owners, [{ kind: "base_moved", at: at ?? context.receivedAt, branch, sha: after }]);
}

import { seenChecks } from "../model/model.ts";
import { latestRuns, latestStatuses, runAt } from "../model/verdicts.ts";
import { checkRunPart, checkSuitePart, statusPart } from "../views/checks.ts";
import { repositoryPart } from "../views/views.ts";
import type { Routes } from "./route.ts";
import { checkRunOf, commitOf, ok, page } from "./route.ts";

/** Check runs, check suites and commit statuses of a commit. */
export const checkRoutes: Routes = {
  "checks/get": (call) =>
    ok(
      checkRunPart(
        call.core,
        call.repository,
        checkRunOf(call.repository, Number(call.path["check_run_id"])),
        call.at,
      ),
    ),
  "checks/list-annotations": (call) => {
    checkRunOf(call.repository, Number(call.path["check_run_id"]));
    return page(call, []);
  },
  "checks/list-for-ref": async (call) => {
    const { sha } = await commitOf(call, String(call.path["ref"]));
    const { check_name, status, filter = "latest", app_id } = call.query;
    const all = seenChecks(call.repository, sha).runs.filter((run) => run.createdAt <= call.at);
    const runs = (filter === "all" ? all : latestRuns(call.repository, sha, call.at)).filter(
      (run) =>
        (check_name === undefined || run.name === check_name) &&
        (status === undefined || runAt(run, call.at)?.status === status) &&
        (app_id === undefined || run.suite.app.id === app_id),
    );
    return page(
      call,
      runs.map((run) => checkRunPart(call.core, call.repository, run, call.at)),
      "check_runs",
    );
  },
  "checks/list-suites-for-ref": async (call) => {
    const { sha } = await commitOf(call, String(call.path["ref"]));
    const { app_id, check_name } = call.query;
    const { suites, runs } = seenChecks(call.repository, sha);
    const seen = suites.filter(
      (suite) =>
        suite.createdAt <= call.at &&
        (app_id === undefined || suite.app.id === app_id) &&
        (check_name === undefined || runs.some((run) => run.suite === suite && run.name === check_name)),
    );
    const part = (suite: (typeof seen)[number]): unknown => ({
      ...checkSuitePart(call.core, call.repository, suite, call.at),
      latest_check_runs_count: latestRuns(call.repository, sha, call.at).filter((run) => run.suite === suite)
        .length,
    });
    return page(call, seen.map(part), "check_suites");
  },
  "repos/list-commit-statuses-for-ref": async (call) => {
    const { sha } = await commitOf(call, String(call.path["ref"]));
    const seen = seenChecks(call.repository, sha).statuses.filter((status) => status.createdAt <= call.at);
    return page(
      call,
      seen.toReversed().map((status) => statusPart(call.core, call.repository, status)),
    );
  },
  "repos/get-combined-status-for-ref": async (call) => {
    const { sha } = await commitOf(call, String(call.path["ref"]));
    const latest = latestStatuses(call.repository, sha, call.at);
    // The combined status knows nothing of check runs, and is pending without any status.
    const states = latest.map((status) => status.state);
    const state =
      states.includes("failure") || states.includes("error")
        ? "failure"
        : states.length === 0 || states.includes("pending")
          ? "pending"
          : "success";
    const url = `${call.core.urls.api}/repos/${call.repository.fullName}/commits/${sha}`;
    const statuses = latest.map((status) => statusPart(call.core, call.repository, status));
    return ok({
      state,
      sha,
      total_count: latest.length,
      statuses,
      repository: repositoryPart(call.core, call.repository),
      commit_url: url,
      url: `${url}/status`,
    });
  },
};

import type { EmitterWebhookEventName } from "@octokit/webhooks";
import type { Interpretation } from "../../../factory/facts/observation.ts";
import type { ForgeContext } from "../../forge.ts";
import {
  interpretCheckRun,
  interpretCheckSuite,
  interpretMergeGroup,
  interpretPush,
  interpretStatus,
  interpretWorkflowRun,
} from "./checks.ts";
import type { EventInterpreter } from "./interpretation.ts";
import { ignored } from "./interpretation.ts";
import {
  interpretIssueComment,
  interpretPullRequest,
  interpretReviewComment,
  interpretReview,
  interpretReviewThread,
} from "./pull-request.ts";

type EventName<T extends string = EmitterWebhookEventName> = T extends `${infer Name}.${string}` ? Name : T;

const RULES = "branch rules may have changed: they are read again with the pull request";
const TRACKED_ELSEWHERE = "issues are followed in the tracker, not on GitHub";
const ACCESS = "access is looked up when needed";
const NOT_A_CHANGE = "it says nothing about a pull request";
const SECURITY = "security alerts are for people";
const DEPLOYMENT = "deployments are not followed";
const ORGANISATION = "it concerns the organisation, not a repository's work";

/** Every event that @octokit/webhooks says GitHub has (the compiler wants each, and no other), with what interprets it or the reason why nothing is done with it. */
const EVENTS: Readonly<Record<EventName, EventInterpreter | string>> = {
  pull_request: interpretPullRequest,
  pull_request_review: interpretReview,
  pull_request_review_comment: interpretReviewComment,
  pull_request_review_thread: interpretReviewThread,
  issue_comment: interpretIssueComment,
  check_run: interpretCheckRun,
  check_suite: interpretCheckSuite,
  workflow_run: interpretWorkflowRun,
  status: interpretStatus,
  merge_group: interpretMergeGroup,
  push: interpretPush,
  workflow_job: "its check run says the same",
  workflow_dispatch: NOT_A_CHANGE,
  ping: "GitHub shows that the webhook is set up",
  meta: "the webhook itself was removed",
  repository_ruleset: RULES,
  branch_protection_rule: RULES,
  branch_protection_configuration: RULES,
  repository: RULES,
  public: ACCESS,
  installation: ACCESS,
  installation_repositories: ACCESS,
  installation_target: ACCESS,
  github_app_authorization: ACCESS,
  personal_access_token_request: ACCESS,
  deploy_key: ACCESS,
  member: ACCESS,
  membership: ACCESS,
  team: ACCESS,
  team_add: ACCESS,
  organization: ORGANISATION,
  org_block: ORGANISATION,
  custom_property: ORGANISATION,
  custom_property_values: ORGANISATION,
  marketplace_purchase: ORGANISATION,
  sponsorship: ORGANISATION,
  issues: TRACKED_ELSEWHERE,
  issue_dependencies: TRACKED_ELSEWHERE,
  sub_issues: TRACKED_ELSEWHERE,
  label: TRACKED_ELSEWHERE,
  milestone: TRACKED_ELSEWHERE,
  project: TRACKED_ELSEWHERE,
  project_card: TRACKED_ELSEWHERE,
  project_column: TRACKED_ELSEWHERE,
  projects_v2: TRACKED_ELSEWHERE,
  projects_v2_item: TRACKED_ELSEWHERE,
  projects_v2_status_update: TRACKED_ELSEWHERE,
  create: "a pushed branch comes as push",
  delete: "a deleted branch closes its pull request, which has its own event",
  commit_comment: NOT_A_CHANGE,
  discussion: NOT_A_CHANGE,
  discussion_comment: NOT_A_CHANGE,
  fork: NOT_A_CHANGE,
  gollum: NOT_A_CHANGE,
  package: NOT_A_CHANGE,
  registry_package: NOT_A_CHANGE,
  release: NOT_A_CHANGE,
  page_build: NOT_A_CHANGE,
  repository_dispatch: NOT_A_CHANGE,
  repository_import: NOT_A_CHANGE,
  star: NOT_A_CHANGE,
  watch: NOT_A_CHANGE,
  deployment: DEPLOYMENT,
  deployment_protection_rule: DEPLOYMENT,
  deployment_review: DEPLOYMENT,
  deployment_status: DEPLOYMENT,
  code_scanning_alert: SECURITY,
  dependabot_alert: SECURITY,
  repository_advisory: SECURITY,
  repository_vulnerability_alert: SECURITY,
  secret_scanning_alert: SECURITY,
  secret_scanning_alert_location: SECURITY,
  secret_scanning_scan: SECURITY,
  security_advisory: SECURITY,
  security_and_analysis: SECURITY,
};

/** Events after which what we keep of a repository's branch rules is no longer to be believed. */
const RULE_EVENTS: ReadonlySet<string> = new Set<EventName>([
  "repository_ruleset",
  "branch_protection_rule",
  "branch_protection_configuration",
  "repository",
]);

/** What a stored delivery says. Pure. Throws for a payload that GitHub would not send, so that it is quarantined. */
export function interpretEvent(body: unknown, event: string, context: ForgeContext): Interpretation {
  const action = text(body, "action");
  const row = Object.hasOwn(EVENTS, event) ? EVENTS[event as EventName] : undefined;
  if (row === undefined) return { action, ...ignored(`the event ${event} is unknown to us`) };
  return { action, ...(typeof row === "string" ? ignored(row) : row(body, action, context)) };
}

/** The repository whose branch rules an event may have changed: its name, "" = all of them, null = none. */
export function rulesChangedIn(body: unknown, event: string): string | null {
  if (!RULE_EVENTS.has(event)) return null;
  const repository =
    typeof body === "object" && body !== null ? (body as Record<string, unknown>)["repository"] : null;
  return text(repository, "full_name") ?? "";
}

/** The branch that a push moved; null = it is no push to a branch. */
export function branchMovedIn(
  body: unknown,
  event: string,
): { readonly repository: string; readonly branch: string } | null {
  if (event !== "push" || typeof body !== "object" || body === null) return null;
  const repository = text((body as Record<string, unknown>)["repository"], "full_name");
  const branch = /^refs\/heads\/(.+)$/.exec(text(body, "ref") ?? "")?.[1];
  return repository === null || branch === undefined ? null : { repository, branch };
}

function text(value: unknown, key: string): string | null {
  if (typeof value !== "object" || value === null) return null;
  const found = (value as Record<string, unknown>)[key];
  return typeof found === "string" ? found : null;
}

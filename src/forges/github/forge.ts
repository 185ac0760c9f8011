import type { Clock } from "../../lib/clock.ts";
import type { Signature } from "../../lib/committer.ts";
import type { Log } from "../../lib/log.ts";
import type { Randomness } from "../../lib/ids.ts";
import type { Secret } from "../../lib/secrets/secret.ts";
import type { Forge } from "../forge.ts";
import type { GitHubAuth } from "./client/auth.ts";
import type { GitHubLimits } from "./client/client.ts";
import { createClient } from "./client/client.ts";
import { comment, replyThreads } from "./write/comments.ts";
import { checkFailures } from "./read/check-failures.ts";
import { branchMovedIn, interpretEvent, rulesChangedIn } from "./events/events.ts";
import { createIdentity, createSigning } from "./client/identity.ts";
import { cancelMerge, merge } from "./write/merge.ts";
import { createPermissions } from "./client/permissions.ts";
import { closePullRequest, openPullRequest } from "./write/pull-request.ts";
import { createCommitReader } from "./read/commits.ts";
import { createBaseChecks } from "./read/checks.ts";
import { createKnownChecks } from "./read/known/known-checks.ts";
import { createGatherer } from "./read/gather.ts";
import { createPullRequestReader } from "./read/read.ts";
import { createSuperseded } from "./read/superseded.ts";
import { gitRemote } from "./client/remote.ts";
import { rerunChecks } from "./write/rerun.ts";
import { requestReviews } from "./write/reviewers.ts";
import { createRuleBook } from "./read/rules.ts";
import { createTransport } from "./client/transport.ts";
import { updateBranch } from "./write/update-branch.ts";
import { openWebhook } from "./events/webhook.ts";

export interface GitHubParts {
  /** REST base, e.g. `https://api.github.com` or `https://HOST/api/v3`. */
  readonly apiUrl: string;
  readonly graphqlUrl: string;
  /** Where people and git go, e.g. `https://github.com`. */
  readonly webUrl: string;
  /** The current webhook secret, then the previous one while it is rotated. With none, every webhook is refused. */
  readonly webhookSecrets: readonly Secret[];
  readonly auth: GitHubAuth;
  /** Of our commits, in place of our account. */
  readonly author: Signature | null;
  /** Every configured repository (`owner/name`) with its git address; null = below `webUrl`. */
  readonly cloneUrls: Readonly<Record<string, string | null>>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  readonly limits: GitHubLimits;
}

export interface GitHubForge extends Forge {
  /** When a webhook last needed the previous secret, Unix ms; null = not since start. */
  lastPreviousSecretUseAt(): number | null;
}

/** GitHub, github.com or Enterprise Server. Nothing is loaded or asked until the first call. */
export function createGitHubForge(parts: GitHubParts): GitHubForge {
  // An HMAC with an empty key verifies for anybody.
  if (parts.webhookSecrets.some((secret) => secret.reveal() === ""))
    throw new Error("GITHUB_WEBHOOK_SECRET is empty: anybody could send webhooks");
  const { apiUrl, webUrl, clock, log, limits } = parts;
  const transport = createTransport({ clock, connectMs: limits.connectMs, concurrent: limits.concurrent });
  const client = createClient({ ...parts, transport });
  const rules = createRuleBook(client, clock);
  const whoAmI = createIdentity(client, parts.auth, Object.keys(parts.cloneUrls));
  const signing = createSigning(whoAmI, parts);
  const superseded = createSuperseded(client);
  const base = createBaseChecks(client, superseded, clock);
  const gatherer = createGatherer(client, clock, limits.totalMs);
  const reader = createPullRequestReader({
    client,
    gatherer,
    superseded,
    base,
    known: createKnownChecks(client, clock),
    rules,
    permissions: createPermissions(client, clock),
    commits: createCommitReader(client, gatherer, signing),
    whoAmI,
  });
  const logParts = { client, transport, apiUrl, clock, totalMs: limits.totalMs, log };
  let previousSecretUsedAt: number | null = null;

  return {
    name: "github",
    lastPreviousSecretUseAt: () => previousSecretUsedAt,
    open(headers, body, now) {
      const opened = openWebhook(headers, body, parts.webhookSecrets);
      if (!("delivery" in opened)) return opened;
      if (opened.secret > 0) previousSecretUsedAt = now;
      return opened.delivery;
    },
    interpret(body, event, context) {
      // The rules are only remembered to ask less often; dropping them changes no answer.
      const changed = rulesChangedIn(body, event);
      if (changed !== null) rules.forget(changed);
      const moved = branchMovedIn(body, event);
      if (moved !== null) base.forget(moved.repository, moved.branch);
      return interpretEvent(body, event, context);
    },
    whoAmI,
    signature: (signal) => signing.signature(signal),
    repository: (repository, signal) => reader.repository(repository, signal),
    readPullRequest: (repository, which, signal) =>
      reader.readPullRequest(repository, which, clock.now(), signal),
    openPullRequest: async (request, signal) =>
      openPullRequest(client, request, await whoAmI(signal), signal),
    comment: async (repository, number, key, text, signal) =>
      comment(client, repository, number, key, text, await whoAmI(signal), signal),
    replyThreads: async (repository, number, key, replies, signal) =>
      replyThreads(client, repository, number, key, replies, await whoAmI(signal), log, signal),
    requestReviews: (repository, number, reviewers, signal) =>
      requestReviews(client, repository, number, reviewers, signal),
    merge: (request, signal) => merge(client, request, signal),
    cancelMerge: (repository, number, signal) => cancelMerge(client, repository, number, signal),
    rerunChecks: (repository, workflowRuns, signal) => rerunChecks(client, repository, workflowRuns, signal),
    updateBranch: (repository, number, head, signal) =>
      updateBranch(client, repository, number, head, signal),
    closePullRequest: (repository, number, signal) => closePullRequest(client, repository, number, signal),
    checkFailures: (repository, sha, names, signal) =>
      checkFailures(logParts, repository, sha, names, signal),
    gitRemote: (repository, signal) =>
      gitRemote(client, repository, webUrl, parts.cloneUrls[repository] ?? null, signal),
  };
}

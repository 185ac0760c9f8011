import type { Actor } from "../../../factory/facts/actor.ts";
import { NOBODY } from "../../../factory/facts/actor.ts";
import type { Check, Conclusion, Ejection, Review } from "../../../factory/facts/pull-request.ts";
import { clip } from "../../../lib/text.ts";
import type { SaidOn } from "../../../factory/facts/ticket.ts";
import type { ForgeIdentity } from "../../forge.ts";

/**
 * GitHub's words turned into ours. Webhooks (REST spelling) and reads (GraphQL spelling) both come through
 * here, so that one fact looks the same whichever way it reached us.
 */

/** An account as either API names it. */
export interface Account {
  readonly id: string | null;
  readonly login: string;
  readonly type: string;
}

// Text written by others is kept whole only up to here: facts are one document per issue.
const MAX_TEXT = 16_000;

/** `text` as far as it is kept, the cut marked. */
export function kept(text: string): string {
  return clip(text, MAX_TEXT);
}

/** Who it was, by numeric id. GitHub names the `ghost` user where it can or will name nobody. */
export function actorOf(
  account: Account | null,
  us: ForgeIdentity | null,
  association: string | null,
): Actor {
  const known = association === null ? null : association.toLowerCase();
  if (account === null || account.login === "ghost") return { ...NOBODY, association: known };
  // GraphQL drops the suffix that REST gives a bot's login.
  const bot = account.type === "Bot" || account.login.endsWith("[bot]");
  const name = bot && !account.login.endsWith("[bot]") ? `${account.login}[bot]` : account.login;
  const ours = us !== null && account.id !== null && account.id === us.id;
  const kind = ours ? "us" : bot ? "bot" : account.type === "User" ? "person" : "unknown";
  return { kind, id: account.id, name, association: known, permission: null };
}

const CONCLUSIONS: ReadonlySet<string> = new Set<Conclusion>([
  "success",
  "neutral",
  "skipped",
  "failure",
  "timed_out",
  "startup_failure",
  "cancelled",
  "stale",
  "action_required",
]);

// A conclusion that we do not know is neither a pass nor a failure of the code: a person has to look.
function conclusionOf(text: string | null): Conclusion {
  const lower = (text ?? "").toLowerCase();
  return CONCLUSIONS.has(lower) ? (lower as Conclusion) : "action_required";
}

function statusOf(text: string): Check["status"] {
  const lower = text.toLowerCase();
  if (lower === "completed") return "completed";
  return lower === "in_progress" ? "running" : "queued";
}

/** The workflow run in the URL of one of its jobs; null for a check that is not of GitHub Actions. */
export function workflowRunIn(url: string | null): string | null {
  return /\/actions\/runs\/(\d+)(?:\/|$)/.exec(url ?? "")?.[1] ?? null;
}

/** The job in such a URL; null when it names none. */
export function jobIn(url: string | null): string | null {
  return /\/actions\/runs\/\d+\/job\/(\d+)(?:[/?#]|$)/.exec(url ?? "")?.[1] ?? null;
}

/** A check run; times are Unix ms or null. */
export function checkOfRun(run: {
  readonly id: string;
  readonly name: string;
  readonly app: string | null;
  readonly status: string;
  readonly conclusion: string | null;
  readonly startedAt: number | null;
  readonly completedAt: number | null;
  readonly detailsUrl: string | null;
}): Check {
  const status = statusOf(run.status);
  return {
    name: run.name,
    // Null means "a commit status" to us; GitHub's ids begin at 1.
    app: run.app ?? "0",
    id: run.id,
    status,
    conclusion: status === "completed" ? conclusionOf(run.conclusion) : null,
    at: run.completedAt ?? run.startedAt ?? 0,
    url: run.detailsUrl,
    workflowRun: workflowRunIn(run.detailsUrl),
    summary: null,
  };
}

/** A commit status. GitHub numbers them, but names no number in GraphQL: the newest of a context counts. */
export function checkOfStatus(status: {
  readonly context: string;
  readonly state: string;
  readonly at: number;
  readonly targetUrl: string | null;
}): Check {
  const state = status.state.toLowerCase();
  const settled = state === "success" || state === "failure" || state === "error";
  return {
    name: status.context,
    app: null,
    id: "0",
    status: settled ? "completed" : state === "expected" ? "queued" : "running",
    conclusion: settled ? (state === "success" ? "success" : "failure") : null,
    at: status.at,
    url: status.targetUrl === "" ? null : status.targetUrl,
    workflowRun: null,
    summary: null,
  };
}

const REVIEW_STATES: ReadonlySet<string> = new Set<Review["state"]>([
  "approved",
  "changes_requested",
  "commented",
  "dismissed",
]);

/** A submitted review, or null for one that is still being written or in a state we do not know. */
export function reviewOf(review: {
  readonly id: string;
  readonly by: Actor;
  readonly state: string;
  readonly head: string | null;
  readonly at: number | null;
  readonly body: string | null;
}): Review | null {
  const state = review.state.toLowerCase();
  if (!REVIEW_STATES.has(state) || review.at === null) return null;
  return {
    id: review.id,
    by: review.by,
    state: state as Review["state"],
    head: review.head ?? "",
    at: review.at,
    body: kept(review.body ?? ""),
  };
}

/**
 * The id of a word in a review, which a comment in the conversation must not share: GitHub counts reviews, their comments
 * and other comments each by themselves.
 */
export function promptIn({ id, on }: { readonly id: string; readonly on: SaidOn }): {
  readonly id: string;
  readonly on: SaidOn;
} {
  return { id: `${on.comment === null ? "review" : "thread"}:${id}`, on };
}

/**
 * Why an entry left the merge queue. Webhooks use the upper-case words of `pull_request.dequeued`, the
 * timeline's `reason` is free text in lower case.
 */
export function ejectionReason(reason: string | null): Ejection["reason"] {
  const word = (reason ?? "").toLowerCase();
  if (["ci_failure", "failed_checks", "checks_failed"].includes(word)) return "checks_failed";
  if (["ci_timeout", "timeout", "checks_timed_out"].includes(word)) return "timeout";
  if (["merge_conflict", "conflict", "conflicts"].includes(word)) return "conflict";
  if (["merge", "merged", "already_merged"].includes(word)) return "merged";
  return ["manual", "queue_cleared", "dequeued"].includes(word) ? "manual" : "other";
}

/**
 * The pull request that a merge group's branch is named after: `gh-readonly-queue/<base>/pr-<number>-<sha>`,
 * with or without `refs/heads/`; null for any other branch. A base may hold slashes.
 */
export function queuedPullRequest(ref: string | null): number | null {
  const found = /^(?:refs\/heads\/)?gh-readonly-queue\/.+\/pr-(\d{1,9})-[0-9a-f]{40,64}$/.exec(ref ?? "");
  return found === null ? null : Number(found[1]);
}

/** The hidden mark of a text of ours; `digest`: 16 hex digits. */
export function marker(digest: string): string {
  return `<!-- patchrelay:${digest} -->`;
}

/** Whether a text carries such a mark. Anybody can copy one: it proves nothing about who wrote it. */
export function isMarked(text: string): boolean {
  return /<!-- patchrelay:[0-9a-f]{16} -->/.test(text);
}

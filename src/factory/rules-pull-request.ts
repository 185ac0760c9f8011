import { failureKey } from "./checks.ts";
import type { Check } from "./facts.ts";
import { firstLine } from "./first-line.ts";
import { mergingOf } from "./merging.ts";
import { isOurs, unseenPush } from "./observe-pull-request.ts";
import { noCause } from "./rules-run.ts";
import { isUnapproved, waiting } from "./rules-ending.ts";
import type { Answer, Rule } from "./rules.ts";
import type { Situation } from "./situation.ts";
import { endOfSecond } from "./stamp.ts";

const RERUN_SETTLE_MS = 120_000;
const MERGE_RETRY_MS = 60_000;
/** The rules of a branch may wait for something that no reading shows: so long until the forge is asked again. */
const HELD_RETRY_MS = 1_800_000;
const MOST_REFUSALS = 3;
const MOST_QUEUE_ENTRIES = 6;

/** Keeping the open pull request healthy, from the merge queue back to its checks. */
export const PULL_REQUEST_RULES: readonly Rule[] = [
  {
    name: "draft",
    says: "A person made the pull request a draft: wait until it is ready again.",
    states: ["awaiting_review"],
    when: ({ pullRequest }) => pullRequest?.core.value.draft === true,
    gives: () =>
      waiting("awaiting_review", "The pull request is a draft.", "a person to mark it ready for review"),
  },
  {
    name: "push_unseen",
    says: "We pushed, and the forge still shows the head from before: nothing is judged by a head that is history.",
    states: ["pr_open"],
    when: (s) => unseenPush(s.facts) !== null,
    gives: (s) =>
      waiting(
        "pr_open",
        `Pushed ${unseenPush(s.facts)?.slice(0, 8)}; the forge still shows the head before.`,
        "the forge to show the push",
      ),
  },
  {
    name: "unread_pull_request",
    says: "The pull request has not been read as a whole yet.",
    states: ["pr_open"],
    when: ({ pullRequest }) => pullRequest?.readAt === null,
    gives: () => waiting("pr_open", "The pull request is being read from the forge.", "the forge's answer"),
  },
  {
    name: "in_queue",
    says: "It is in the merge queue: checks of the branch no longer matter.",
    states: ["awaiting_queue"],
    when: ({ pullRequest }) => pullRequest?.queue?.value != null,
    // The place in it stands in the evidence: it moves with every merge, and who was told once would be told wrongly.
    gives: () => waiting("awaiting_queue", "In the merge queue.", "the merge queue"),
  },
  {
    name: "queue_left_unread",
    says: "It left the merge queue; why is being read.",
    states: ["awaiting_queue"],
    when: ({ pullRequest }) =>
      pullRequest?.queue != null && pullRequest.queue.value === null && !pullRequest.queue.read,
    gives: () =>
      waiting("awaiting_queue", "It left the merge queue; the reason is being read.", "the forge's answer"),
  },
  {
    name: "queue_rejected",
    says: "The merge queue sent this head away because checks failed or it conflicts: repair it.",
    states: ["repairing_queue"],
    when: (s) =>
      s.ejection !== null &&
      ["checks_failed", "conflict"].includes(s.ejection.reason) &&
      !attempted(s, "queue_repair", (run) => run.cause.ejection === s.ejection?.key),
    gives: (s) => ({
      state: "repairing_queue",
      step: {
        kind: "run",
        type: "queue_repair",
        cause: { ...noCause(s, `queue:${s.ejection?.key}`), ejection: s.ejection?.key ?? null },
      },
      why:
        s.ejection?.reason === "conflict"
          ? "The merge queue found a conflict with the base branch."
          : "Checks failed in the merge queue.",
      waitsFor: null,
    }),
  },
  {
    name: "base_conflict",
    says: "It conflicts with the base branch: integrate the base.",
    states: ["repairing_queue"],
    when: (s) =>
      s.pullRequest?.mergeable?.value.value === "conflict" &&
      s.pullRequest.mergeable.value.head === s.pullRequest.core.value.head,
    gives: (s) => ({
      state: "repairing_queue",
      step: {
        kind: "run",
        type: "queue_repair",
        cause: noCause(s, `conflict:${s.pullRequest?.core.value.head}`),
      },
      why: `It conflicts with ${s.pullRequest?.core.value.base}.`,
      waitsFor: null,
    }),
  },
  {
    name: "checks_unread",
    says: "The head's checks have not been read, or have changed since: a verdict needs a whole reading.",
    states: ["pr_open"],
    when: ({ verdict }) => verdict?.kind === "unread" || verdict?.kind === "unconfirmed",
    gives: () => waiting("pr_open", "The checks of this head are being read.", "the forge's answer"),
  },
  {
    name: "rerun_failed",
    says: "Failed jobs are run once more before an agent is charged; cancelled or stale ones too.",
    states: ["pr_open"],
    when: (s) => rerunOf(s) !== null,
    gives: (s) => ({
      state: "pr_open",
      step: {
        kind: "rerun",
        key: rerunKey(s),
        head: s.pullRequest?.core.value.head ?? "",
        workflowRuns: rerunOf(s)?.workflowRuns ?? [],
      },
      why: `${failingNames(s.verdict)} did not pass; it is run once more first.`,
      waitsFor: "the rerun",
    }),
  },
  {
    name: "rerun_pending",
    says: "The rerun was asked for and its checks have not started yet.",
    states: ["pr_open"],
    when: (s) => rerunUntil(s) !== null,
    gives: (s) =>
      waiting("pr_open", `${failingNames(s.verdict)} is being run once more.`, "the rerun", rerunUntil(s)),
  },
  {
    name: "ci_red",
    says: "Required checks of this head fail for good: repair them.",
    states: ["repairing_ci"],
    when: ({ verdict }) => verdict?.kind === "red" && !verdict.baseToo,
    gives: (s) => {
      const failing = s.verdict?.kind === "red" ? s.verdict.failing : [];
      const head = s.pullRequest?.core.value.head ?? "";
      return {
        state: "repairing_ci",
        step: {
          kind: "run",
          type: "ci_repair",
          cause: {
            ...noCause(s, `ci:${head}:${failureKey(failing)}`),
            checks: [...new Set(failing.map((check) => check.name))],
          },
        },
        why: `${failingNames(s.verdict)} failed on ${head.slice(0, 8)}.`,
        waitsFor: null,
      };
    },
  },
  {
    name: "changes_requested",
    says: "A reviewer who may asks for changes that no run has answered: answer them.",
    states: ["changes_requested"],
    when: ({ standing }) => standing.blocking.length > 0,
    gives: (s) => {
      const ids = s.standing.blocking.map((review) => review.id);
      return {
        state: "changes_requested",
        step: {
          kind: "run",
          type: "review_fix",
          cause: { ...noCause(s, `review:${ids.join(",")}`), reviews: ids },
        },
        why: `${s.standing.blocking[0]?.by.name ?? "A reviewer"} requested changes: ${firstLine(s.standing.blocking[0]?.body ?? "")}`,
        waitsFor: null,
      };
    },
  },
  {
    name: "checks_cut",
    says: "This head has more checks than are read: whether all pass is not known, so a person decides.",
    states: ["awaiting_input"],
    when: ({ verdict }) => verdict?.kind === "cut",
    gives: ({ verdict }) =>
      waiting(
        "awaiting_input",
        `This head has more than the ${verdict?.kind === "cut" ? verdict.checks : 0} checks that patchrelay reads.`,
        "a person to merge it, or a head with fewer checks",
      ),
  },
  {
    name: "red_on_base",
    says: "What fails here fails on the base branch too: not this change's fault, no budget is spent. A review is answered all the same.",
    states: ["pr_open"],
    when: ({ verdict }) => verdict?.kind === "red" && verdict.baseToo,
    gives: ({ verdict, pullRequest }) =>
      waiting(
        "pr_open",
        `${failingNames(verdict)} also fails on ${pullRequest?.core.value.base}.`,
        "the base branch to turn green",
      ),
  },
  {
    name: "ci_blocked",
    says: "A required check was cancelled, went stale or wants a person: not the code's failure, a person decides.",
    states: ["awaiting_input"],
    when: ({ verdict }) => verdict?.kind === "blocked",
    gives: ({ verdict }) =>
      waiting(
        "awaiting_input",
        `${failingNames(verdict)} did not run to its end.`,
        "a person to run or approve it",
      ),
  },
  {
    name: "ci_pending",
    says: "Checks are running, or a required one has not come yet.",
    states: ["pr_open"],
    when: ({ verdict }) => verdict?.kind === "pending",
    gives: ({ verdict }) => {
      const names = verdict?.kind === "pending" ? verdict.names : [];
      const until = verdict?.kind === "pending" ? verdict.until : null;
      return waiting("pr_open", `Waiting for ${names.join(", ")}.`, "the checks", until);
    },
  },
  {
    name: "review_answered",
    says: "Requested changes were answered: the reviewer looks again.",
    states: ["awaiting_review"],
    when: ({ standing }) => standing.answered.length > 0,
    gives: ({ standing }) =>
      waiting(
        "awaiting_review",
        `Answered; ${standing.answered[0]?.by.name ?? "the reviewer"} has not looked again yet.`,
        "the reviewer",
      ),
  },
  {
    name: "unapproved",
    says: "Green, and the policy wants a person with write permission to approve this head first.",
    states: ["awaiting_review"],
    when: isUnapproved,
    gives: () =>
      waiting(
        "awaiting_review",
        "The checks are green; nobody who may has approved this head yet.",
        "an approving review",
      ),
  },
  {
    name: "person_merges",
    says: "Ready; the policy leaves the merge to a person.",
    states: ["awaiting_queue"],
    when: ({ project }) => project?.merge.policy === "person",
    gives: () => waiting("awaiting_queue", "Ready to be merged.", "a person to merge it"),
  },
  {
    name: "merge_asked",
    says: "The merge was asked for, or auto-merge is on: the forge or the merge queue does it.",
    states: ["awaiting_queue"],
    when: (s) => mergingOf(s).asked !== null,
    gives: (s) => {
      const { asked } = mergingOf(s);
      return waiting(
        "awaiting_queue",
        `Asked for the merge: ${asked?.detail ?? ""}.`,
        "the merge",
        asked?.until ?? null,
      );
    },
  },
  {
    name: "dequeued_by_person",
    says: "A person took it out of the merge queue: only a person puts it back. Its checks and its review go on meanwhile.",
    states: ["awaiting_input"],
    when: isTakenOut,
    gives: () =>
      waiting(
        "awaiting_input",
        "It was taken out of the merge queue by a person.",
        "a person to queue it again, a message, or `retry`",
      ),
  },
  {
    name: "merge_given_up",
    says: "The forge refused the merge again and again, or the queue keeps sending it away: a person looks.",
    states: ["escalated"],
    when: (s) => {
      const { refusals, futile } = mergingOf(s);
      return (
        refusals.length >= MOST_REFUSALS ||
        queueEntries(s) >= MOST_QUEUE_ENTRIES ||
        futile >= MOST_QUEUE_ENTRIES
      );
    },
    gives: (s): Answer => ({
      state: "escalated",
      step: { kind: "escalate" },
      why: mergingOf(s).refusals.at(-1)?.detail ?? "The merge queue sent it away again and again.",
      waitsFor: "a person: merge it, push, or `retry`",
    }),
  },
  {
    name: "auto_merge_off",
    says: "Auto-merge was on and is off again, which only a person does: only a person turns it on again.",
    states: ["awaiting_input"],
    when: (s) => mergingOf(s).lost !== null && s.pullRequest?.hasQueue?.value !== true,
    gives: (s) =>
      waiting(
        "awaiting_input",
        `The merge was asked for (${mergingOf(s).lost?.detail ?? ""}), and auto-merge has been turned off since.`,
        "a person to merge it or turn auto-merge on, a message, or `retry`",
      ),
  },
  {
    name: "merge_held",
    says: "The rules of the base branch hold the merge back, and auto-merge can not wait for them: ask again when what was read changes, else now and then.",
    states: ["awaiting_review"],
    when: (s) => {
      const { held } = mergingOf(s);
      return held !== null && s.now < held.at + HELD_RETRY_MS;
    },
    gives: (s) => {
      const { held } = mergingOf(s);
      return waiting(
        "awaiting_review",
        `The merge is held back: ${held?.detail ?? ""}`,
        "what the rules of the base branch ask for, such as another approval",
        (held?.at ?? s.now) + HELD_RETRY_MS,
      );
    },
  },
  {
    name: "merge_refused",
    says: "The forge refused the merge: try again a little later.",
    states: ["awaiting_queue"],
    when: (s) => {
      const last = mergingOf(s).refusals.at(-1);
      return last !== undefined && s.now < last.at + MERGE_RETRY_MS;
    },
    gives: (s) => {
      const last = mergingOf(s).refusals.at(-1);
      return waiting(
        "awaiting_queue",
        `The forge refused the merge: ${last?.detail ?? ""}`,
        "the next try",
        (last?.at ?? s.now) + MERGE_RETRY_MS,
      );
    },
  },
  {
    name: "merge",
    says: "Green and allowed by the policy: ask for the merge of exactly this head.",
    states: ["awaiting_queue"],
    when: () => true,
    gives: (s) => ({
      state: "awaiting_queue",
      step: { kind: "merge", key: mergingOf(s).key },
      why:
        s.standing.approvals.length > 0
          ? `Green and approved by ${s.standing.approvals[0]?.by.name ?? "a reviewer"}.`
          : "Green, and the branch rules decide.",
      waitsFor: "the merge",
    }),
  },
];

function failingNames(verdict: Situation["verdict"]): string {
  const checks =
    verdict?.kind === "red" ? verdict.failing : verdict?.kind === "blocked" ? verdict.blocked : [];
  const names = [...new Set(checks.map((check) => check.name))];
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
}

function attempted(
  s: Situation,
  type: string,
  about: (run: Situation["facts"]["runs"][number]) => boolean,
): boolean {
  return s.facts.runs.some(
    (run) =>
      run.type === type &&
      about(run) &&
      run.end !== null &&
      ["published", "no_change", "answered"].includes(run.end.outcome),
  );
}

/** A red or blocked head whose jobs have not been given their second chance yet. */
function rerunOf(s: Situation): { readonly workflowRuns: readonly string[] } | null {
  const runs = unpassed(s).flatMap((check) => (check.workflowRun === null ? [] : [check.workflowRun]));
  const prefix = rerunPrefix(s);
  const given = Object.entries(s.facts.results).filter(
    ([key, { because }]) => key.startsWith(prefix) && because !== "unwanted",
  ).length;
  if (runs.length === 0 || given >= s.policy.ci.reruns) return null;
  return { workflowRuns: [...new Set(runs)].toSorted() };
}

/** While a rerun is on its way the same checks, by id, are still shown as failed. */
function rerunUntil(s: Situation): number | null {
  const result = s.facts.results[rerunKey(s)];
  if (result === undefined || !result.ok) return null;
  const until = result.at + RERUN_SETTLE_MS;
  return s.now < until ? until : null;
}

function rerunPrefix(s: Situation): string {
  return `rerun:${s.facts.id}:${s.pullRequest?.core.value.head}:`;
}

/** One that was not carried out, since we were paused by then, is asked for under another name. */
function rerunKey(s: Situation): string {
  const key = `${rerunPrefix(s)}${failureKey(unpassed(s))}`;
  const skipped = Object.entries(s.facts.results).filter(
    ([known, { because }]) => known.startsWith(key) && because === "unwanted",
  ).length;
  return skipped === 0 ? key : `${key}:${skipped}`;
}

/** What fails on the base too is left out: neither a rerun nor a repair here turns it green. */
function unpassed(s: Situation): readonly Check[] {
  if (s.verdict?.kind === "red") return s.verdict.baseToo ? [] : s.verdict.failing;
  return s.verdict?.kind === "blocked" ? s.verdict.blocked : [];
}

/**
 * Whether a person took it out of the queue, and no person has spoken for the merge since: no word, no `retry`, no push,
 * and no approval of what we have pushed since.
 */
function isTakenOut({ facts, pullRequest, authority, ejection, standing }: Situation): boolean {
  const last = Object.entries(pullRequest?.ejections ?? {})
    .toSorted(([, a], [, b]) => a.at - b.at)
    .at(-1);
  if (pullRequest === null || last === undefined || last[1].reason !== "manual") return false;
  // What happened within that second happened before.
  const at = endOfSecond(last[1].at);
  if (Math.max(facts.amnesty?.at ?? 0, authority?.at ?? 0) > at) return false;
  if (ejection?.key === last[0]) return true;
  return isOurs(facts, pullRequest.core.value.head) && !standing.approvals.some((review) => review.at > at);
}

function queueEntries(s: Situation): number {
  const after = s.facts.amnesty?.at ?? 0;
  return Object.values(s.pullRequest?.ejections ?? {}).filter((ejection) => ejection.at > after).length;
}

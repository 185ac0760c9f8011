import { failureKey } from "../judge/checks.ts";
import type { Check } from "../facts/facts.ts";
import { firstLine } from "../effects/first-line.ts";
import { unseenPush } from "../observe/pull-request.ts";
import { noCause } from "./run.ts";
import { isUnapproved, waiting } from "./ending.ts";
import type { Rule } from "./rules.ts";
import type { Situation } from "./situation.ts";

const RERUN_SETTLE_MS = 120_000;

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
    when: ({ reviews }) => reviews.blocking.length > 0,
    gives: (s) => {
      const ids = s.reviews.blocking.map((review) => review.id);
      return {
        state: "changes_requested",
        step: {
          kind: "run",
          type: "review_fix",
          cause: { ...noCause(s, `review:${ids.join(",")}`), reviews: ids },
        },
        why: `${s.reviews.blocking[0]?.by.name ?? "A reviewer"} requested changes: ${firstLine(s.reviews.blocking[0]?.body ?? "")}`,
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
    when: ({ reviews }) => reviews.answered.length > 0,
    gives: ({ reviews }) =>
      waiting(
        "awaiting_review",
        `Answered; ${reviews.answered[0]?.by.name ?? "the reviewer"} has not looked again yet.`,
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

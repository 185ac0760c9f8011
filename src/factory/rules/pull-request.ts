import { failureKey, type Verdict } from "../judge/checks.ts";
import type { Check, PullRequestCore } from "../facts/pull-request.ts";
import type { Facts } from "../facts/facts.ts";
import type { CheckRerun } from "../facts/request.ts";
import { counted, operatorRuns, quoting, sentences } from "../words.ts";
import { isBaseUnread, unseenPush } from "../judge/pushes.ts";
import { isUnapproved, mergeUnderWay } from "../judge/merging.ts";
import { cancelling, waiting } from "./answer.ts";
import { causeOn } from "./cause.ts";
import { checksPass, notStarted, pendingWords, startsNone, theChecks } from "./checks-pass.ts";
import type { Step } from "./decision.ts";
import { neverReported, untilOverdue } from "./overdue.ts";
import { holds, rule, type Rule } from "./rule.ts";
import type { Situation } from "./situation.ts";

const RERUN_SETTLE_MS = 120_000;

/** Keeping the open pull request healthy, from the merge queue back to its checks. */
export const PULL_REQUEST_RULES: readonly Rule[] = [
  rule({
    name: "merge_vetoed",
    says: "The merge was requested, and since then somebody has requested changes, taken the approval back or made it a draft: take it out of the merge queue, or turn auto-merge off, before anything else.",
    states: ["awaiting_review", "awaiting_input"],
    when: (s) => {
      const merge = mergeUnderWay(s.facts, s.project);
      const objection = merge === null ? null : objectionOf(s);
      return merge === null || objection === null ? null : { merge, objection };
    },
    gives: ({ merge, objection }, { facts }) =>
      merge.refused === null
        ? cancelling(waiting("awaiting_review", objection, "the merge to be cancelled"), merge)
        : cancelling(
            waiting(
              "awaiting_input",
              objection,
              `a person to stop the merge, or ${operatorRuns("retry", facts)}`,
            ),
            merge,
          ),
  }),
  rule({
    name: "draft",
    says: "A person turned the pull request into a draft: wait until it is ready for review.",
    states: ["awaiting_review"],
    when: ({ pullRequest }) => holds(pullRequest?.core.value.draft === true),
    gives: () =>
      waiting("awaiting_review", "The pull request is a draft.", "a person to mark it ready for review"),
  }),
  rule({
    name: "push_unseen",
    says: "We pushed, and the forge still shows the previous head: do not act on an outdated head.",
    states: ["pr_open"],
    when: ({ facts }) => unseenPush(facts),
    gives: (sha) =>
      waiting(
        "pr_open",
        `Commit ${sha.slice(0, 8)} was pushed, but the pull request does not show it yet.`,
        "the pull request to show it",
      ),
  }),
  rule({
    name: "unread_pull_request",
    says: "The pull request has not been read in full yet, or not since it was given another base.",
    states: ["pr_open"],
    when: ({ pullRequest }) => holds(pullRequest !== null && isBaseUnread(pullRequest)),
    gives: () => waiting("pr_open", "The pull request is being read.", "the pull request to be read"),
  }),
  rule({
    name: "in_queue",
    says: "The pull request is in the merge queue: the checks of its branch no longer matter.",
    states: ["awaiting_queue"],
    when: ({ pullRequest }) => holds(pullRequest?.queue?.value != null),
    // The place in it stands in the evidence: it moves with every merge, and who was told once would be told wrongly.
    gives: () => waiting("awaiting_queue", "The pull request is in the merge queue.", "the merge queue"),
  }),
  rule({
    name: "queue_left_unread",
    says: "The pull request left the merge queue, and the reason has not been read yet.",
    states: ["awaiting_queue"],
    when: ({ pullRequest }) =>
      holds(pullRequest?.queue != null && pullRequest.queue.value === null && !pullRequest.queue.read),
    gives: () =>
      waiting(
        "awaiting_queue",
        "The pull request left the merge queue, and the reason is being read.",
        "the reason to be read",
      ),
  }),
  rule({
    name: "queue_rejected",
    says: "The merge queue removed this head because checks failed or it conflicts: repair it.",
    states: ["repairing_queue"],
    when: ({ ejection, facts }) =>
      ejection !== null &&
      ["checks_failed", "conflict"].includes(ejection.reason) &&
      !isRepaired(facts, ejection.key)
        ? ejection
        : null,
    gives: ({ key, reason }, s) => ({
      state: "repairing_queue",
      step: { kind: "run", type: "queue_repair", cause: { ...causeOn(s, `queue:${key}`), ejection: key } },
      why:
        reason === "conflict"
          ? "The merge queue found a conflict with the base branch."
          : "Checks failed in the merge queue.",
      waitsFor: null,
      until: null,
    }),
  }),
  rule({
    name: "base_conflict",
    says: "The pull request conflicts with the base branch: merge the base and resolve the conflict.",
    states: ["repairing_queue"],
    when: ({ pullRequest }) => {
      const core = pullRequest?.core.value ?? null;
      const mergeable = pullRequest?.mergeable?.value;
      return mergeable?.value === "conflict" && mergeable.head === core?.head ? core : null;
    },
    gives: ({ head, base }, s) => ({
      state: "repairing_queue",
      step: { kind: "run", type: "queue_repair", cause: causeOn(s, `conflict:${head}`) },
      why: `The pull request conflicts with ${base}.`,
      waitsFor: null,
      until: null,
    }),
  }),
  rule({
    name: "checks_unread",
    says: "The checks of this head have not been read, or have changed since: a verdict needs a complete reading.",
    states: ["pr_open"],
    when: ({ verdict }) => holds(verdict?.kind === "unread" || verdict?.kind === "unconfirmed"),
    gives: () => waiting("pr_open", "The checks of this commit are being read.", "the checks to be read"),
  }),
  rule({
    name: "rerun_failed",
    says: "Failed, cancelled or stale jobs are rerun before an agent is charged.",
    states: ["pr_open"],
    when: rerunOf,
    gives: ({ names, ...rerun }) => ({
      state: "pr_open",
      step: { kind: "rerun", ...rerun },
      why: `${names} did not pass and will be rerun before anything else is tried.`,
      waitsFor: "the rerun",
      until: null,
    }),
  }),
  rule({
    name: "rerun_pending",
    says: "The rerun was requested and its checks have not started yet.",
    states: ["pr_open"],
    when: rerunPending,
    gives: ({ checks, until }) =>
      waiting(
        "pr_open",
        `${named(checks)} ${namesIn(checks).length === 1 ? "is" : "are"} being rerun.`,
        "the rerun",
        until,
      ),
  }),
  rule({
    name: "ci_red",
    says: "Required checks fail on this head: repair them.",
    states: ["repairing_ci"],
    when: (s) => redOn(s, false),
    gives: ({ failing, core: { head } }, s) => ({
      state: "repairing_ci",
      step: {
        kind: "run",
        type: "ci_repair",
        cause: {
          ...causeOn(s, `ci:${head}:${failureKey(failing)}`),
          checks: [...new Set(failing.map((check) => check.name))],
        },
      },
      why: `${named(failing)} failed on ${head.slice(0, 8)}.`,
      waitsFor: null,
      until: null,
    }),
  }),
  rule({
    name: "changes_requested",
    says: "An authorised reviewer requested changes that no run has addressed: address them.",
    states: ["changes_requested"],
    when: ({ reviews: { blocking } }) => {
      const first = blocking[0];
      return first === undefined ? null : { first, ids: blocking.map(({ id }) => id) };
    },
    gives: ({ first, ids }, s) => ({
      state: "changes_requested",
      step: {
        kind: "run",
        type: "review_fix",
        cause: { ...causeOn(s, `review:${ids.join(",")}`), reviews: ids },
      },
      why: quoting(`${first.by.name ?? "A reviewer"} requested changes`, first.body),
      waitsFor: null,
      until: null,
    }),
  }),
  rule({
    name: "checks_cut",
    says: "This head has more checks than patchrelay reads: it cannot tell whether all of them pass, so a person decides.",
    states: ["awaiting_input"],
    when: (s) => judged(s, "cut"),
    gives: ({ checks }) =>
      waiting(
        "awaiting_input",
        `This commit has more than ${counted(checks, "check")}, the most patchrelay can read.`,
        "a person to merge it, or a commit with fewer checks",
      ),
  }),
  rule({
    name: "red_on_base",
    says: "The failing checks fail on the base branch too: not this change's fault, so no budget is spent. Reviews are still addressed. After an hour a person is told.",
    states: ["pr_open", "awaiting_input"],
    when: (s) => redOn(s, true),
    gives: ({ failing, core: { base } }, s) => {
      const why = `${named(failing)} also ${namesIn(failing).length === 1 ? "fails" : "fail"} on ${base}.`;
      const since = Math.max(...failing.map(({ at }) => at));
      return untilOverdue(s, since, waiting("pr_open", why, `the checks to pass on ${base}`), {
        why: sentences(why, "That has been so for an hour"),
        waitsFor: `a person to repair ${base}`,
      });
    },
  }),
  rule({
    name: "ci_blocked",
    says: "A required check was cancelled, went stale or needs a person: not the code's fault, so a person decides.",
    states: ["awaiting_input"],
    when: (s) => judged(s, "blocked"),
    gives: ({ blocked }) =>
      waiting(
        "awaiting_input",
        `${named(blocked)} did not finish.`,
        `a person to rerun or approve ${namesIn(blocked).length === 1 ? "it" : "them"}`,
      ),
  }),
  rule({
    name: "checks_missing",
    says: "No check is required, and what is known to check pull requests here has not started in half an hour, or cannot be seen: a person decides.",
    states: ["awaiting_input"],
    when: (s) => judged(s, "missing"),
    gives: ({ expected }, s) =>
      waiting(
        "awaiting_input",
        `${notStarted(expected)}${startsNone(s)}`,
        "a check to start, a new commit, or a person to merge it",
      ),
  }),
  rule({
    name: "ci_pending",
    says: "Checks are running, or one that is required or known has not been reported yet. Once nothing has run for an hour, a person is told which required one is missing.",
    states: ["pr_open", "awaiting_input"],
    when: (s) => judged(s, "pending"),
    gives: (pending, s) =>
      untilOverdue(
        s,
        pending.quietSince,
        waiting("pr_open", pendingWords(pending), "the checks to finish", pending.until),
        neverReported(theChecks(pending.names), pending.names.length > 1),
      ),
  }),
  rule({
    name: "review_answered",
    says: "The requested changes were addressed: wait for the reviewer.",
    states: ["awaiting_review"],
    when: ({ reviews }) => reviews.answered[0] ?? null,
    gives: ({ by }) =>
      waiting(
        "awaiting_review",
        `The review was answered, but ${by.name ?? "the reviewer"} has not reviewed again yet.`,
        `another review by ${by.name ?? "the reviewer"}`,
      ),
  }),
  rule({
    name: "vetoed",
    says: "Somebody whose words do not reach the agent requested changes, and may hold the merge up: wait until they take that back.",
    states: ["awaiting_review"],
    when: ({ reviews }) => reviews.vetoes[0] ?? null,
    gives: ({ by }) => {
      const name = by.name ?? "A reviewer";
      return waiting(
        "awaiting_review",
        `${name} requested changes, and \`trust.maySteer\` keeps them from the agent.`,
        `${by.name ?? "the reviewer"} to approve or to dismiss the review, or a message that says what to change`,
      );
    },
  }),
  rule({
    name: "unapproved",
    says: "The checks pass, and the policy requires an approval of this head by a person with write access.",
    states: ["awaiting_review"],
    when: (s) => holds(isUnapproved(s)),
    gives: (_, s) =>
      waiting("awaiting_review", `${checksPass(s)}, but ${unapprovedBy(s)}.`, "an approving review"),
  }),
];

function unapprovedBy({ reviews: { outdated }, pullRequest }: Situation): string {
  const [first] = outdated;
  if (first === undefined) return "nobody with write access has approved this commit yet";
  return `${first.by.name ?? "a reviewer"} approved it before its base was changed to ${pullRequest?.core.value.base}`;
}

/** What a person has said against the merge since it was requested, as a sentence; null = nothing. */
function objectionOf(s: Situation): string | null {
  const { vetoes, blocking, answered } = s.reviews;
  const first = [...blocking, ...vetoes, ...answered][0];
  if (s.pullRequest?.core.value.draft === true) return "The pull request was turned into a draft.";
  if (first !== undefined) return `${first.by.name ?? "A reviewer"} requested changes.`;
  return isUnapproved(s) ? "Nobody with write access approves this commit any more." : null;
}

/** The verdict on the checks, if it is of this kind. */
function judged<K extends Verdict["kind"]>(
  { verdict }: Situation,
  kind: K,
): Extract<Verdict, { kind: K }> | null {
  return verdict?.kind === kind ? (verdict as Extract<Verdict, { kind: K }>) : null;
}

/** A red verdict on the present head, by whether the base branch is as red. */
function redOn(
  s: Situation,
  baseToo: boolean,
): { readonly failing: readonly Check[]; readonly core: PullRequestCore } | null {
  const red = judged(s, "red");
  if (red === null || red.baseToo !== baseToo || s.pullRequest === null) return null;
  return { failing: red.failing, core: s.pullRequest.core.value };
}

/** The checks at the beginning of a sentence. */
function named(checks: readonly Check[]): string {
  return theChecks(namesIn(checks));
}

function namesIn(checks: readonly Check[]): readonly string[] {
  return [...new Set(checks.map((check) => check.name))];
}

/** Whether a run has dealt with this time that the queue sent it away. */
function isRepaired({ runs }: Facts, ejection: string): boolean {
  return runs.some(
    (run) =>
      run.type === "queue_repair" &&
      run.cause.ejection === ejection &&
      run.end !== null &&
      ["published", "no_change", "answered"].includes(run.end.outcome),
  );
}

/** A red or blocked head whose jobs have not been given their second chance yet. */
function rerunOf(
  s: Situation,
): (Omit<Extract<Step, { kind: "rerun" }>, "kind"> & { readonly names: string }) | null {
  const { checks, failure } = unpassed(s);
  const workflowRuns = checks.flatMap((check) => (check.workflowRun === null ? [] : [check.workflowRun]));
  const given = rerunsOf(s).filter(({ because }) => because !== "unwanted").length;
  if (workflowRuns.length === 0 || given >= s.policy.ci.reruns || s.pullRequest === null) return null;
  return {
    key: rerunKey(s, failure),
    head: s.pullRequest.core.value.head,
    failure,
    workflowRuns: [...new Set(workflowRuns)].toSorted(),
    names: named(checks),
  };
}

/** While a rerun is on its way the same checks, by id, are still shown as failed. */
function rerunPending(s: Situation): { readonly checks: readonly Check[]; readonly until: number } | null {
  const { checks, failure } = unpassed(s);
  const rerun = rerunsOf(s).find((each) => each.failure === failure && each.ok);
  if (rerun === undefined) return null;
  const until = rerun.at + RERUN_SETTLE_MS;
  return s.now < until ? { checks, until } : null;
}

/** What came of the reruns of the present head. */
function rerunsOf({ facts, pullRequest }: Situation): readonly CheckRerun[] {
  return facts.reruns.filter(({ head }) => head === pullRequest?.core.value.head);
}

/** One that was not carried out, since we were paused by then, is asked for under another name. */
function rerunKey(s: Situation, failure: string): string {
  const key = `rerun:${s.facts.id}:${s.pullRequest?.core.value.head}:${failure}`;
  const skipped = rerunsOf(s).filter(
    (rerun) => rerun.failure === failure && rerun.because === "unwanted",
  ).length;
  return skipped === 0 ? key : `${key}:${skipped}`;
}

/** What fails on the base too is left out: neither a rerun nor a repair here turns it green. */
function unpassed({ verdict }: Situation): { readonly checks: readonly Check[]; readonly failure: string } {
  let checks: readonly Check[] = [];
  if (verdict?.kind === "red" && !verdict.baseToo) checks = verdict.failing;
  if (verdict?.kind === "blocked") checks = verdict.blocked;
  return { checks, failure: failureKey(checks) };
}

import type { Ejection } from "../facts/pull-request.ts";
import type { Facts } from "../facts/facts.ts";
import { hasPushedSince } from "../judge/pushes.ts";
import { waiting } from "./answer.ts";
import { holds, rule, type Rule } from "./rule.ts";
import type { Situation } from "./situation.ts";
import { endOfSecond } from "../facts/stamp.ts";
import { counted, operatorRuns, withReason } from "../words.ts";
import { checksPass } from "./checks-pass.ts";

const MERGE_RETRY_MS = 60_000;
/** The rules of a branch may wait for something that no reading shows: after this long the forge is asked again (ms). */
const HELD_RETRY_MS = 1_800_000;
const MOST_REFUSALS = 3;
const MOST_QUEUE_ENTRIES = 6;

/** What happens to a head that is green and approved, as far as the policy asks for it. */
export const MERGING_RULES: readonly Rule[] = [
  rule({
    name: "person_merges",
    says: "Ready; the policy leaves the merge to a person.",
    states: ["awaiting_queue"],
    when: ({ project }) => (project?.merge.policy === "person" ? project.merge : null),
    gives: ({ because }, s) => {
      const why = withReason(`${checksPass(s)}, and the merge is left to a person`, because ?? "");
      return waiting("awaiting_queue", why, "a person to merge it");
    },
  }),
  rule({
    name: "behind",
    says: "The rules want the branch up to date with its base, and it is not: have the forge merge the base into it. That is no commit of anybody's, so what was approved stays approved.",
    states: ["awaiting_queue"],
    when: (s) => (isOutOfOurHands(s) ? null : s.behind?.kind === "update" ? s.behind : null),
    gives: ({ head, attempt }, s) => ({
      state: "awaiting_queue",
      step: { kind: "update_branch", head, attempt },
      why: `${checksPass(s)}, but the branch is behind ${baseOf(s)}, which the rules do not allow.`,
      waitsFor: "the branch to be brought up to date",
      until: null,
    }),
  }),
  rule({
    name: "updating",
    says: "The forge is merging the base into the branch.",
    states: ["awaiting_queue"],
    when: (s) => (s.behind?.kind === "updating" ? s.behind : null),
    gives: ({ until }, s) =>
      waiting(
        "awaiting_queue",
        `The branch is being brought up to date with ${baseOf(s)}.`,
        "the new commit",
        until,
      ),
  }),
  rule({
    name: "update_refused",
    says: "The branch has to be up to date, and the forge does not merge the base into it: a person does. It is asked again every half hour.",
    states: ["awaiting_input"],
    when: (s) => (!isOutOfOurHands(s) && s.behind?.kind === "refused" ? s.behind : null),
    gives: ({ detail, until }, s) =>
      waiting(
        "awaiting_input",
        withReason(`The branch is behind ${baseOf(s)} and could not be brought up to date`, detail),
        "a person to update the branch",
        until,
      ),
  }),
  rule({
    name: "base_too_fast",
    says: "The base moves on faster than the checks of a branch that is up to date pass: a person is told, and it goes on within the hour.",
    states: ["awaiting_input"],
    when: (s) => (!isOutOfOurHands(s) && s.behind?.kind === "too_often" ? s.behind : null),
    gives: ({ times, until }, s) =>
      waiting(
        "awaiting_input",
        `The branch was brought up to date ${counted(times, "time")} within the hour, and each time ${baseOf(s)} moved on before it could be merged.`,
        `a quiet hour on ${baseOf(s)}, or a person to merge it; a merge queue would end this`,
        until,
      ),
  }),
  rule({
    name: "merge_asked",
    says: "The merge was requested, or auto-merge is on: the forge or the merge queue does the rest.",
    states: ["awaiting_queue"],
    when: ({ merging }) => merging.asked,
    gives: ({ detail, until }) =>
      waiting("awaiting_queue", withReason("The merge has been requested", detail), "the merge", until),
  }),
  rule({
    name: "dequeued_by_person",
    says: "A person took the pull request out of the merge queue: only a person puts it back. Its checks and review continue meanwhile.",
    states: ["awaiting_input"],
    when: (s) => holds(isOutBecause(s, "manual")),
    gives: (_, { facts }) =>
      waiting(
        "awaiting_input",
        "A person took the pull request out of the merge queue.",
        `a person to queue it again, a message, or ${operatorRuns("retry", facts)}`,
      ),
  }),
  rule({
    name: "queue_timed_out",
    says: "The merge queue gave up waiting for checks, and none had failed: there is nothing to repair, so a person is told.",
    states: ["awaiting_input"],
    when: (s) => holds(isOutBecause(s, "timeout")),
    gives: (_, { facts }) =>
      waiting(
        "awaiting_input",
        "The merge queue gave up waiting for required checks; none had failed. If none of them ever started there, their workflows lack `on: merge_group`.",
        `a person to see to it that the checks run in the queue, then a message, or ${operatorRuns("retry", facts)}`,
      ),
  }),
  rule({
    name: "merge_given_up",
    says: "The forge keeps refusing the merge, or the merge queue keeps removing the pull request: hand it over.",
    states: ["escalated"],
    when: (s) => {
      const { refusals, futile } = s.merging;
      if (refusals.length >= MOST_REFUSALS) {
        const lead = `The merge was refused ${counted(refusals.length, "time")}, most recently with`;
        return withReason(lead, refusals.at(-1)?.detail ?? "no reason");
      }
      const times = queueEntries(s);
      if (times >= MOST_QUEUE_ENTRIES)
        return `The merge queue removed the pull request ${counted(times, "time")}.`;
      if (futile < MOST_QUEUE_ENTRIES) return null;
      return `The merge was requested ${counted(futile, "time")} and accepted, but never happened.`;
    },
    gives: (why, { facts }) => ({
      state: "escalated",
      step: { kind: "escalate" },
      why,
      waitsFor: `a person to merge it, a new commit, or ${operatorRuns("retry", facts)}`,
      until: null,
    }),
  }),
  rule({
    name: "auto_merge_off",
    says: "Auto-merge was turned off, which only a person does: only a person turns it on again.",
    states: ["awaiting_input"],
    when: ({ pullRequest, merging }) => (pullRequest?.hasQueue?.value === true ? null : merging.lost),
    gives: (_, { facts }) =>
      waiting(
        "awaiting_input",
        "The merge was requested, but auto-merge has been turned off since.",
        `a person to merge it or turn auto-merge on, a message, or ${operatorRuns("retry", facts)}`,
      ),
  }),
  rule({
    name: "merge_held",
    says: "The rules of the base branch hold the merge back, and auto-merge cannot wait for them: request it again when something that was read changes, and every half hour.",
    states: ["awaiting_review"],
    when: ({ merging: { held }, now }) => (held !== null && now < held.at + HELD_RETRY_MS ? held : null),
    gives: ({ detail, at }) =>
      waiting(
        "awaiting_review",
        withReason("The merge is held back", detail),
        "what the rules of the base branch require, such as another approval",
        at + HELD_RETRY_MS,
      ),
  }),
  rule({
    name: "merge_refused",
    says: "The forge refused the merge: try again shortly.",
    states: ["awaiting_queue"],
    when: ({ merging, now }) => {
      const last = merging.refusals.at(-1);
      return last !== undefined && now < last.at + MERGE_RETRY_MS ? last : null;
    },
    gives: ({ detail, at }) =>
      waiting(
        "awaiting_queue",
        withReason("The merge was refused", detail),
        "the next attempt",
        at + MERGE_RETRY_MS,
      ),
  }),
  rule({
    name: "merge",
    says: "The checks pass and the policy allows it: request the merge of exactly this head.",
    states: ["awaiting_queue"],
    when: ({ merging }) => merging.basis,
    gives: (basis, s) => ({
      state: "awaiting_queue",
      step: { kind: "merge", basis },
      why: `${checksPass(s)}, and ${approvedOrNot(s)}.`,
      waitsFor: "the merge",
      until: null,
    }),
  }),
];

function approvedOrNot({ reviews: { approvals }, pullRequest }: Situation): string {
  const [first] = approvals;
  if (first === undefined) return "branch protection decides the rest";
  const who = first.by.name ?? "a reviewer";
  return first.head === pullRequest?.core.value.head
    ? `${who} has approved this commit`
    : `${who} approved it before the base was merged into it`;
}

/** A person turned auto-merge off, or it is to be handed over: no new head of ours may undo that. */
function isOutOfOurHands({ merging: { lost, refusals } }: Situation): boolean {
  return lost !== null || refusals.length >= MOST_REFUSALS;
}

function baseOf({ pullRequest }: Situation): string {
  return pullRequest?.core.value.base ?? "the base branch";
}

/**
 * Whether it is out of the queue for this reason, and no person has spoken for the merge since: no word, no `retry`, no push,
 * and no approval of what we or a machine have pushed since.
 */
function isOutBecause(
  { facts, pullRequest, authority, ejection, reviews }: Situation,
  reason: Ejection["reason"],
): boolean {
  const last = Object.entries(pullRequest?.ejections ?? {})
    .toSorted(([, a], [, b]) => a.at - b.at)
    .at(-1);
  if (pullRequest === null || last === undefined || last[1].reason !== reason) return false;
  if (reason === "manual" && isOwnRemoval(facts, last[1])) return false;
  // What happened within that second happened before.
  const at = endOfSecond(last[1].at);
  if (Math.max(facts.budgetReset?.at ?? 0, authority?.at ?? 0) > at) return false;
  if (ejection?.key === last[0]) return true;
  if (hasPushedSince(facts, last[1].head, at)) return false;
  return !reviews.approvals.some((review) => review.at > at);
}

/** Whether it was we who took it out. Where we act with a person's token, only if we have taken out this pull request at all. */
function isOwnRemoval({ cancellations, pullRequest }: Facts, { ours }: Ejection): boolean {
  return ours && cancellations.some(({ ok, number }) => ok && number === pullRequest?.number);
}

function queueEntries(s: Situation): number {
  const after = s.facts.budgetReset?.at ?? 0;
  return Object.values(s.pullRequest?.ejections ?? {}).filter(
    (ejection) => ejection.at > after && !isOwnRemoval(s.facts, ejection),
  ).length;
}

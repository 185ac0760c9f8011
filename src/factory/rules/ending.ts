import { endOf } from "../judge/ticket.ts";
import { isUnapproved, mergeUnderWay, ownAutoMerge } from "../judge/merging.ts";
import { firstLine, listed, operatorRuns, sentences } from "../words.ts";
import { cancelling, waiting, type Answer } from "./answer.ts";
import { holds, rule, type Rule } from "./rule.ts";
import type { Situation } from "./situation.ts";

/** What ends the matter or takes it out of our hands. Nothing that comes late gets past these rows. */
export const ENDINGS: readonly Rule[] = [
  rule({
    name: "merged",
    says: "The pull request is merged: done, whatever arrives later.",
    states: ["done"],
    when: ({ pullRequest }) => (pullRequest?.core.value.merged === true ? pullRequest : null),
    gives: ({ number }, s) => ended(s, "done", "merged", `Pull request #${number} is merged.`),
  }),
  rule({
    name: "closed_by_operator",
    says: "An operator closed or cancelled the issue, and nobody has asked for work since: a merge already requested is cancelled.",
    states: ["done", "failed"],
    when: ({ facts: { closed }, grantedAt }) => (closed !== null && grantedAt > closed.at ? null : closed),
    gives: ({ how, by }, s) => {
      const cancelled = how === "cancel";
      const what = `The issue was ${cancelled ? "cancelled" : "closed"} by ${by.name ?? "an operator"}.`;
      return ended(s, cancelled ? "failed" : "done", "closed", sentences(what, cancelledMerge(s)));
    },
  }),
  rule({
    name: "ticket_ended",
    says: "A person completed or cancelled the issue in the tracker after the last request: our work on it is over. If it was completed, a merge already requested goes ahead; otherwise it is cancelled.",
    states: ["done", "failed"],
    when: ({ facts, grantedAt }) => {
      const { status } = facts.ticket;
      const endedAt = endOf(status);
      if (status === null || endedAt === null) return null;
      // Our own move after a merge may come later than a person's next word: that word stands.
      if (status.value.type === "completed" && endedAt === facts.ticket.ownEnd) return null;
      return endedAt >= grantedAt ? status.value : null;
    },
    gives: ({ name, type }, s) => {
      const left = s.pullRequest === null ? "" : `Pull request #${s.pullRequest.number} is left as it is.`;
      const pull = type === "completed" ? left : cancelledMerge(s) || left;
      const why = sentences(`The issue was moved to ${name}.`, pull);
      return ended(s, type === "completed" ? "done" : "failed", "closed", why);
    },
  }),
  rule({
    name: "closed_unmerged",
    says: "The pull request was closed without being merged, and nobody has asked for work since.",
    states: ["failed"],
    when: ({ pullRequest }) => (pullRequest?.core.value.state === "closed" ? pullRequest : null),
    gives: ({ number }, s) =>
      ended(s, "failed", "closed", `Pull request #${number} was closed without being merged.`),
  }),
  rule({
    name: "removed",
    says: "The issue was removed from the tracker: stop and publish nothing. What had already ended stays as it ended.",
    states: ["failed"],
    when: ({ facts }) => holds(facts.ticket.removed?.value === true),
    gives: (_, s) => ended(s, "failed", "closed", "The issue was deleted or archived."),
  }),
  rule({
    name: "no_authority",
    says: "No authorised person has asked us to work on this issue: keep the facts, do nothing.",
    states: ["paused"],
    when: ({ authority }) => holds(authority === null),
    gives: (_, s) =>
      s.run !== null && s.run.stop === null
        ? stopping("undelegated", "No authorised person has delegated this issue.")
        : waiting(
            "paused",
            "No authorised person has delegated this issue or asked for work on it.",
            "a delegation or a message from an authorised person",
          ),
  }),
  rule({
    name: "taken_away",
    says: "A person undelegated the issue or stopped us: stop the agent, cancel a merge already requested, publish nothing.",
    states: ["paused"],
    when: ({ authority }) => (authority?.granted === false ? authority : null),
    gives: ({ cause, by }, { run, facts, project }) => {
      const undelegated = cause === "undelegated";
      const name = by.name ?? "a person";
      const why = undelegated ? `The issue was undelegated by ${name}.` : `Work was stopped by ${name}.`;
      if (run !== null && run.stop === null) return stopping(undelegated ? "undelegated" : "stopped", why);
      const waitsFor =
        run === null
          ? `a new delegation, a message, or ${operatorRuns("resume", facts)}`
          : "the agent to stop";
      return cancelling(waiting("paused", why, waitsFor), mergeUnderWay(facts, project));
    },
  }),
  rule({
    name: "paused",
    says: "An operator paused the issue: nothing new starts, a run in progress continues. Our auto-merge is turned off once the approval is gone.",
    states: ["paused"],
    when: (s) =>
      s.facts.paused?.value === true && s.run === null
        ? { merge: isUnapproved(s) ? ownAutoMerge(s.facts, s.project) : null }
        : null,
    gives: ({ merge }, { facts }) =>
      cancelling(
        waiting("paused", "The issue was paused by an operator.", operatorRuns("resume", facts)),
        merge,
      ),
  }),
];

function stopping(reason: "stopped" | "undelegated", why: string): Answer {
  return {
    state: "paused",
    step: { kind: "stop_run", reason },
    why,
    waitsFor: "the agent to stop",
    until: null,
  };
}

function ended(s: Situation, state: "done" | "failed", reason: "closed" | "merged", why: string): Answer {
  if (s.run === null) {
    // Who wrote too late for a merge is answered message by message (effects/narration.ts).
    const whole = reason === "merged" ? why : sentences(why, notCarriedOut(s));
    return { state, step: { kind: "finish" }, why: whole, waitsFor: null, until: null };
  }
  if (s.run.stop !== null) return waiting(state, why, "the agent to stop");
  return { state, step: { kind: "stop_run", reason }, why, waitsFor: "the agent to stop", until: null };
}

/** What becomes of the merge that we asked for and that this end leaves behind (called-for.ts cancels it). */
function cancelledMerge({ facts, project, pullRequest }: Situation): string {
  const merge = mergeUnderWay(facts, project);
  if (merge === null) return "";
  const what = `The merge of pull request #${pullRequest?.number}`;
  return merge.refused === null
    ? `${what} is being cancelled.`
    : `${what} could not be cancelled: ${merge.refused}`;
}

/** The end swallows no word of a person's in silence: each can be said again. */
function notCarriedOut({ prompts }: Situation): string {
  if (prompts.length === 0) return "";
  const named = prompts.map(({ text }) => `"${firstLine(text)}"`);
  return `I did not act on ${prompts.length === 1 ? "this message" : "these messages"}: ${listed(named)}`;
}

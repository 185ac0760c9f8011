import { firstLine } from "../effects/first-line.ts";
import { mergeUnderWay, ownAutoMerge } from "../judge/merging.ts";
import type { Answer, Rule } from "./rules.ts";
import type { Situation } from "./situation.ts";
import type { FactoryState } from "../facts/state.ts";

/** What ends the matter or takes it out of our hands. Nothing that comes late gets past these rows. */
export const ENDINGS: readonly Rule[] = [
  {
    name: "merged",
    says: "The pull request is merged: done, whatever else comes in late.",
    states: ["done"],
    when: ({ pullRequest }) => pullRequest?.core.value.merged === true,
    gives: (s) => ended(s, "done", "merged", `Pull request #${s.pullRequest?.number} is merged.`),
  },
  {
    name: "closed_by_operator",
    says: "An operator closed or cancelled it, and nobody has asked anew since: a merge that was asked for is taken back.",
    states: ["done", "failed"],
    when: ({ facts, authority }) =>
      facts.closed !== null && !(authority?.granted === true && authority.at > facts.closed.at),
    gives: (s) => {
      const cancelled = s.facts.closed?.how === "cancel";
      const who = s.facts.closed?.by.name ?? "an operator";
      return ended(
        s,
        cancelled ? "failed" : "done",
        "closed",
        `${cancelled ? "Cancelled" : "Closed"} by ${who}.${takenBack(s)}`,
      );
    },
  },
  {
    name: "ticket_ended",
    says: "A person completed or cancelled the tracker's issue after the last request: our work on it is over. A merge that was asked for goes on if it was completed, else it is taken back.",
    states: ["done", "failed"],
    when: ({ facts, authority }) => {
      const status = facts.ticket.status;
      if (status === null || !["completed", "canceled", "duplicate"].includes(status.value.type))
        return false;
      const endedAt = status.value.endedAt ?? status.at;
      // Our own move after a merge may come later than a person's next word: that word stands.
      if (status.value.type === "completed" && endedAt === facts.ticket.ownEnd) return false;
      return endedAt >= (authority?.granted === true ? authority.at : 0);
    },
    gives: (s) => {
      const { name, type } = s.facts.ticket.status?.value ?? { name: "ended", type: "completed" };
      const left = s.pullRequest === null ? "" : ` Pull request #${s.pullRequest.number} is left as it is.`;
      const pull = type === "completed" ? left : takenBack(s) || left;
      return ended(
        s,
        type === "completed" ? "done" : "failed",
        "closed",
        `The issue was moved to ${name} in the tracker.${pull}`,
      );
    },
  },
  {
    name: "closed_unmerged",
    says: "The pull request was closed without a merge, and nobody has asked anew since.",
    states: ["failed"],
    when: ({ pullRequest }) => pullRequest?.core.value.state === "closed",
    gives: (s) =>
      ended(s, "failed", "closed", `Pull request #${s.pullRequest?.number} was closed without a merge.`),
  },
  {
    name: "removed",
    says: "The issue was removed from the tracker: stop, publish nothing. What had ended before stays as it ended.",
    states: ["failed"],
    when: ({ facts }) => facts.ticket.removed?.value === true,
    gives: (s) => ended(s, "failed", "closed", "The issue was removed from the tracker."),
  },
  {
    name: "no_authority",
    says: "Nobody who may has asked us to work on it: keep the facts, do nothing.",
    states: ["paused"],
    when: ({ authority }) => authority === null,
    gives: (s) =>
      s.run !== null && s.run.stop === null
        ? stopping(s, "undelegated", "Nobody who may has delegated this issue.")
        : waiting(
            "paused",
            "Nobody who may has delegated this issue or asked for work on it.",
            "a delegation or a message by a person who may",
          ),
  },
  {
    name: "taken_away",
    says: "Undelegated or stopped by a person: stop the agent, take back a merge that was asked for, publish nothing.",
    states: ["paused"],
    when: ({ authority }) => authority?.granted === false,
    gives: (s) => {
      const undelegated = s.authority?.cause === "undelegated";
      const why = `${undelegated ? "Undelegated" : "Stopped"} by ${s.authority?.by.name ?? "a person"}.`;
      if (s.run !== null && s.run.stop === null)
        return stopping(s, undelegated ? "undelegated" : "stopped", why);
      const waitsFor = s.run === null ? "a new delegation or message, or `resume`" : "the agent to stop";
      return takingBack(waiting("paused", why, waitsFor), mergeUnderWay(s.facts));
    },
  },
  {
    name: "held",
    says: "An operator paused it: nothing new starts; a run under way goes on. Auto-merge does not outlive the approval.",
    states: ["paused"],
    when: ({ facts, run }) => facts.hold?.value === true && run === null,
    gives: (s) =>
      takingBack(
        waiting("paused", "Paused by an operator.", "`resume`"),
        isUnapproved(s) ? ownAutoMerge(s.facts) : null,
      ),
  },
];

/** The same answer, and meanwhile the merge is taken back that we asked for: only ours do we take back. */
export function takingBack(answer: Answer, merge: ReturnType<typeof mergeUnderWay>): Answer {
  if (merge === null) return answer;
  if (merge.refused !== null)
    return { ...answer, why: `${answer.why} The merge could not be taken back: ${merge.refused}` };
  return { ...answer, step: { kind: "cancel_merge", key: merge.key } };
}

/** The policy wants an approval of this head, and there is none. */
export function isUnapproved({ project, reviews }: Situation): boolean {
  return project?.merge.policy === "when_approved" && reviews.approvals.length === 0;
}

export function waiting(
  state: FactoryState,
  why: string,
  waitsFor: string | null,
  until: number | null = null,
): Answer {
  return { state, step: { kind: "wait" }, why, waitsFor, until };
}

function stopping(s: Situation, reason: "stopped" | "undelegated", why: string): Answer {
  const waitsFor = s.run === null ? null : "the agent to stop";
  return { state: "paused", step: { kind: "stop_run", reason }, why, waitsFor };
}

function ended(s: Situation, state: "done" | "failed", reason: "closed" | "merged", why: string): Answer {
  if (s.run === null)
    return { state, step: { kind: "finish" }, why: `${why}${notCarriedOut(s)}`, waitsFor: null };
  if (s.run.stop !== null) return waiting(state, why, "the agent to stop");
  return { state, step: { kind: "stop_run", reason }, why, waitsFor: "the agent to stop" };
}

/** What becomes of the merge that we asked for and that this end leaves behind (effects.ts takes it back). */
function takenBack({ facts, pullRequest }: Situation): string {
  const merge = mergeUnderWay(facts);
  if (merge === null) return "";
  const of = ` The merge of pull request #${pullRequest?.number}`;
  return merge.refused === null ? `${of} is taken back.` : `${of} could not be taken back: ${merge.refused}`;
}

/** So many messages are named in one sentence. */
const MOST_NAMED = 3;

/** The end swallows no word of a person's in silence: each can be said again. */
function notCarriedOut({ prompts }: Situation): string {
  if (prompts.length === 0) return "";
  const named = prompts.slice(0, MOST_NAMED).map(({ text }) => `"${firstLine(text)}"`);
  const more = prompts.length > MOST_NAMED ? ` and ${prompts.length - MOST_NAMED} more` : "";
  return ` Not carried out: ${named.join(", ")}${more}.`;
}

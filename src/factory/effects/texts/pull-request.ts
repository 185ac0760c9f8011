import type { Facts } from "../../facts/facts.ts";
import type { Run } from "../../facts/run.ts";
import { cut, sentence } from "../../words.ts";
import { defused } from "./defuse.ts";
import type { RunType } from "../../facts/run-types.ts";

/**
 * What a pull request is told, word for word: its title and body, commits, comments. What the agent says of its work, and
 * in review threads, is passed on as it is.
 */

const LONGEST_TITLE = 250;
const LONGEST_SUBJECT = 100;

/** Title and body of the pull request of an issue. */
export function pullRequestText(
  facts: Facts,
  summary: string,
): { readonly title: string; readonly body: string } {
  const core = facts.ticket.core?.value;
  const key = core?.key ?? facts.id;
  const suffix = ` (${key})`;
  return {
    title: `${cut(defused(core?.title ?? "Change"), LONGEST_TITLE - suffix.length)}${suffix}`,
    body: [
      summary.trim(),
      "",
      core === undefined ? "" : `For [${key}](${core.url}).`,
      "",
      "Opened by patchrelay. It answers reviews, and comments that mention it.",
    ]
      .join("\n")
      .trim(),
  };
}

const REPAIRS: Readonly<Record<Exclude<RunType, "implementation">, string>> = {
  ci_repair: "Make the failing checks pass",
  review_fix: "Address the review",
  queue_repair: "Make the change pass in the merge queue",
};

/** Message of the commit that the relay makes of what the agent left. */
export function commitMessage(facts: Facts, run: Run, summary: string): string {
  const core = facts.ticket.core?.value;
  const subject = run.type === "implementation" ? (core?.title ?? "Change") : REPAIRS[run.type];
  const first = cut(`${core?.key ?? facts.id}: ${defused(subject)}`, LONGEST_SUBJECT);
  return summary.trim() === "" ? first : `${first}\n\n${defused(summary.trim())}`;
}

/** Message of a commit that brings one branch into another. */
export function mergeMessage(from: string, into: string): string {
  return `Merge ${from} into ${into}`;
}

/** A commit of the pull request at `url`. */
export function commitLink(url: string, sha: string): string {
  return `[\`${sha.slice(0, 8)}\`](${url}/commits/${sha})`;
}

/** What a run did, in the agent's words, and the commit that it made, as a link; null = it made none. */
export function done(summary: string, commit: string | null): string {
  return commit === null ? summary : `${summary.trim()}\n\nCommit: ${commit}`;
}

/** In a review thread of which the agent said nothing: where to look. */
export function seeComment(commit: string | null): string {
  return commit === null
    ? "I changed nothing here; see my comment on the pull request."
    : `I pushed ${commit} in answer to the review; see my comment on the pull request.`;
}

/** That the forge does not let us ask for another review; `why`: its reason. */
export function notRequested(reviewer: string, why: string): string {
  return `I could not request another review from ${reviewer}: ${sentence(why)}`;
}

/** Why the pull request is closed; `by` is the operator's name, if it is known. */
export function closedBecause(by: string | null): string {
  return `Closed because ${by ?? "an operator"} cancelled the issue.`;
}

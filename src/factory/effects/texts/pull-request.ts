import type { Facts } from "../../facts/facts.ts";
import type { Run } from "../../facts/run.ts";
import { cut } from "../../words.ts";
import { defused } from "./defuse.ts";
import type { RunType } from "../../facts/run-types.ts";

/**
 * What a pull request is told, word for word: its title and body, commits, comments. Replies in review threads and the
 * comment after a review without a change are the agent's own words, passed on as they are.
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

/** Why the pull request is closed; `by` is the operator's name, if it is known. */
export function closedBecause(by: string | null): string {
  return `Closed because ${by ?? "an operator"} cancelled the issue.`;
}

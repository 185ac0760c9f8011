import { isAssigned } from "../judge/assignment.ts";
import { authorityOf, grantedAt, openQuestions, pendingPrompts } from "../judge/authority.ts";
import { verdictOf, type Verdict } from "../judge/checks.ts";
import type { Authority, Prompt, Question } from "../facts/ticket.ts";
import type { Ejection, PullRequest } from "../facts/pull-request.ts";
import { type Facts, activeRun } from "../facts/facts.ts";
import type { Run } from "../facts/run.ts";
import type { Policy, ProjectPolicy } from "../facts/policy.ts";
import { behindOf, mergingOf, type Behind, type Merging } from "../judge/merging.ts";
import { reviewStatusOf, type ReviewStatus } from "../judge/reviews.ts";
import { projectOf } from "../judge/trust.ts";

/** What the rules look at: facts and what follows from them, worked out once. */
export interface Situation {
  readonly facts: Facts;
  readonly policy: Policy;
  readonly project: ProjectPolicy | null;
  readonly now: number;
  readonly authority: Authority | null;
  /** Whether the issue as a whole is ours to carry out. */
  readonly assigned: boolean;
  /** When work was last asked for, whether or not it was taken away since (Unix ms); 0 = never. */
  readonly grantedAt: number;
  readonly run: Run | null;
  readonly last: Run | null;
  readonly prompts: readonly Prompt[];
  /** Open ones; whether to try again is asked beside a hand-over, which stands with or without it. */
  readonly questions: readonly Question[];
  readonly pullRequest: PullRequest | null;
  readonly verdict: Verdict | null;
  readonly reviews: ReviewStatus;
  /** The newest time the merge queue sent this head away. */
  readonly ejection: (Ejection & { readonly key: string }) | null;
  /** What is to be done about a branch that has to be up to date and is not. */
  readonly behind: Behind | null;
  /** Worked out when a rule first asks: most situations are decided before it matters. */
  readonly merging: Merging;
}

export function situationOf(facts: Facts, policy: Policy, now: number): Situation {
  const { pullRequest } = facts;
  const grounds = {
    facts,
    project: projectOf(facts, policy),
    now,
    authority: authorityOf(facts, policy),
    ejection: newestEjection(facts),
  };
  let merging: Merging | null = null;
  return {
    ...grounds,
    policy,
    assigned: isAssigned(facts, policy),
    grantedAt: grantedAt(facts, policy),
    run: activeRun(facts),
    last: facts.runs.at(-1) ?? null,
    prompts: pendingPrompts(facts, policy),
    questions: openQuestions(facts, policy).filter(({ about }) => about !== "budget"),
    pullRequest,
    verdict: pullRequest === null ? null : verdictOf(facts, pullRequest, policy, now),
    reviews: reviewStatusOf(facts, policy),
    behind: behindOf(grounds),
    get merging() {
      merging ??= mergingOf(grounds);
      return merging;
    },
  };
}

function newestEjection(facts: Facts): Situation["ejection"] {
  if (facts.pullRequest === null) return null;
  const { core, ejections } = facts.pullRequest;
  const pushed = facts.runs.findLast((run) => run.end?.outcome === "published")?.endedAt ?? 0;
  // The forge does not always say which head was queued; then it was the present one if nothing was pushed since.
  const ours = Object.entries(ejections).filter(
    ([, ejection]) => ejection.head === core.value.head || (ejection.head === "" && ejection.at > pushed),
  );
  const newest = ours.toSorted(([, a], [, b]) => a.at - b.at).at(-1);
  return newest === undefined ? null : { ...newest[1], key: newest[0] };
}

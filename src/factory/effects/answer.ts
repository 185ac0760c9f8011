import type { Facts } from "../facts/facts.ts";
import type { Run, ThreadReply } from "../facts/run.ts";
import type { Policy } from "../facts/policy.ts";
import { saidTo, stillRequested, threadsFor } from "../judge/reviews.ts";
import * as texts from "./texts/pull-request.ts";

/** What the pull request is told once a run has ended that answers what people said there. */
export interface ForgeAnswer {
  readonly replies: readonly ThreadReply[];
  /** Null = the replies say all. */
  readonly comment: string | null;
  /** Requested changes that were addressed, whose reviewers are to look again. */
  readonly reviews: readonly string[];
}

const ANSWERS: ReadonlySet<string> = new Set(["published", "no_change", "answered"]);

/** Everybody is answered where they spoke: in each thread, and in one comment where more is to be said than those do. */
export function answerOnForge(facts: Facts, run: Run, policy: Policy): ForgeAnswer {
  const { end, headAfter } = run;
  const pull = facts.pullRequest;
  if (end === null || pull === null) return { replies: [], comment: null, reviews: [] };
  const { outcome, summary, replies } = end;
  if (!ANSWERS.has(outcome)) return { replies, comment: null, reviews: [] };
  const commit = outcome === "published" && headAfter !== null ? texts.commitLink(pull.url, headAfter) : null;
  const { toAnswer } = threadsFor(facts, run, policy);
  const unnamed = toAnswer.filter(({ id }) => !replies.some(({ thread }) => thread === id));
  const isAsked = saidTo(facts, run).some(({ from, on }) => from === "forge" && on?.comment == null);
  const isUnsaid = commit === null || unnamed.length > 0 || toAnswer.length === 0;
  const whole = texts.done(summary, commit);
  const comment = isAsked || unnamed.length > 1 || (run.type === "review_fix" && isUnsaid) ? whole : null;
  const text = comment === null ? whole : texts.seeComment(commit);
  const isOpen = pull.core.value.state === "open";
  return {
    replies: [
      ...replies,
      ...unnamed.map(({ id }): ThreadReply => ({ thread: id, outcome: "answered", text })),
    ],
    comment,
    reviews:
      commit !== null && isOpen && stillRequested(facts, run.cause.reviews).length > 0
        ? run.cause.reviews
        : [],
  };
}

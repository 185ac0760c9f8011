import { lastOfSpent } from "../judge/budget.ts";
import { generationOf } from "../facts/facts.ts";
import type { Authority } from "../facts/ticket.ts";
import type { Run, RunCause } from "../facts/run.ts";
import { overtaking, personHead } from "../judge/pushes.ts";
import { isUnapproved, ownAutoMerge } from "../judge/merging.ts";
import { cancelling, waiting } from "./answer.ts";
import { own } from "../facts/own.ts";
import { newestSession } from "../judge/sessions.ts";
import { OFFER_OPTIONS } from "../judge/offer.ts";
import { causeOn } from "./cause.ts";
import { holds, rule, type Rule } from "./rule.ts";
import { RUN_TYPES } from "../facts/run-types.ts";
import { operatorRuns, phaseWords, quoting, stopWords } from "../words.ts";
import type { Situation } from "./situation.ts";
import type { FactoryState } from "../facts/state.ts";

/** Where an issue stands while a run is in progress. */
const AT_WORK: readonly FactoryState[] = [
  "preparing",
  "implementing",
  "repairing_ci",
  "changes_requested",
  "repairing_queue",
];

/** The run in progress, and what people have asked for. */
export const RUN_RULES: readonly Rule[] = [
  rule({
    name: "run_stopping",
    says: "The run has been told to stop and has not ended yet.",
    states: [...AT_WORK, "delegated"],
    when: ({ run }) => (run === null || run.stop === null ? null : { run, stop: run.stop }),
    gives: ({ run, stop }) =>
      waiting(
        stateOf(run),
        `Run ${run.number} is being stopped because ${stopWords(stop.reason)}.`,
        "the agent to stop",
      ),
  }),
  rule({
    name: "run_overtaken",
    says: "The reason for the run is gone (a new head, an approval, checks that turned green on their own): stop it, publish nothing.",
    states: [...AT_WORK, "delegated"],
    when: (s) => {
      const why = s.run === null ? null : overtakenBy(s, s.run);
      return s.run === null || why === null ? null : { run: s.run, why };
    },
    gives: ({ run, why }) => ({
      state: stateOf(run),
      step: { kind: "stop_run", reason: "superseded" },
      why,
      waitsFor: "the agent to stop",
      until: null,
    }),
  }),
  rule({
    name: "auto_merge_stale",
    says: "Our auto-merge is on while a run is in progress, or on a commit that nobody with write access has approved: turn it off before it merges that.",
    states: [...AT_WORK, "delegated", "awaiting_review", "awaiting_input"],
    when: (s) => {
      const merge = ownAutoMerge(s.facts, s.project);
      if (merge === null) return null;
      const off = "auto-merge to be turned off";
      if (s.run !== null) {
        const why = `Auto-merge is on while run ${s.run.number} is in progress.`;
        return merge.refused === null ? { merge, state: stateOf(s.run), why, waitsFor: off } : null;
      }
      if (!isUnapproved(s)) return null;
      const why = "Auto-merge is on, but nobody with write access has approved this commit.";
      // Then only a person can see to it that nothing is merged that nobody approved.
      return merge.refused === null
        ? { merge, state: "awaiting_review" as const, why, waitsFor: off }
        : {
            merge,
            state: "awaiting_input" as const,
            why,
            waitsFor: `a person to turn auto-merge off, or ${operatorRuns("retry", s.facts)}`,
          };
    },
    gives: ({ merge, state, why, waitsFor }) => cancelling(waiting(state, why, waitsFor), merge),
  }),
  rule({
    name: "run_queued",
    says: "A run is reserved and waits for a free slot; rework goes before new work.",
    states: ["delegated", "implementing", "repairing_ci", "changes_requested", "repairing_queue"],
    when: ({ run }) => (run?.state === "queued" ? run : null),
    gives: (run) => waiting(stateOf(run), `${runName(run)} starts as soon as a slot is free.`, "a free slot"),
  }),
  rule({
    name: "run_active",
    says: "A run is in progress.",
    states: AT_WORK,
    when: ({ run }) => run,
    gives: (run) =>
      waiting(stateOf(run), `${runName(run)} is in progress: ${phaseWords(run.phase)}.`, "the run to end"),
  }),
  rule({
    name: "prompt_pending",
    says: "An authorised person has said something that no run has been given yet: do what it asks for. A mention asks for what its message says, not for the whole issue. What we failed at and handed over no longer blocks anything once a person has pushed.",
    states: ["implementing"],
    when: (s) => {
      const prompt = s.prompts.at(-1);
      if (prompt === undefined || (s.last === null && s.assigned)) return null;
      const cause = promptCause(s);
      return isTakenOver(s, cause) ? null : { prompt, cause };
    },
    gives: ({ prompt: { by, text }, cause }, s) => ({
      state: "implementing",
      refused: s.pullRequest === null ? "delegated" : "pr_open",
      step: { kind: "run", type: "implementation", cause },
      why: quoting(`${by.name ?? "A person"} asked`, text),
      waitsFor: null,
      until: null,
    }),
  }),
  rule({
    name: "pull_request_unseen",
    says: "The work was published; the forge has not reported the pull request yet.",
    states: ["pr_open"],
    when: (s) => holds(s.pullRequest === null && lastOfGeneration(s)?.end?.outcome === "published"),
    gives: () =>
      waiting(
        "pr_open",
        "The work was pushed, and the pull request is being read.",
        "the pull request to be read",
      ),
  }),
  rule({
    name: "offer",
    says: "A mention was answered, and policy (`mentions`) has the relay offer to start work on the issue: ask.",
    states: ["awaiting_input"],
    when: (s) => {
      const last = lastOfGeneration(s);
      if (s.assigned || last === null || last.cause.asks !== "answer" || last.end?.outcome !== "answered")
        return null;
      const question = `offer:${last.number}`;
      return own(s.facts.questions, question) === undefined ? question : null;
    },
    gives: (question) => ({
      ...waiting("awaiting_input", "I can implement this issue.", "your go-ahead"),
      step: { kind: "ask", about: "offer", question, text: OFFER, options: OFFER_OPTIONS },
    }),
  }),
  rule({
    name: "said_all",
    says: "The agent answered or found nothing to change, and nobody has asked for more: wait for a person.",
    states: ["awaiting_input"],
    when: (s) => {
      const last = lastOfGeneration(s);
      if (s.pullRequest !== null || last === null || last.end === null) return null;
      if (!["answered", "no_change"].includes(last.end.outcome)) return null;
      // What was written since is either to be given to a run, which comes before this, or asks for nothing.
      const { authority } = s;
      const asked =
        (s.assigned && last.cause.asks === "answer") ||
        (authority?.granted === true && authority.cause !== "prompted" && authority.at > (last.endedAt ?? 0));
      return !asked && (s.facts.budgetReset?.afterRun ?? 0) < last.number ? last.end : null;
    },
    gives: ({ outcome, summary }) => {
      const what = outcome === "answered" ? "The agent answered" : "The agent found nothing to change";
      return waiting("awaiting_input", quoting(what, summary), "a message that says what to do next");
    },
  }),
  rule({
    name: "implement",
    says: "Delegated, or an operator has put it to work, and there is no pull request yet: implement the issue.",
    states: ["implementing"],
    when: ({ pullRequest, authority, assigned }) =>
      pullRequest === null && (assigned || authority?.cause === "commanded") ? authority : null,
    gives: ({ by, cause }, s) => ({
      state: "implementing",
      refused: "delegated",
      step: {
        kind: "run",
        type: "implementation",
        cause: { ...causeOn(s, `implement:${generationOf(s.facts)}`), prompts: promptIds(s) },
      },
      why: `${by.name ?? "A person"} ${GRANTS[cause]}.`,
      waitsFor: null,
      until: null,
    }),
  }),
  rule({
    name: "mention_unread",
    says: "We were mentioned, and the news of it did not carry the message: read it.",
    states: ["delegated"],
    when: ({ facts, pullRequest, now }) => {
      const session = newestSession(facts);
      if (pullRequest !== null || session === null || now >= session.at + MESSAGE_MS) return null;
      return Object.values(facts.prompts).some((prompt) => prompt.session === session.id) ? null : session;
    },
    gives: ({ at, by }) =>
      waiting(
        "delegated",
        `${by.name ?? "A person"} ${GRANTS.mentioned}.`,
        "the message to be read",
        at + MESSAGE_MS,
      ),
  }),
  rule({
    name: "unasked",
    says: "The issue is not delegated to us, and no message says what to do: wait for one.",
    states: ["awaiting_input"],
    when: ({ pullRequest, authority }) => (pullRequest === null ? authority : null),
    gives: ({ by, cause }) =>
      waiting(
        "awaiting_input",
        `${by.name ?? "A person"} ${GRANTS[cause]}.`,
        "a message that says what to do, or a delegation",
      ),
  }),
];

/** How long the message of a mention is waited for (ms). */
const MESSAGE_MS = 120_000;

const OFFER = "Should I start work on this issue?";

/** How a person has asked for work, to follow their name. What takes it away never calls for a run. */
const GRANTS: Readonly<Record<Authority["cause"], string>> = {
  delegated: "delegated the issue",
  mentioned: "mentioned patchrelay on the issue",
  prompted: "asked for work on the issue",
  commanded: "told patchrelay to work on the issue",
  undelegated: "undelegated the issue",
  stopped: "stopped work on the issue",
};

function runName({ number, type }: Run): string {
  return `Run ${number} (${RUN_TYPES[type].words})`;
}

function promptIds({ prompts }: Situation): readonly string[] {
  return prompts.map(({ id }) => id);
}

function promptCause(s: Situation): RunCause {
  const prompts = promptIds(s);
  return { ...causeOn(s, `prompt:${prompts.join(",")}`), asks: asksFor(s), prompts };
}

function asksFor({ pullRequest, assigned, project, facts }: Situation): RunCause["asks"] {
  if (assigned && pullRequest === null) return "issue";
  const isMention = !assigned && pullRequest === null && facts.past.length === 0;
  return isMention && project?.mentions === "offer" ? "answer" : "message";
}

/** The budget for what was said is spent, and a person has pushed since the last attempt at it. */
function isTakenOver(s: Situation, cause: RunCause): boolean {
  if (s.pullRequest === null || s.project === null) return false;
  const tried = lastOfSpent(s.facts, s.project, "implementation", cause);
  const word = personHead(s.facts);
  return tried !== null && word !== null && tried.personHead !== word;
}

function lastOfGeneration(s: Situation): Run | null {
  return s.last !== null && s.last.generation === generationOf(s.facts) ? s.last : null;
}

function stateOf(run: Run): FactoryState {
  if (run.type !== "implementation") return RUN_TYPES[run.type].state;
  if (run.state === "queued")
    return run.generation > 0 && run.headBefore === null ? "delegated" : "implementing";
  return run.phase === "prepare" ? "preparing" : "implementing";
}

/** Why the run has lost its reason; null = it has not, or it is past the point of no return. */
function overtakenBy(s: Situation, run: Run): string | null {
  const pull = s.pullRequest;
  if (run.generation !== generationOf(s.facts))
    return `Run ${run.number} was working on a pull request that has ended.`;
  if (pull === null || run.phase === "publish" || run.phase === "settle" || run.type === "implementation")
    return null;
  const newer = run.cause.head === null ? null : overtaking(s.facts, run.cause.head);
  if (newer !== null)
    return `${newer.by === "person" ? "A person" : "Somebody"} has pushed ${newer.sha.slice(0, 8)} since run ${run.number} started.`;
  // Its push would throw the pull request out of the queue again.
  if (pull.queue?.value != null) return "The pull request has entered the merge queue.";
  if (run.type === "ci_repair" && s.verdict?.kind === "green")
    return `The checks have passed without run ${run.number}.`;
  if (run.type === "review_fix" && run.cause.reviews.length > 0) {
    const open = s.reviews.blocking.some((review) => run.cause.reviews.includes(review.id));
    if (!open) return "The reviewer no longer asks for changes.";
  }
  return null;
}

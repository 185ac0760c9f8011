import { lastOfSpent } from "../judge/budget.ts";
import { generationOf, type Run, type RunCause } from "../facts/facts.ts";
import { firstLine } from "../effects/first-line.ts";
import { isOurs } from "../observe/pull-request.ts";
import { ownAutoMerge } from "../judge/merging.ts";
import { isUnapproved, takingBack, waiting } from "./ending.ts";
import type { Rule } from "./rules.ts";
import { RUN_TYPES } from "../facts/run-types.ts";
import type { Situation } from "./situation.ts";
import type { FactoryState } from "../facts/state.ts";

/** The run under way, and what people have asked for. */
export const RUN_RULES: readonly Rule[] = [
  {
    name: "run_stopping",
    says: "The run was told to stop and has not ended yet.",
    states: [
      "preparing",
      "implementing",
      "repairing_ci",
      "changes_requested",
      "repairing_queue",
      "delegated",
    ],
    when: ({ run }) => run !== null && run.stop !== null,
    gives: ({ run }) =>
      waiting(
        stateOf(run),
        `Run ${run?.number} is being stopped (${run?.stop?.reason}).`,
        "the agent to stop",
      ),
  },
  {
    name: "run_overtaken",
    says: "What the run was started for is no longer so (another head, approved meanwhile, green by itself): stop it, publish nothing.",
    states: [
      "preparing",
      "implementing",
      "repairing_ci",
      "changes_requested",
      "repairing_queue",
      "delegated",
    ],
    when: (s) => s.run !== null && overtakenBy(s, s.run) !== null,
    gives: (s) => ({
      state: stateOf(s.run),
      step: { kind: "stop_run", reason: "superseded" },
      why: s.run === null ? "" : (overtakenBy(s, s.run) ?? ""),
      waitsFor: "the agent to stop",
    }),
  },
  {
    name: "auto_merge_stale",
    says: "Auto-merge that we asked for is on while a run works, or on a head that nobody who may has approved: it is turned off before it merges that.",
    states: [
      "preparing",
      "implementing",
      "repairing_ci",
      "changes_requested",
      "repairing_queue",
      "delegated",
      "awaiting_review",
      "awaiting_input",
    ],
    when: (s) => {
      const merge = ownAutoMerge(s.facts);
      return merge !== null && (s.run === null ? isUnapproved(s) : merge.refused === null);
    },
    gives: (s) => {
      const merge = ownAutoMerge(s.facts);
      if (s.run !== null) {
        const why = `Auto-merge is on while run ${s.run.number} works.`;
        return takingBack(waiting(stateOf(s.run), why, "auto-merge to be off"), merge);
      }
      const why = "Auto-merge is on, and nobody who may has approved this head.";
      // Then only a person can see to it that nothing is merged that nobody approved.
      return merge === null || merge.refused === null
        ? takingBack(waiting("awaiting_review", why, "auto-merge to be off"), merge)
        : takingBack(waiting("awaiting_input", why, "a person to turn auto-merge off, or `retry`"), merge);
    },
  },
  {
    name: "run_queued",
    says: "A run is reserved and waits for a free slot; rework goes before new work.",
    states: ["delegated", "implementing", "repairing_ci", "changes_requested", "repairing_queue"],
    when: ({ run }) => run?.state === "queued",
    gives: ({ run }) =>
      waiting(
        stateOf(run),
        `Run ${run?.number} (${run?.type}) starts as soon as a slot is free.`,
        "a free slot",
      ),
  },
  {
    name: "run_active",
    says: "A run is under way.",
    states: ["preparing", "implementing", "repairing_ci", "changes_requested", "repairing_queue"],
    when: ({ run }) => run !== null,
    gives: ({ run }) =>
      waiting(stateOf(run), `Run ${run?.number} (${run?.type}) is at step ${run?.phase}.`, "the run to end"),
  },
  {
    name: "prompt_pending",
    says: "A person who may has said something that no run has been given yet: carry it out. What we could not do and handed over, and a person has pushed since, holds nothing up.",
    states: ["implementing"],
    when: (s) => s.prompts.length > 0 && s.last !== null && !isTakenOver(s),
    gives: (s) => ({
      state: "implementing",
      refused: s.pullRequest === null ? "delegated" : "pr_open",
      step: { kind: "run", type: "implementation", cause: promptCause(s) },
      why: `${s.prompts.at(-1)?.by.name ?? "A person"} asked: ${firstLine(s.prompts.at(-1)?.text ?? "")}`,
      waitsFor: null,
    }),
  },
  {
    name: "pull_request_unseen",
    says: "The work was published; the forge has not told about the pull request yet.",
    states: ["pr_open"],
    when: (s) => s.pullRequest === null && lastOfGeneration(s)?.end?.outcome === "published",
    gives: () =>
      waiting("pr_open", "The work was pushed; the pull request is being read.", "the forge's answer"),
  },
  {
    name: "said_all",
    says: "The agent answered, or found nothing to change, and nobody has asked for more: a person's word is awaited.",
    states: ["awaiting_input"],
    when: (s) => {
      const last = lastOfGeneration(s);
      if (
        s.pullRequest !== null ||
        last?.end == null ||
        !["answered", "no_change"].includes(last.end.outcome)
      )
        return false;
      const asked = s.authority?.granted === true && s.authority.at > (last.endedAt ?? 0);
      return !asked && (s.facts.budgetReset?.afterRun ?? 0) < last.number;
    },
    gives: (s) => {
      const end = lastOfGeneration(s)?.end;
      const what = end?.outcome === "answered" ? "The agent answered" : "The agent found nothing to change";
      return waiting(
        "awaiting_input",
        `${what}: ${firstLine(end?.summary ?? "")}`,
        "a message that says what to do next",
      );
    },
  },
  {
    name: "implement",
    says: "Delegated, and there is no pull request yet: carry out the issue.",
    states: ["implementing"],
    when: ({ pullRequest }) => pullRequest === null,
    gives: (s) => ({
      state: "implementing",
      refused: "delegated",
      step: {
        kind: "run",
        type: "implementation",
        cause: {
          ...noCause(s, `implement:${generationOf(s.facts)}`),
          prompts: s.prompts.map((prompt) => prompt.id),
        },
      },
      why: `${s.authority?.by.name ?? "A person"} ${s.authority?.cause === "mentioned" ? "mentioned us on" : "delegated"} the issue.`,
      waitsFor: null,
    }),
  },
];

export function noCause(s: Situation, key: string): RunCause {
  return {
    key,
    head: s.pullRequest?.core.value.head ?? null,
    checks: [],
    reviews: [],
    ejection: null,
    prompts: [],
  };
}

function promptCause(s: Situation): RunCause {
  const prompts = s.prompts.map((prompt) => prompt.id);
  return { ...noCause(s, `prompt:${prompts.join(",")}`), prompts };
}

/** The budget for what was said is spent, and a person has pushed since the last attempt at it. */
function isTakenOver(s: Situation): boolean {
  if (s.pullRequest === null || s.project === null) return false;
  const tried = lastOfSpent(s.facts, s.project, "implementation", promptCause(s));
  return tried !== null && tried.personHead !== (s.pullRequest.personHead?.sha ?? null);
}

function lastOfGeneration(s: Situation): Run | null {
  return s.last !== null && s.last.generation === generationOf(s.facts) ? s.last : null;
}

function stateOf(run: Run | null): FactoryState {
  if (run === null) return "delegated";
  if (run.type !== "implementation") return RUN_TYPES[run.type].state;
  if (run.state === "queued")
    return run.generation > 0 && run.headBefore === null ? "delegated" : "implementing";
  return run.phase === "prepare" ? "preparing" : "implementing";
}

/** Why the run has lost its reason; null = it has not, or it is past the point of no return. */
function overtakenBy(s: Situation, run: Run): string | null {
  const pull = s.pullRequest;
  if (run.generation !== generationOf(s.facts)) return "It worked for a pull request that is over.";
  if (pull === null || run.phase === "publish" || run.phase === "settle" || run.type === "implementation")
    return null;
  const head = pull.core.value.head;
  if (run.cause.head !== null && head !== run.cause.head && !isOurs(s.facts, head)) {
    return `A person pushed ${head.slice(0, 8)} meanwhile.`;
  }
  // Its push would throw the pull request out of the queue again.
  if (pull.queue?.value != null) return "It was put into the merge queue meanwhile.";
  if (run.type === "ci_repair" && head === run.cause.head && s.verdict?.kind === "green")
    return "The checks turned green by themselves.";
  if (run.type === "review_fix" && run.cause.reviews.length > 0) {
    const open = s.reviews.blocking.some((review) => run.cause.reviews.includes(review.id));
    if (!open) return "The reviewer no longer asks for changes.";
  }
  return null;
}

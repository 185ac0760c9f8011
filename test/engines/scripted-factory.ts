import { settled } from "../../src/factory/judge/charging.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import { type Facts, activeRun } from "../../src/factory/facts/facts.ts";
import { NOTHING_SPENT, type Run } from "../../src/factory/facts/run.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { NOBODY } from "../../src/factory/facts/actor.ts";
import type { RunType } from "../../src/factory/facts/run-types.ts";
import { isNews, isSame } from "../../src/factory/facts/news.ts";
import { withAnswer } from "../../src/factory/observe/request.ts";
import { later } from "../../src/factory/facts/stamp.ts";
import type { FactoryState } from "../../src/factory/facts/state.ts";
import type { advance as factoryAdvance } from "../../src/factory/advance.ts";

/** What a prompt of these tests asks the scripted factory for. */
export interface Script {
  readonly effects?: readonly Partial<Effect>[];
  readonly run?: RunType;
  readonly state?: FactoryState;
  readonly until?: number;
  readonly project?: string;
  readonly fault?: string;
  /** No run begins as long as this is not mended. */
  readonly startFault?: string;
}

/** Faults that scripts name and that are no more, as after an upgrade. */
export const mended = new Set<string>();

let prompts = 0;

/** A prompt that carries a script. */
export function script(content: Script, at = 1): Observation {
  prompts += 1;
  return {
    kind: "prompted",
    at,
    prompt: `prompt-${prompts}`,
    session: null,
    by: NOBODY,
    from: "tracker",
    text: JSON.stringify(content),
  };
}

/** When the timer first woke the issue (Unix ms), kept where the scripted factory has no other use for it. */
export const wokenAt = (facts: Facts | null): number | null => facts?.budgetReset?.at ?? null;

/**
 * A factory that does what prompts say, so that engine tests depend on the engine alone. It keeps the
 * contract of the real one: pure, idempotent per observation, keys that name the fact.
 */
export const scriptedAdvance: typeof factoryAdvance = ({
  facts: before,
  before: decided,
  observations,
  now,
}) => {
  const effects: Effect[] = [];
  let facts = before;
  for (const observation of observations) facts = apply(facts, observation, effects, now);
  const scripts = Object.values(facts.prompts).map(({ text }) => JSON.parse(text) as Script);
  const until = scripts.findLast((entry) => entry.until !== undefined)?.until ?? null;
  const active = activeRun(facts);
  const asked = scripts.findLast((entry) => entry.state !== undefined)?.state;
  const state = asked ?? (active?.state === "running" ? "implementing" : "delegated");
  const woken = wokenAt(facts) !== null;
  const decision = {
    state,
    step: { kind: "wait" as const },
    rule: "scripted",
    refusal: null,
    why: `${scripts.length} prompts, ${facts.runs.length} runs, ${facts.merges.length + facts.reruns.length} answers`,
    waitsFor: state === "done" ? null : "the test",
    until: woken ? null : until,
  };
  return {
    facts: isSame(before, facts) ? before : facts,
    decision,
    effects,
    evidence: [
      { fact: "prompts", value: String(scripts.length), source: "test", at: now },
      // Longer than a line.
      { fact: "rule", value: "what prompts say is done, ".repeat(8), source: null, at: null },
    ],
    changed: effects.length > 0 || isNews(before, facts) || !isSame(decided, decision),
  };
};

function apply(facts: Facts, observation: Observation, effects: Effect[], now: number): Facts {
  if (observation.kind === "prompted") {
    if (facts.prompts[observation.prompt] !== undefined) return facts;
    const { kind: _kind, prompt: id, ...rest } = observation;
    const content = JSON.parse(observation.text) as Script;
    if (content.fault !== undefined && !mended.has(content.fault)) throw new Error(content.fault);
    for (const effect of content.effects ?? []) effects.push({ issue: facts.id, ...effect } as Effect);
    const next = { ...facts, prompts: { ...facts.prompts, [id]: { id, ...rest } } };
    const routed =
      content.project === undefined
        ? next
        : {
            ...next,
            project: {
              id: content.project,
              repository: "example/app",
              branch: "patchrelay/x",
              problem: null,
            },
          };
    return content.run === undefined ? routed : queueRun(routed, content.run, effects, now);
  }
  if (observation.kind === "stop_requested") {
    const run = activeRun(facts);
    if (run === null || run.stop !== null) return facts;
    effects.push({
      kind: "stop_run",
      key: `stop:${facts.id}:${run.number}`,
      issue: facts.id,
      run: run.number,
      reason: "stopped",
    });
    return withRun(facts, { ...run, stop: { at: observation.at, reason: "stopped" } });
  }
  if (observation.kind === "run_started") {
    for (const { text } of Object.values(facts.prompts)) {
      const { startFault } = JSON.parse(text) as Script;
      if (startFault !== undefined && !mended.has(startFault)) throw new Error(startFault);
    }
    return changeRun(facts, observation, (run) =>
      run.state === "queued" ? { ...run, state: "running", startedAt: observation.at } : run,
    );
  }
  if (observation.kind === "run_spent")
    return changeRun(facts, observation, (run) => ({ ...run, spent: observation.spent }));
  if (observation.kind === "run_ended")
    return changeRun(facts, observation, (run) => ({
      ...run,
      state: "ended",
      endedAt: observation.at,
      end: settled(observation.end),
      spent: observation.spent,
    }));
  if (observation.kind === "effect_settled") return withAnswer(facts, observation);
  if (observation.kind === "time_passed")
    return facts.budgetReset === null
      ? { ...facts, budgetReset: { at: observation.at, afterRun: 0 } }
      : facts;
  if (observation.kind === "ticket_read")
    return {
      ...facts,
      ticket: {
        ...facts.ticket,
        core: later(facts.ticket.core, observation.core, observation.at, true),
      },
    };
  if (observation.kind === "pull_request_changed") {
    const { number, url, node, repositoryId, core } = observation.pullRequest;
    return {
      ...facts,
      pullRequest: {
        number,
        url,
        node,
        repositoryId,
        core: { value: core, at: observation.at, read: false },
        mergeable: null,
        mergeState: null,
        required: null,
        hasQueue: null,
        heads: {},
        reviews: {},
        threads: {},
        queue: null,
        autoMerge: null,
        autoMergeOurs: false,
        ejections: {},
        otherHead: null,
        commits: [],
        readBase: null,
        baseChangedAt: null,
        readAt: null,
        readAskedAt: null,
        hint: null,
      },
    };
  }
  return facts;
}

function queueRun(facts: Facts, type: RunType, effects: Effect[], now: number): Facts {
  if (activeRun(facts) !== null) return facts;
  const number = facts.runs.length + 1;
  effects.push({ kind: "start_run", key: `start:${facts.id}:${number}`, issue: facts.id, run: number });
  const run: Run = {
    number,
    type,
    generation: 1,
    fence: number,
    state: "queued",
    phase: "reserve",
    queuedAt: now,
    startedAt: null,
    endedAt: null,
    cause: {
      key: `cause-${number}`,
      asks: "issue",
      head: null,
      checks: [],
      reviews: [],
      ejection: null,
      prompts: [],
    },
    personHead: null,
    headBefore: null,
    headAfter: null,
    thread: null,
    turn: null,
    steered: [],
    stop: null,
    end: null,
    spent: NOTHING_SPENT,
    glimpse: null,
  };
  return { ...facts, runs: [...facts.runs, run] };
}

function changeRun(
  facts: Facts,
  { run: number, fence }: { readonly run: number; readonly fence: number },
  change: (run: Run) => Run,
): Facts {
  const run = activeRun(facts);
  return run === null || run.number !== number || run.fence !== fence ? facts : withRun(facts, change(run));
}

function withRun(facts: Facts, run: Run): Facts {
  return { ...facts, runs: [...facts.runs.slice(0, -1), run] };
}

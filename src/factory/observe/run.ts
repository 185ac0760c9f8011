import type { Facts } from "../facts/facts.ts";
import type { Run } from "../facts/run.ts";
import type { Observation } from "../facts/observation.ts";
import { headSeen } from "./pull-request.ts";

type Change = (run: Run) => Run;

/** Applies `change` to a run that is not settled and whose fence is the one given; else nothing. */
export function withRun(facts: Facts, number: number, fence: number, change: Change): Facts {
  const index = facts.runs.findIndex((run) => run.number === number);
  const run = facts.runs[index];
  if (run === undefined || run.fence !== fence || run.state === "ended") return facts;
  const runs = [...facts.runs];
  runs[index] = change(run);
  return { ...facts, runs };
}

/** The head a run begins on; when a person made it, budgets count from it. */
export function withHeadBefore(facts: Facts, number: number, fence: number, sha: string, at: number): Facts {
  const next = withRun(facts, number, fence, (run) => ({ ...run, headBefore: sha }));
  if (next === facts || next.pullRequest === null) return next;
  return { ...next, pullRequest: headSeen(next, next.pullRequest, sha, at) };
}

/** A run of which people have seen more. */
export function withGlimpse(
  run: Run,
  { at, words, plan }: Extract<Observation, { kind: "run_glimpsed" }>,
): Run {
  const before = run.glimpse ?? { word: null, plan: null };
  const isLater = (kept: { readonly at: number } | null): boolean => kept === null || kept.at < at;
  const word =
    words !== null && isLater(before.word)
      ? { at, text: words, again: before.word?.text === words }
      : before.word;
  const steps = plan !== null && isLater(before.plan) ? { at, items: plan } : before.plan;
  if (word === before.word && steps === before.plan) return run;
  return { ...run, glimpse: { word, plan: steps } };
}

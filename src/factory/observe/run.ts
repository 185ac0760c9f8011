import type { Facts } from "../facts/facts.ts";
import type { Run } from "../facts/run.ts";
import type { Observation } from "../facts/observation.ts";

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

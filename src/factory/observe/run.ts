import type { Facts, Run } from "../facts/facts.ts";
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

import type { RunCause } from "../facts/run.ts";
import type { Situation } from "./situation.ts";

/** The cause of a run on the present head, not yet with what it answers; `key` names the fact that one run is started for. */
export function causeOn({ pullRequest }: Situation, key: string): RunCause {
  return {
    key,
    asks: "issue",
    head: pullRequest?.core.value.head ?? null,
    checks: [],
    reviews: [],
    ejection: null,
    prompts: [],
  };
}

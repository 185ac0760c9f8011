import type { Run, RunPhase } from "../factory/facts/run.ts";
import type { Observation } from "../factory/facts/observation.ts";

type Advanced = Extract<Observation, { kind: "run_advanced" }>;

/** That a run has come to a phase, with what it knows since (`told`). */
export function advanced(
  { number, fence }: Pick<Run, "number" | "fence">,
  phase: RunPhase,
  at: number,
  told: Partial<Pick<Advanced, "thread" | "turn" | "headBefore">> = {},
): Advanced {
  return {
    kind: "run_advanced",
    at,
    run: number,
    fence,
    phase,
    thread: null,
    turn: null,
    headBefore: null,
    ...told,
  };
}

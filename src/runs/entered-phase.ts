import type { Run, RunPhase } from "../factory/facts/run.ts";
import type { Observation } from "../factory/facts/observation.ts";

type PhaseEntered = Extract<Observation, { kind: "phase_entered" }>;

/** That a run has come to a phase, with what it knows since (`told`). */
export function enteredPhase(
  { number, fence }: Pick<Run, "number" | "fence">,
  phase: RunPhase,
  at: number,
  told: Partial<Pick<PhaseEntered, "thread" | "turn" | "headBefore">> = {},
): PhaseEntered {
  return {
    kind: "phase_entered",
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

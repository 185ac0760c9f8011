import type { Facts } from "../factory/facts/facts.ts";
import type { Run, StopReason, ThreadReply } from "../factory/facts/run.ts";
import { runId } from "../factory/facts/ids.ts";
import type { Observation } from "../factory/facts/observation.ts";
import type { ProjectPolicy } from "../factory/facts/policy.ts";
import { stopWords } from "../factory/words.ts";
import { assert } from "../lib/assert.ts";
import type { RunHandle } from "../engines/engine.ts";
import type { Worktree } from "../worktrees/worktrees.ts";
import { ended, Ending } from "./ending.ts";
import { glimpsesOf, type Glimpses } from "./words/glimpses.ts";
import type { RunParts } from "./parts.ts";

/** One run on its way through the pipeline: what every step looks at. */
export interface RunContext {
  readonly handle: RunHandle;
  readonly parts: RunParts;
  readonly project: ProjectPolicy;
  readonly id: string;
  /** Aborted when the relay stops or the run is told to stop. */
  readonly signal: AbortSignal;
  readonly glimpses: Glimpses;
  facts(): Promise<Facts>;
  run(): Promise<Run>;
  record(observations: readonly Observation[]): Promise<void>;
  /** Rejects with the Ending when the run was told to stop. Asked before each step and around each act outside. */
  throwIfStopped(): Promise<void>;
  progress(): Promise<Progress>;
  save(patch: Partial<Progress>): Promise<void>;
}

/** What a restart needs to go on where the run stood. */
export interface Progress {
  readonly worktree: Worktree | null;
  /** The commit the work is compared with: the head (or base) the agent began on. */
  readonly baseline: string | null;
  /** Where the agent began, when that is ahead of the baseline: what an earlier run committed and could not push. */
  readonly leftOver: string | null;
  /** What of the remote's branch the worktree holds, and the branch must still be at; null = it was not there. */
  readonly remoteHead: string | null;
  readonly conflict: boolean;
  /** The worktree still holds what an earlier run left unpublished. */
  readonly kept: boolean;
  /** The tree that integrating the base left, when that was done: what differs from it is the agent's doing. */
  readonly integrated: string | null;
  readonly hooked: boolean;
  readonly thread: string | null;
  /** Turns whose result is known. */
  readonly turns: number;
  readonly worked: Worked | null;
  readonly verified: boolean;
  /** How the run ended, once that is known: what is left is to tidy up and to settle. */
  readonly ending: Pick<Ending, "end" | "question"> | null;
  readonly spent: Run["spent"] | null;
  /** How long its turns took, ms. What the run waited for the world, or for us to come back, is not its time. */
  readonly workedMs: number;
}

/** What the agent left behind, as far as later steps need it. */
export interface Worked {
  /** `silent`: the turn ended without saying how it stands, so nothing may be made of it. */
  readonly outcome: "done" | "no_change" | "answer" | "silent";
  readonly summary: string;
  readonly replies: readonly ThreadReply[];
}

const NOTHING_YET: Progress = {
  worktree: null,
  baseline: null,
  leftOver: null,
  remoteHead: null,
  conflict: false,
  kept: false,
  integrated: null,
  hooked: false,
  thread: null,
  turns: 0,
  worked: null,
  verified: false,
  ending: null,
  spent: null,
  workedMs: 0,
};

export async function runContextOf(
  handle: RunHandle,
  parts: RunParts,
  signal: AbortSignal,
): Promise<RunContext> {
  const facts = (): Promise<Facts> => handle.facts();
  const run = async (): Promise<Run> => {
    const found = (await facts()).runs.find((row) => row.number === handle.run);
    assert(found !== undefined, `run ${handle.run} of ${handle.issue} has a row`);
    return found;
  };
  const known = await facts();
  const project = parts.policy.projects.find((row) => row.id === known.project?.id);
  if (project === undefined) throw new Ending(ended("superseded", "The project is no longer configured."));
  return {
    handle: handle,
    parts,
    project,
    id: runId(handle.issue, handle.run),
    signal,
    glimpses: glimpsesOf({ handle, run, parts }),
    facts,
    run,
    record: (observations) => handle.record(observations),
    async throwIfStopped() {
      const reason = handle.stopReason();
      if (reason !== null) throw stopEnding(reason, (await run()).headAfter);
      handle.signal.throwIfAborted();
    },
    progress: async () => ({ ...NOTHING_YET, ...((await handle.progress()) as Partial<Progress>) }),
    save: (patch) => handle.saveProgress({ ...patch }),
  };
}

/** The end of a run that was told to stop. `pushed`: the commit it was about to push, or has pushed. */
export function stopEnding(reason: StopReason, pushed: string | null): Ending {
  const published =
    pushed === null
      ? "nothing was published"
      : `its commit ${pushed.slice(0, 12)} was pushed, or may have been`;
  return new Ending(
    reason === "superseded"
      ? ended("superseded", "The reason for this run no longer holds.")
      : ended("stopped", `Stopped because ${stopWords(reason)}; ${published}.`),
  );
}

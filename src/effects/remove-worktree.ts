import type { Performer } from "../engines/engine.ts";
import { worktreeNameOf } from "../factory/ids.ts";
import { repositoryOf, type EffectParts } from "./parts.ts";

/** Removes the worktree of an issue that has ended; what only it holds is salvaged first. */
export const removeWorktree =
  ({ worktrees }: EffectParts): Performer<"remove_worktree"> =>
  async (effect, { facts, signal }) => {
    if (facts.project === null) return [];
    const name = worktreeNameOf(effect.issue, facts.project.branch);
    await worktrees.removeNamed(repositoryOf(facts), name, { signal });
    return [];
  };

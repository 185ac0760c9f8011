import type { Performer } from "../engines/engine.ts";
import { worktreeNameOf } from "../factory/facts/ids.ts";
import { repositoryOf, type EffectParts } from "./parts.ts";

/** Removes the worktree of an issue that has ended; what only it holds is salvaged first. */
export const removeWorktree =
  ({ worktrees, hookMs }: EffectParts): Performer<"remove_worktree"> =>
  async (effect, { facts, signal }) => {
    if (facts.project === null) return [];
    const { branch, base } = effect;
    const hook = {
      facts: {
        PATCHRELAY_ISSUE: facts.ticket.core?.value.key ?? effect.issue,
        PATCHRELAY_BRANCH: branch,
        PATCHRELAY_BASE: base,
        PATCHRELAY_BASE_SHA: "",
      },
      timeoutMs: hookMs,
      signal,
    };
    await worktrees.removeNamed(repositoryOf(facts), worktreeNameOf(effect.issue, branch), { signal, hook });
    return [];
  };

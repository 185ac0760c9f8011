import { stillWanted } from "../../factory/effects/called-for.ts";
import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";
import { readAfter } from "./read-after.ts";

/** Has the base merged into the branch. The new head may show only later: then news or the sweep tells of it. */
export const updateBranch =
  ({ forge, clock, policy }: EffectParts): Performer<"update_branch"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, policy, clock.now())) return [];
    const repository = repositoryOf(facts);
    const { number, head } = effect;
    const answer = await forge.updateBranch(repository, number, head, signal);
    return readAfter(
      { kind: "effect_settled", at: clock.now(), effect, ...answer, because: null },
      forge,
      repository,
      number,
      signal,
    );
  };

import { stillWanted } from "../../factory/effects/called-for.ts";
import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";

export const rerunChecks =
  ({ forge, clock, policy }: EffectParts): Performer<"rerun_checks"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, policy, clock.now())) return [];
    const answer = await forge.rerunChecks(repositoryOf(facts), effect.workflowRuns, signal);
    return [{ kind: "effect_settled", at: clock.now(), effect, ...answer, because: null }];
  };

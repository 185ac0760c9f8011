import { stillWanted } from "../../factory/effects/called-for.ts";
import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";
import { readAfter } from "./read-after.ts";

/** Asks for the merge. A refusal is an answer the factory must hear; then the pull request is read again. */
export const merge =
  ({ forge, clock, policy }: EffectParts): Performer<"merge"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, policy, clock.now())) return [];
    const repository = repositoryOf(facts);
    const { number, head, method, label } = effect;
    const answer = await forge.merge(
      { repository, number, head, method, policy: effect.policy, label },
      signal,
    );
    return readAfter(
      { kind: "effect_settled", at: clock.now(), effect, ...answer },
      forge,
      repository,
      number,
      signal,
    );
  };

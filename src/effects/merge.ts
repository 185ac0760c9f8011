import { stillWanted } from "../factory/effects.ts";
import type { Performer } from "../engines/engine.ts";
import { OutsideError } from "../lib/outside.ts";
import { repositoryOf, type EffectParts } from "./parts.ts";

/** Asks for the merge. A refusal is an answer the factory must hear; then the pull request is read anew. */
export const merge =
  ({ forge, clock, policy }: EffectParts): Performer<"merge"> =>
  async (effect, { facts, signal }) => {
    if (!stillWanted(effect, facts, policy)) return [];
    const repository = repositoryOf(facts);
    const { number, head, method, label } = effect;
    const answer = await forge.merge(
      { repository, number, head, method, policy: effect.policy, label },
      signal,
    );
    const settled = {
      kind: "effect_settled",
      at: clock.now(),
      key: effect.key,
      effect: effect.kind,
      ...answer,
    } as const;
    const reading = await forge
      .readPullRequest(repository, { number, branch: "" }, signal)
      .catch((error: unknown) => {
        // The answer must not be lost to a reading that fails; the sweep reads again.
        if (error instanceof OutsideError) return null;
        throw error;
      });
    return reading === null ? [settled] : [settled, reading];
  };

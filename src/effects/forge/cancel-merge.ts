import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";
import { readAfter } from "./read-after.ts";

/** Cancels the merge. What waits for that, a run or a new request, needs to hear that it is done. */
export const cancelMerge =
  ({ forge, clock }: EffectParts): Performer<"cancel_merge"> =>
  async (effect, { facts, signal }) => {
    const repository = repositoryOf(facts);
    const { number } = effect;
    await forge.cancelMerge(repository, number, signal);
    return readAfter(
      { kind: "effect_settled", at: clock.now(), effect, ok: true, detail: "cancelled", because: null },
      forge,
      repository,
      number,
      signal,
    );
  };

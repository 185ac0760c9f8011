import type { Performer } from "../engines/engine.ts";
import { repositoryOf, type EffectParts } from "./parts.ts";

export const cancelMerge =
  ({ forge }: EffectParts): Performer<"cancel_merge"> =>
  async (effect, { facts, signal }) => {
    await forge.cancelMerge(repositoryOf(facts), effect.number, signal);
    return [];
  };

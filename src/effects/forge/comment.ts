import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";

export const comment =
  ({ forge }: EffectParts): Performer<"comment"> =>
  async (effect, { facts, signal }) => {
    await forge.comment(repositoryOf(facts), effect.number, effect.key, effect.text, signal);
    return [];
  };

import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";

export const replyThreads =
  ({ forge }: EffectParts): Performer<"reply_threads"> =>
  async (effect, { facts, signal }) => {
    await forge.replyThreads(repositoryOf(facts), effect.number, effect.key, effect.replies, signal);
    return [];
  };

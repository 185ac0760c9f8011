import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";

export const closePullRequest =
  ({ forge }: EffectParts): Performer<"close_pull_request"> =>
  async (effect, { facts, signal }) => {
    const repository = repositoryOf(facts);
    await forge.comment(repository, effect.number, effect.key, effect.comment, signal);
    await forge.closePullRequest(repository, effect.number, signal);
    return [];
  };

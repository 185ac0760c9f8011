import { notRequested } from "../../factory/effects/texts/pull-request.ts";
import { stillRequested } from "../../factory/judge/reviews.ts";
import type { Performer } from "../../engines/engine.ts";
import { repositoryOf, type EffectParts } from "../parts.ts";

/** Requests another review by those who still ask for changes. One whom the forge refuses is told of once on the pull request. */
export const requestReviews =
  ({ forge }: EffectParts): Performer<"request_reviews"> =>
  async (effect, { facts, signal }) => {
    const repository = repositoryOf(facts);
    const { number, issue, reviews } = effect;
    if (facts.pullRequest?.number !== number) return [];
    const reviewers = stillRequested(facts, reviews).flatMap(({ by }) => by.name ?? []);
    if (reviewers.length === 0) return [];
    for (const { login, why } of await forge.requestReviews(repository, number, reviewers, signal))
      await forge.comment(
        repository,
        number,
        `unrequested:${issue}:${login}`,
        notRequested(login, why),
        signal,
      );
    return [];
  };

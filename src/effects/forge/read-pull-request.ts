import { stillWanted } from "../../factory/effects/called-for.ts";
import type { Facts } from "../../factory/facts/facts.ts";
import type { Observation } from "../../factory/facts/observation.ts";
import type { Performer } from "../../engines/engine.ts";
import { ExternalError } from "../../lib/external.ts";
import { projectOf, repositoryOf, type EffectParts } from "../parts.ts";

/** So often a pull request that was never read may be unknown to the forge before it counts as gone. */
const MOST_LATE_LOOKS = 6;

/** A forge that refuses so often in a row means it: then a person has to know. */
const MOST_REFUSED_LOOKS = 3;

/**
 * Reads the pull request; while there is none, or something was found wrong with the repository, also whether the
 * repository can be worked with at all.
 */
export const readPullRequest =
  (parts: EffectParts): Performer<"read_pull_request"> =>
  async (effect, { facts, signal, attempt }) => {
    if (!stillWanted(effect, facts, parts.policy, parts.clock.now())) return [];
    const repository = repositoryOf(facts);
    const { number, branch, background } = effect;
    const problem = facts.project?.problem ?? null;
    let reading: Observation | null;
    try {
      reading = await parts.forge.readPullRequest(repository, { number, branch, background }, signal);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      if (attempt < looksOf(facts, error)) throw notYet(error);
      // Without this nobody would learn that what is known grows old, nor why.
      const what = number === null ? "the pull requests" : `pull request ${number}`;
      const why = `${what} of ${repository} cannot be read: ${error.message}`;
      return problem?.value === why ? [] : [{ kind: "repository_read", at: parts.clock.now(), problem: why }];
    }
    const seen = reading === null ? [] : [reading];
    // Nothing else looks at the repository again: without this a problem of a moment would stand forever.
    const isAsked = problem !== null && (reading === null || problem.value !== null);
    return isAsked ? [...seen, await repositoryReading(parts, facts, signal)] : seen;
  };

function isRefusal(error: unknown): error is ExternalError {
  return error instanceof ExternalError && (error.kind === "not_found" || error.kind === "refused");
}

/** A copy of the forge's that lags behind does not know yet what was opened a moment ago. */
function looksOf(facts: Facts, error: ExternalError): number {
  const isNew = error.kind === "not_found" && (facts.pullRequest?.readAt ?? null) === null;
  return isNew ? MOST_LATE_LOOKS : MOST_REFUSED_LOOKS;
}

function notYet(error: ExternalError): ExternalError {
  return new ExternalError("unavailable", error.message, { cause: error });
}

async function repositoryReading(
  parts: EffectParts,
  facts: Parameters<typeof repositoryOf>[0],
  signal: AbortSignal,
): Promise<Observation> {
  const repository = repositoryOf(facts);
  const base = projectOf(facts, parts.policy)?.baseBranch ?? null;
  const seen = (problem: string | null): Observation => ({
    kind: "repository_read",
    at: parts.clock.now(),
    problem,
  });
  try {
    const reading = await parts.forge.repository(repository, signal);
    const branch = base ?? reading.defaultBranch;
    if (await reading.hasBranch(branch, signal)) return seen(null);
    return seen(
      `${repository} has no branch "${branch}": create it, or set repository.baseBranch to one that exists`,
    );
  } catch (error) {
    const isTold = isRefusal(error) || (error instanceof ExternalError && error.kind === "unauthorized");
    if (isTold) return seen(error.message);
    throw error;
  }
}

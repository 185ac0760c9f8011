import type { Observation } from "../../factory/facts/observation.ts";
import type { Forge } from "../../forges/forge.ts";
import { ExternalError } from "../../lib/external.ts";

/**
 * An answer of the forge, and the pull request as it is after it. The answer must not be lost to a reading that
 * fails; the factory asks for another one.
 */
export async function readAfter(
  answer: Observation,
  forge: Forge,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<readonly Observation[]> {
  const reading = await forge
    .readPullRequest(repository, { number, branch: "" }, signal)
    .catch((error: unknown) => {
      if (error instanceof ExternalError) return null;
      throw error;
    });
  return reading === null ? [answer] : [answer, reading];
}

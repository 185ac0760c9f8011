import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import type { Client } from "../client/client.ts";

/**
 * Has GitHub merge the base into the branch of a pull request whose head is still this one. It answers before it has done
 * so. A refusal (the head has moved, a conflict, a right that is missing) is an answer, `ok: false`.
 */
export async function updateBranch(
  client: Client,
  repository: string,
  number: number,
  head: string,
  signal: AbortSignal,
): Promise<{ readonly ok: boolean; readonly detail: string }> {
  try {
    await client.call(
      {
        repository,
        route: "PUT /repos/{owner}/{repo}/pulls/{pull_number}/update-branch",
        parameters: { pull_number: number, expected_head_sha: head },
        schema: z.unknown(),
      },
      signal,
    );
    return { ok: true, detail: "the base is being merged into the branch" };
  } catch (error) {
    if (!(error instanceof ExternalError) || (error.kind !== "refused" && error.kind !== "conflict"))
      throw error;
    return { ok: false, detail: error.message };
  }
}

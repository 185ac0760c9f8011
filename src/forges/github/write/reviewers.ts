import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import type { RefusedReviewer } from "../../forge.ts";
import type { Client } from "../client/client.ts";

const Login = z.object({ login: z.string() });

const PullRequest = z.object({
  state: z.string(),
  user: Login.nullish(),
  requested_reviewers: z.array(Login).nullish(),
});

/** Requests a review from each by itself: one whom GitHub refuses would spoil the request for the others. */
export async function requestReviews(
  client: Client,
  repository: string,
  number: number,
  reviewers: readonly string[],
  signal: AbortSignal,
): Promise<readonly RefusedReviewer[]> {
  const parameters = { pull_number: number };
  const { value: pull } = await client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/pulls/{pull_number}",
      parameters,
      schema: PullRequest,
    },
    signal,
  );
  if (pull.state !== "open") return [];
  const known = new Set([pull.user, ...(pull.requested_reviewers ?? [])].map((person) => person?.login));
  const refused: RefusedReviewer[] = [];
  for (const login of new Set(reviewers)) {
    if (known.has(login)) continue;
    try {
      await client.call(
        {
          repository,
          route: "POST /repos/{owner}/{repo}/pulls/{pull_number}/requested_reviewers",
          parameters: { ...parameters, reviewers: [login] },
          schema: z.unknown(),
        },
        signal,
      );
    } catch (error) {
      if (!(error instanceof ExternalError) || error.kind !== "refused") throw error;
      refused.push({ login, why: reasonIn(error.message) });
    }
  }
  return refused;
}

/** GitHub's own words, without the call and the address of its documentation. */
function reasonIn(message: string): string {
  return message.replace(/^.*?: \d{3} /, "").replace(/ - https:\/\/\S+$/, "");
}

import { z } from "zod";
import { defused } from "../../../factory/effects/texts/defuse.ts";
import { ExternalError } from "../../../lib/external.ts";
import { clip } from "../../../lib/text.ts";
import type { ForgeIdentity, OpenPullRequest } from "../../forge.ts";
import type { Client } from "../client/client.ts";
import { Id } from "../events/schema.ts";

const PullRequest = z.object({
  number: z.number().int(),
  html_url: z.string(),
  state: z.string(),
  title: z.string(),
  body: z.string().nullable(),
  user: z.object({ id: Id }).nullable(),
});
type PullRequest = z.infer<typeof PullRequest>;

// GitHub refuses longer ones (256 and 65,536 characters).
const MAX_TITLE = 250;
const MAX_BODY = 65_000;

/** `text` as GitHub takes it for a body or a comment. */
export function asBody(text: string): string {
  return clip(defused(text), MAX_BODY);
}

/**
 * The open pull request of the branch: found, or made. Of one that is ours title and body are brought up to
 * date; a person's are left alone.
 */
export async function openPullRequest(
  client: Client,
  request: OpenPullRequest,
  us: ForgeIdentity,
  signal: AbortSignal,
): Promise<{ readonly number: number; readonly url: string }> {
  const wanted = {
    title: clip(request.title, MAX_TITLE),
    body: asBody(request.body),
  };
  const there = await findOpen(client, request, signal);
  if (there !== null) return bringUpToDate(client, request.repository, there, wanted, us, signal);
  try {
    const { value } = await client.call(
      {
        repository: request.repository,
        route: "POST /repos/{owner}/{repo}/pulls",
        parameters: { ...wanted, head: request.branch, base: request.base },
        schema: PullRequest,
      },
      signal,
    );
    return { number: value.number, url: value.html_url };
  } catch (error) {
    if (!(error instanceof ExternalError) || error.kind !== "refused") throw error;
    // An earlier try of ours that got no answer may have made it.
    const made = await findOpen(client, request, signal);
    if (made === null) {
      // GitHub's lists lag behind for a moment: there is one, and the next look finds it.
      if (/already exists/i.test(error.message))
        throw new ExternalError("unavailable", error.message, { cause: error });
      throw error;
    }
    return bringUpToDate(client, request.repository, made, wanted, us, signal);
  }
}

async function findOpen(
  client: Client,
  request: OpenPullRequest,
  signal: AbortSignal,
): Promise<PullRequest | null> {
  const { value } = await client.call(
    {
      repository: request.repository,
      route: "GET /repos/{owner}/{repo}/pulls",
      parameters: { head: `${request.repository.split("/")[0]}:${request.branch}`, state: "open" },
      schema: z.array(PullRequest.extend({ base: z.object({ ref: z.string() }) })),
    },
    signal,
  );
  return value.find((entry) => entry.base.ref === request.base) ?? value[0] ?? null;
}

async function bringUpToDate(
  client: Client,
  repository: string,
  there: PullRequest,
  wanted: { readonly title: string; readonly body: string },
  us: ForgeIdentity,
  signal: AbortSignal,
): Promise<{ readonly number: number; readonly url: string }> {
  // GitHub keeps line ends as they were sent, but a person's edit in the browser turns them into CRLF.
  const same = there.title === wanted.title && (there.body ?? "").replaceAll("\r\n", "\n") === wanted.body;
  if (!same && there.user?.id === us.id) {
    await client.call(
      {
        repository,
        route: "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
        parameters: { pull_number: there.number, ...wanted },
        schema: PullRequest,
      },
      signal,
    );
  }
  return { number: there.number, url: there.html_url };
}

/** Closes the pull request unless it is closed or merged already. */
export async function closePullRequest(
  client: Client,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  const target = { pull_number: number };
  const { value } = await client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/pulls/{pull_number}",
      parameters: target,
      schema: PullRequest,
    },
    signal,
  );
  if (value.state !== "open") return;
  await client.call(
    {
      repository,
      route: "PATCH /repos/{owner}/{repo}/pulls/{pull_number}",
      parameters: { ...target, state: "closed" },
      schema: PullRequest,
    },
    signal,
  );
}

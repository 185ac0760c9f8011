import { z } from "zod";
import type { ThreadReply } from "../../../factory/facts/run.ts";
import { sha256 } from "../../../lib/ids.ts";
import type { Log } from "../../../lib/log.ts";
import { ExternalError } from "../../../lib/external.ts";
import type { ForgeIdentity } from "../../forge.ts";
import type { Client } from "../client/client.ts";
import { asBody } from "./pull-request.ts";
import { ownerAndName } from "../read/queries.ts";
import { Id } from "../events/schema.ts";
import { marker } from "../events/vocabulary.ts";

/** The hidden mark by which a comment of ours is found again: GitHub takes no id of our choosing. */
export function markerOf(key: string): string {
  return marker(sha256(key).slice(0, 16));
}

function marked(key: string, text: string): string {
  return `${asBody(text)}\n\n${markerOf(key)}`;
}

const Comments = z.array(z.object({ body: z.string().nullish(), user: z.object({ id: Id }).nullish() }));
const PER_PAGE = 100;
const MAX_PAGES = 20;

/** Adds a comment once per `key`. */
export async function comment(
  client: Client,
  repository: string,
  number: number,
  key: string,
  text: string,
  us: ForgeIdentity,
  signal: AbortSignal,
): Promise<void> {
  if (await hasComment(client, repository, number, markerOf(key), us, signal)) return;
  await client.call(
    {
      repository,
      route: "POST /repos/{owner}/{repo}/issues/{issue_number}/comments",
      parameters: { issue_number: number, body: marked(key, text) },
      schema: z.object({ id: Id }),
    },
    signal,
  );
}

// Only a comment of our own counts: anybody can copy a mark.
async function hasComment(
  client: Client,
  repository: string,
  number: number,
  mark: string,
  us: ForgeIdentity,
  signal: AbortSignal,
): Promise<boolean> {
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const { value } = await client.call(
      {
        repository,
        route: "GET /repos/{owner}/{repo}/issues/{issue_number}/comments",
        parameters: { issue_number: number, per_page: PER_PAGE, page },
        schema: Comments,
      },
      signal,
    );
    if (value.some((entry) => entry.user?.id === us.id && (entry.body ?? "").includes(mark))) return true;
    if (value.length < PER_PAGE) return false;
  }
  return false;
}

const THREADS = `
query Threads($owner: String!, $repo: String!, $number: Int!, $after: String) {
  repository(owner: $owner, name: $repo) {
    pullRequest(number: $number) {
      reviewThreads(first: ${PER_PAGE}, after: $after) {
        pageInfo { hasNextPage endCursor }
        nodes {
          id isResolved
          comments(last: 50) { nodes { body author { ... on User { databaseId } ... on Bot { databaseId } } } }
        }
      }
    }
  }
}`;

const ThreadNode = z.object({
  id: z.string(),
  isResolved: z.boolean(),
  comments: z.object({
    nodes: z.array(
      z.object({ body: z.string(), author: z.object({ databaseId: Id.optional() }).nullable() }),
    ),
  }),
});
type ThreadNode = z.infer<typeof ThreadNode>;

const Threads = z.object({
  repository: z.object({
    pullRequest: z.object({
      reviewThreads: z.object({
        pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
        nodes: z.array(ThreadNode),
      }),
    }),
  }),
});

const REPLY = `
mutation Reply($thread: ID!, $body: String!) {
  addPullRequestReviewThreadReply(input: { pullRequestReviewThreadId: $thread, body: $body }) { comment { id } }
}`;
const RESOLVE = `
mutation Resolve($thread: ID!) { resolveReviewThread(input: { threadId: $thread }) { thread { id } } }`;

/** Answers each conversation once per `key`, and resolves those that were fixed. A conversation that is gone is left out. */
export async function replyThreads(
  client: Client,
  repository: string,
  number: number,
  key: string,
  replies: readonly ThreadReply[],
  us: ForgeIdentity,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  if (replies.length === 0) return;
  const threads = await threadsOf(client, repository, number, signal);
  for (const reply of replies) {
    const thread = threads.get(reply.thread);
    if (thread === undefined) {
      log.info("a review conversation is gone, skipping its reply", { repository, number });
      continue;
    }
    const own = `${key} ${reply.thread}`;
    const mark = markerOf(own);
    const answered = thread.comments.nodes.some(
      (entry) => entry.author?.databaseId === us.id && entry.body.includes(mark),
    );
    const target = { thread: reply.thread };
    // Whoever resolved it meanwhile wants no answer.
    if (!answered && thread.isResolved) continue;
    if (!answered) {
      const body = marked(own, reply.text);
      await client.query(repository, "reply to a review", REPLY, { ...target, body }, z.unknown(), signal);
    }
    if (reply.outcome === "fixed" && !thread.isResolved)
      await resolve(client, repository, target, log, signal);
  }
}

async function threadsOf(
  client: Client,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, ThreadNode>> {
  const found = new Map<string, ThreadNode>();
  let after: string | null = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const variables: Readonly<Record<string, unknown>> = { ...ownerAndName(repository), number, after };
    const { value } = await client.query(
      repository,
      "review conversations",
      THREADS,
      variables,
      Threads,
      signal,
    );
    const { nodes, pageInfo } = value.repository.pullRequest.reviewThreads;
    for (const node of nodes) found.set(node.id, node);
    if (!pageInfo.hasNextPage) break;
    after = pageInfo.endCursor;
  }
  return found;
}

// Who may not resolve has still answered; the reviewer can resolve it.
async function resolve(
  client: Client,
  repository: string,
  target: { readonly thread: string },
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.query(repository, "resolve a review conversation", RESOLVE, target, z.unknown(), signal);
  } catch (error) {
    if (!(error instanceof ExternalError) || error.kind !== "refused") throw error;
    log.warn("GitHub does not let us resolve a conversation", { repository, reason: error.message });
  }
}

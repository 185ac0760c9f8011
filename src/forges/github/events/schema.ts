import { z } from "zod";
import { parseTime } from "../../../lib/clock.ts";

/**
 * The parts of GitHub's webhook payloads that we use (shapes: the webhook section of GitHub's OpenAPI
 * description). Lenient: unknown fields are dropped, and what old or Enterprise servers leave out is null.
 */

/** A numeric id as text; GitHub's grow beyond 2^31. */
export const Id = z.union([z.number().int(), z.bigint(), z.string().min(1)]).transform(String);

/** An ISO 8601 time as Unix ms; null when absent. */
const Time = z
  .string()
  .nullish()
  .transform((text) => parseTime(text));

const Text = z
  .string()
  .nullish()
  .transform((text) => text ?? null);

const Line = z
  .number()
  .nullish()
  .transform((line) => line ?? null);

const AccountPart = z
  .object({ id: Id, login: z.string(), type: z.string().default("User") })
  .nullish()
  .transform((account) => account ?? null);

const RepositoryPart = z.object({ id: Id, full_name: z.string() });

const Ref = z.object({
  ref: z.string(),
  sha: z.string(),
  repo: z
    .object({ id: Id })
    .nullish()
    .transform((repository) => repository ?? null),
});

/** The short form that review events carry; `merged` is missing there. */
const PullRequestPart = z.object({
  number: z.number().int(),
  node_id: Text,
  html_url: z.string(),
  state: z.enum(["open", "closed"]),
  draft: z.boolean().default(false),
  title: z.string(),
  merged: z.boolean().nullish(),
  merged_at: Time,
  closed_at: Time,
  updated_at: Time,
  head: Ref,
  base: Ref,
});
export type PullRequestPayload = z.infer<typeof PullRequestPart>;

const Common = z.object({
  action: Text,
  repository: RepositoryPart,
  sender: AccountPart,
});

export const PullRequestEvent = Common.extend({ pull_request: PullRequestPart, reason: Text });

export const ReviewEvent = Common.extend({
  pull_request: PullRequestPart,
  review: z.object({
    id: Id,
    user: AccountPart,
    body: Text,
    state: z.string(),
    commit_id: Text,
    submitted_at: Time,
    updated_at: Time,
    author_association: Text,
  }),
});

export const ReviewCommentEvent = Common.extend({
  pull_request: PullRequestPart,
  comment: z.object({
    id: Id,
    user: AccountPart,
    body: Text,
    path: Text,
    line: Line,
    original_line: Line,
    pull_request_review_id: Id.nullish().transform((id) => id ?? null),
    updated_at: Time,
    created_at: Time,
    author_association: Text,
  }),
});

export const ReviewThreadEvent = Common.extend({
  pull_request: PullRequestPart,
  thread: z.object({ node_id: z.string() }),
  updated_at: Time,
});

export const IssueCommentEvent = Common.extend({
  issue: z.object({ number: z.number().int(), pull_request: z.unknown().optional() }),
  comment: z.object({
    id: Id,
    user: AccountPart,
    body: Text,
    created_at: Time,
    author_association: Text,
  }),
});

/** A check event's pull requests; only those onto this very repository are ours to look at. */
const PullReferences = z
  .array(z.object({ number: z.number().int(), base: z.object({ repo: z.object({ id: Id }) }).nullish() }))
  .nullish()
  .transform((list) => list ?? []);

export const CheckRunEvent = Common.extend({
  check_run: z.object({
    id: Id,
    name: z.string(),
    head_sha: z.string(),
    status: z.string(),
    conclusion: Text,
    started_at: Time,
    completed_at: Time,
    details_url: Text,
    app: z
      .object({ id: Id })
      .nullish()
      .transform((app) => app ?? null),
    check_suite: z.object({ head_branch: Text }).nullish(),
    pull_requests: PullReferences,
  }),
});

export const CheckSuiteEvent = Common.extend({
  check_suite: z.object({
    head_sha: z.string(),
    head_branch: Text,
    updated_at: Time,
    pull_requests: PullReferences,
  }),
});

export const WorkflowRunEvent = Common.extend({
  workflow_run: z.object({
    head_sha: z.string(),
    head_branch: Text,
    updated_at: Time,
    pull_requests: PullReferences,
  }),
});

export const StatusEvent = Common.extend({
  sha: z.string(),
  context: z.string(),
  state: z.string(),
  target_url: Text,
  created_at: Time,
});

export const MergeGroupEvent = Common.extend({
  repository: RepositoryPart.nullish(),
  reason: Text,
  merge_group: z.object({
    head_sha: z.string(),
    head_ref: z.string(),
    head_commit: z.object({ timestamp: Time }).nullish(),
  }),
});

export const PushEvent = z.object({
  ref: z.string(),
  after: z.string(),
  deleted: z.boolean().default(false),
  repository: RepositoryPart.extend({
    // Unix seconds here, ISO text in every other event.
    pushed_at: z.union([z.number(), z.string()]).nullish(),
  }),
});

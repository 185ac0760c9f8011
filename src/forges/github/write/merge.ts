import { z } from "zod";
import { ExternalError } from "../../../lib/external.ts";
import type { MergeAnswer, MergeRequest } from "../../forge.ts";
import type { Client } from "../client/client.ts";
import { undefinedFieldsIn } from "../client/errors.ts";
import { ownerAndName } from "../read/queries.ts";

/** Fields that Enterprise Server of some versions does not have, or shows only to who asks for a preview. */
const MAY_LACK = [
  "mergeStateStatus",
  "isMergeQueueEnabled",
  "mergeQueueEntry { id }",
  "autoMergeRequest { enabledAt }",
];

function mergeStatusDocument(missing: ReadonlySet<string>): string {
  const fields = MAY_LACK.filter((field) => !missing.has(nameOf(field)));
  return `
query MergeStatus($owner: String!, $repo: String!, $number: Int!) {
  repository(owner: $owner, name: $repo) {
    pullRequest(number: $number) { id state merged headRefOid reviewDecision ${fields.join(" ")} }
  }
}`;
}

function nameOf(field: string): string {
  return field.split(" ")[0] ?? "";
}

const MergeStatus = z.object({
  id: z.string(),
  state: z.string(),
  merged: z.boolean(),
  headRefOid: z.string(),
  mergeStateStatus: z.string().default("UNKNOWN"),
  reviewDecision: z.string().nullish(),
  isMergeQueueEnabled: z.boolean().default(false),
  autoMergeRequest: z.object({}).nullish(),
  mergeQueueEntry: z.object({ id: z.string() }).nullish(),
});
type MergeStatus = z.infer<typeof MergeStatus>;

const ENQUEUE = `
mutation Enqueue($id: ID!, $head: GitObjectID!) {
  enqueuePullRequest(input: { pullRequestId: $id, expectedHeadOid: $head }) { mergeQueueEntry { id } }
}`;
const DEQUEUE = `
mutation Dequeue($id: ID!) { dequeuePullRequest(input: { id: $id }) { mergeQueueEntry { id } } }`;
const AUTO_MERGE = `
mutation AutoMerge($id: ID!, $head: GitObjectID!, $method: PullRequestMergeMethod!) {
  enablePullRequestAutoMerge(input: { pullRequestId: $id, expectedHeadOid: $head, mergeMethod: $method }) {
    pullRequest { id }
  }
}`;
const NO_AUTO_MERGE = `
mutation NoAutoMerge($id: ID!) {
  disablePullRequestAutoMerge(input: { pullRequestId: $id }) { pullRequest { id } }
}`;

/**
 * Asks for the merge of exactly this head in the way the base branch allows: queue, auto-merge while rules
 * are still to be met, else at once. Asking again for what is under way is fine. A refusal of GitHub's is an
 * answer (`ok: false`); faults of the way there are thrown.
 */
export async function merge(
  client: Client,
  request: MergeRequest,
  signal: AbortSignal,
): Promise<MergeAnswer> {
  if (request.policy === "person")
    return { ok: false, detail: "a person merges here (merge.policy is person)", because: null };
  if (request.policy === "external") return label(client, request, signal);
  const status = await mergeStatusOf(client, request.repository, request.number, signal);
  if (status.merged) return { ok: true, detail: "it is already merged", because: null };
  if (status.state !== "OPEN") return { ok: false, detail: "the pull request is closed", because: null };
  if (status.headRefOid !== request.head)
    return { ok: false, detail: `the head is now ${status.headRefOid.slice(0, 12)}`, because: null };
  if (status.mergeQueueEntry !== null && status.mergeQueueEntry !== undefined)
    return { ok: true, detail: "it is already in the merge queue", because: null };
  if (status.isMergeQueueEnabled) {
    const queued = await answered("added to the merge queue", () =>
      client.query(
        request.repository,
        "enqueue",
        ENQUEUE,
        { id: status.id, head: request.head },
        z.unknown(),
        signal,
      ),
    );
    return queued.ok ? queued : heldBack(status, queued);
  }
  if (status.autoMergeRequest !== null && status.autoMergeRequest !== undefined)
    return { ok: true, detail: "auto-merge is already on", because: null };
  // Auto-merge is for what the rules still hold back; GitHub refuses it for what could be merged now.
  if (status.mergeStateStatus === "BLOCKED") {
    const on = await turnOnAutoMerge(client, request, status, signal);
    if (on.ok) return on;
    // If they were met meanwhile, it is time to merge.
    const now = await mergeStatusOf(client, request.repository, request.number, signal);
    const held = heldBack(now, on);
    return held.because === "held" ? held : await mergeIfMergeable(client, request, now, signal);
  }
  return await mergeIfMergeable(client, request, status, signal);
}

/** Whoever may pass the rules by would merge past them: only what GitHub itself calls mergeable is merged. */
async function mergeIfMergeable(
  client: Client,
  request: MergeRequest,
  { mergeStateStatus }: MergeStatus,
  signal: AbortSignal,
): Promise<MergeAnswer> {
  if (mergeStateStatus === "UNKNOWN") {
    const detail = "GitHub (merge): it is still working out whether this can be merged";
    throw new ExternalError("unavailable", detail);
  }
  if (!MERGEABLE.has(mergeStateStatus)) return notMergeable(mergeStateStatus);
  return await mergeNow(client, request, signal);
}

/** GitHub's MergeStateStatus of what may be merged: with failing checks that nothing requires, and with hooks, too. */
const MERGEABLE: ReadonlySet<string> = new Set(["CLEAN", "UNSTABLE", "HAS_HOOKS"]);

function notMergeable(state: string): MergeAnswer {
  const held = (detail: string): MergeAnswer => ({ ok: false, because: "held", detail });
  switch (state) {
    case "BEHIND":
      return held("the branch is behind its base, and the rules want it up to date");
    case "BLOCKED":
      return held("the rules of the base branch are not met yet");
    case "DRAFT":
      return held("it is a draft");
    default:
      return {
        ok: false,
        because: null,
        detail: `GitHub does not call it mergeable (${state.toLowerCase()})`,
      };
  }
}

/** A refusal while GitHub says that the rules are not met: a matter of waiting, not of asking again and again. */
function heldBack(status: MergeStatus, refusal: MergeAnswer): MergeAnswer {
  if (status.mergeStateStatus !== "BLOCKED") return refusal;
  const missing =
    status.reviewDecision === "REVIEW_REQUIRED" ? "require another approval" : "are not met yet";
  return {
    ok: false,
    because: "held",
    detail: `the rules of the base branch ${missing} (${refusal.detail})`,
  };
}

async function label(client: Client, request: MergeRequest, signal: AbortSignal): Promise<MergeAnswer> {
  if (request.label === null)
    return { ok: true, detail: "left to another system (merge.policy is external)", because: null };
  const { repository, number } = request;
  return answered(`labelled ${request.label} for another system`, () =>
    client.call(
      {
        repository,
        route: "POST /repos/{owner}/{repo}/issues/{issue_number}/labels",
        parameters: { issue_number: number, labels: [request.label] },
        schema: z.unknown(),
      },
      signal,
    ),
  );
}

async function turnOnAutoMerge(
  client: Client,
  request: MergeRequest,
  status: MergeStatus,
  signal: AbortSignal,
): Promise<MergeAnswer> {
  const variables = { id: status.id, head: request.head, method: request.method.toUpperCase() };
  return answered("auto-merge is on", () =>
    client.query(request.repository, "auto-merge", AUTO_MERGE, variables, z.unknown(), signal),
  );
}

async function mergeNow(client: Client, request: MergeRequest, signal: AbortSignal): Promise<MergeAnswer> {
  return answered("merged", () =>
    client.call(
      {
        repository: request.repository,
        route: "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge",
        parameters: { pull_number: request.number, sha: request.head, merge_method: request.method },
        schema: z.object({ merged: z.literal(true) }),
      },
      signal,
    ),
  );
}

async function answered(detail: string, ask: () => Promise<unknown>): Promise<MergeAnswer> {
  try {
    await ask();
    return { ok: true, detail, because: null };
  } catch (error) {
    if (!(error instanceof ExternalError) || (error.kind !== "refused" && error.kind !== "conflict"))
      throw error;
    return { ok: false, detail: error.message, because: null };
  }
}

/** Takes the pull request out of the queue and turns auto-merge off, whichever is on. */
export async function cancelMerge(
  client: Client,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<void> {
  const status = await mergeStatusOf(client, repository, number, signal);
  const variables = { id: status.id };
  if (status.mergeQueueEntry !== null && status.mergeQueueEntry !== undefined)
    await client.query(repository, "dequeue", DEQUEUE, variables, z.unknown(), signal);
  if (status.autoMergeRequest !== null && status.autoMergeRequest !== undefined)
    await client.query(repository, "auto-merge off", NO_AUTO_MERGE, variables, z.unknown(), signal);
}

async function mergeStatusOf(
  client: Client,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<MergeStatus> {
  const what = `pull request ${number}`;
  const missing = new Set<string>();
  for (;;) {
    const document = mergeStatusDocument(missing);
    const variables = { ...ownerAndName(repository), number };
    const { data, faults } = await client.queryParts(repository, what, document, variables, signal);
    const unknown = undefinedFieldsIn(faults).filter(
      (name) => !missing.has(name) && MAY_LACK.some((field) => nameOf(field) === name),
    );
    for (const name of unknown) missing.add(name);
    if (unknown.length > 0) continue;
    const [fault] = faults;
    if (fault !== undefined) throw fault.fault;
    const parsed = MergeStatusAnswer.safeParse(data);
    if (!parsed.success)
      throw new ExternalError("unavailable", `${what} of ${repository} answered in an undocumented form`);
    const status = parsed.data.repository?.pullRequest ?? null;
    if (status === null) throw new ExternalError("not_found", `${repository} has no pull request ${number}`);
    if (!missing.has("mergeStateStatus")) return status;
    return { ...status, mergeStateStatus: await mergeableState(client, repository, number, signal) };
  }
}

const MergeStatusAnswer = z.object({
  repository: z.object({ pullRequest: MergeStatus.nullable() }).nullable(),
});

/** The same word from REST, where every server has it. */
async function mergeableState(
  client: Client,
  repository: string,
  number: number,
  signal: AbortSignal,
): Promise<string> {
  const { value } = await client.call(
    {
      repository,
      route: "GET /repos/{owner}/{repo}/pulls/{pull_number}",
      parameters: { pull_number: number },
      schema: z.object({ mergeable_state: z.string() }),
    },
    signal,
  );
  return value.mergeable_state.toUpperCase();
}

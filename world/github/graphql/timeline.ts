import type { DequeueReason, Pull, QueueEvent, Repository } from "../model/model.ts";
import { fieldsAt, stamp } from "../model/model.ts";
import { actorNode, commitNode } from "./commits.ts";
import type { View } from "./commits.ts";

type Node = Record<string, unknown>;

/** What the events lead back to. */
interface Around {
  readonly pullRequest: () => Node;
  readonly mergeQueue: () => Node | null;
}

/** What happened to the head, the base and in the queue, in order. */
export async function timeline(
  view: View,
  repository: Repository,
  pull: Pull,
  around: Around,
): Promise<readonly Node[]> {
  const items = pull.queueEvents
    .filter((event) => event.at <= view.at)
    .map((event) => ({ at: event.at, node: eventNode(view, repository, event, around) }));
  for (const { at, from, to, actor } of pull.baseChanges.filter((change) => change.at <= view.at)) {
    const node = {
      __typename: "BaseRefChangedEvent",
      id: `BRCE_${pull.id}_${at}`,
      actor: actorNode(view, actor),
      createdAt: stamp(at),
      previousRefName: from,
      currentRefName: to,
      pullRequest: around.pullRequest,
    };
    items.push({ at, node });
  }
  const { baseSha, headSha } = fieldsAt(pull, view.at);
  const left = new Map(
    (await repository.git.log(baseSha, headSha, 250)).map((commit) => [commit.sha, commit] as const),
  );
  for (const { at, before, sha } of headsOf(pull).filter((head) => head.at <= view.at)) {
    if (before !== null && !(await repository.git.isAncestor(before, sha))) {
      const node = {
        __typename: "HeadRefForcePushedEvent",
        id: `HRFPE_${pull.id}_${sha}`,
        actor: actorNode(view, pull.author),
        createdAt: stamp(at),
        beforeCommit: () => commitNode(view, repository, before),
        afterCommit: () => commitNode(view, repository, sha),
        pullRequest: around.pullRequest,
      };
      items.push({ at, node });
    }
    // A commit stands where it was first pushed; those that a force push took away are gone.
    for (const commit of await repository.git.log(baseSha, sha, 250)) {
      if (left.delete(commit.sha)) items.push({ at, node: commitItem(view, repository, pull, commit.sha) });
    }
  }
  return items.toSorted((a, b) => a.at - b.at).map(({ node }) => node);
}

/** Every head the pull request has had, with the time of the push. */
function headsOf(
  pull: Pull,
): readonly { readonly at: number; readonly before: string | null; readonly sha: string }[] {
  const heads: { at: number; before: string | null; sha: string }[] = [];
  let at = pull.createdAt;
  for (const { until, fields } of [...pull.past, { until: Infinity, fields: pull.fields }]) {
    const before = heads.at(-1)?.sha ?? null;
    if (fields.headSha !== before) heads.push({ at, before, sha: fields.headSha });
    at = until;
  }
  return heads;
}

export function commitItem(view: View, repository: Repository, pull: Pull, sha: string): Node {
  const { web } = view.core.urls;
  return {
    __typename: "PullRequestCommit",
    id: `PRC_${sha}`,
    url: `${web}/${repository.fullName}/pull/${pull.number}/commits/${sha}`,
    commit: () => commitNode(view, repository, sha),
  };
}

const ITEM_TYPES: Readonly<Record<string, string>> = {
  AddedToMergeQueueEvent: "ADDED_TO_MERGE_QUEUE_EVENT",
  RemovedFromMergeQueueEvent: "REMOVED_FROM_MERGE_QUEUE_EVENT",
  HeadRefForcePushedEvent: "HEAD_REF_FORCE_PUSHED_EVENT",
  PullRequestCommit: "PULL_REQUEST_COMMIT",
  BaseRefChangedEvent: "BASE_REF_CHANGED_EVENT",
};

export function itemType(item: Node): string {
  return ITEM_TYPES[String(item["__typename"])] ?? "";
}

// `RemovedFromMergeQueueEvent.reason` is free text; these are the words seen so far.
function spoken(reason: DequeueReason): string {
  if (reason === "CI_FAILURE") return "failed_checks";
  return reason === "MERGE" ? "merged" : reason.toLowerCase();
}

function eventNode(view: View, repository: Repository, event: QueueEvent, around: Around): Node {
  const common = {
    id: event.nodeId,
    actor: actorNode(view, event.actor),
    enqueuer: event.enqueuer.type === "User" ? actorNode(view, event.enqueuer) : null,
    createdAt: stamp(event.at),
    mergeQueue: around.mergeQueue,
    pullRequest: around.pullRequest,
  };
  if (event.kind === "added") return { __typename: "AddedToMergeQueueEvent", ...common };
  return {
    __typename: "RemovedFromMergeQueueEvent",
    ...common,
    reason: event.reason === null ? null : spoken(event.reason),
    beforeCommit: () =>
      event.beforeCommit === null ? null : commitNode(view, repository, event.beforeCommit),
  };
}

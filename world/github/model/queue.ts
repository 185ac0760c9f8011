import { combined, markMerged, mergeObstacle, tellPull } from "./pulls.ts";
import type { Core, DequeueReason, Person, Pull, QueueEntry, QueueGroup, Repository } from "./model.ts";
import { change, exclusive, queueEntryOf, queueOf, seenChecks } from "./model.ts";
import { Refused } from "../schemas.ts";
import { protectionOf, requiredState, rollupState } from "./verdicts.ts";
import { headCommitPart } from "../views/checks.ts";

/** Puts a pull request into the merge queue of its base. Throws Refused as GitHub would. */
export async function enqueue(
  core: Core,
  repository: Repository,
  pull: Pull,
  enqueuer: Person,
  wish: { readonly jump: boolean; readonly head: string | null },
): Promise<QueueEntry> {
  const { baseRef, headSha } = pull.fields;
  if (protectionOf(repository, baseRef)?.mergeQueue !== true)
    throw new Refused(422, "Merge queue is not enabled on this branch");
  if (wish.head !== null && wish.head !== headSha)
    throw new Refused(422, "Head sha does not match the expected one");
  if (queueEntryOf(repository, pull) !== null)
    throw new Refused(422, "Pull request is already in the merge queue");
  const obstacle = await mergeObstacle(repository, pull);
  if (obstacle !== null) throw new Refused(422, `Pull request ${obstacle}`);
  const now = core.clock.now();
  const entry: QueueEntry = { nodeId: `MQE_${core.nextId()}`, pull, enqueuer, enqueuedAt: now, group: null };
  const queue = queueOf(repository, baseRef);
  if (wish.jump) queue.unshift(entry);
  else queue.push(entry);
  pull.queueEvents.push({
    nodeId: `AMQ_${core.nextId()}`,
    kind: "added",
    at: now,
    actor: enqueuer,
    enqueuer,
    reason: null,
    beforeCommit: null,
  });
  change(core, pull, {});
  tellPull(core, repository, pull, "enqueued", enqueuer);
  return entry;
}

/** Takes a pull request out of its queue; nothing when it is in none. */
export async function dequeue(
  core: Core,
  repository: Repository,
  pull: Pull,
  reason: DequeueReason,
  actor: Person,
): Promise<void> {
  const entry = queueEntryOf(repository, pull);
  if (entry === null) return;
  const queue = queueOf(repository, pull.fields.baseRef);
  queue.splice(queue.indexOf(entry), 1);
  const beforeCommit = entry.group?.sha ?? null;
  await dissolve(core, repository, entry, reason === "MERGE" ? "merged" : "dequeued");
  const event = {
    nodeId: `RMQ_${core.nextId()}`,
    kind: "removed" as const,
    at: core.clock.now(),
    actor,
    enqueuer: entry.enqueuer,
  };
  pull.queueEvents.push({ ...event, reason, beforeCommit });
  change(core, pull, {});
  tellPull(core, repository, pull, "dequeued", actor, { reason });
}

/** Brings every queue of the repository as far as its checks allow. */
export async function evaluateQueues(core: Core, repository: Repository, mergedBy: Person): Promise<void> {
  for (const [base, queue] of repository.queues) {
    // Each round takes an entry out or ends.
    for (let rounds = queue.length; rounds >= 0; rounds -= 1) {
      if (!(await evaluateOnce(core, repository, base, queue, mergedBy))) break;
    }
  }
}

/** True when an entry left, so that the others have to be looked at again. */
async function evaluateOnce(
  core: Core,
  repository: Repository,
  base: string,
  queue: readonly QueueEntry[],
  mergedBy: Person,
): Promise<boolean> {
  let onto = await repository.git.resolve(`refs/heads/${base}`);
  for (const [position, entry] of queue.entries()) {
    if (onto === null) return false;
    // An earlier entry left or the base moved: this group checked something that will never be merged.
    if (entry.group !== null && entry.group.baseSha !== onto)
      await dissolve(core, repository, entry, "invalidated");
    if (entry.group === null && !(await form(core, repository, base, entry, onto))) {
      await dequeue(core, repository, entry.pull, "MERGE_CONFLICT", mergedBy);
      return true;
    }
    const group = entry.group;
    if (group === null) return false;
    if (position === 0) {
      const verdict = groupVerdict(repository, base, group);
      if (verdict === "failure") {
        await dequeue(core, repository, entry.pull, "CI_FAILURE", mergedBy);
        return true;
      }
      if (verdict === "success") {
        await merge(core, repository, base, entry, group, mergedBy);
        return true;
      }
    }
    onto = group.sha;
  }
  return false;
}

function groupVerdict(
  repository: Repository,
  base: string,
  group: QueueGroup,
): "success" | "failure" | "pending" {
  const required = protectionOf(repository, base)?.requiredChecks ?? [];
  if (required.length > 0) return requiredState(repository, group.sha, required, Infinity);
  const { suites } = seenChecks(repository, group.sha);
  if (suites.length === 0 || suites.some((suite) => suite.status !== "completed")) return "pending";
  return rollupState(repository, group.sha, Infinity) === "failure" ? "failure" : "success";
}

/** Makes the group commit and asks for its checks; false where it conflicts. */
async function form(
  core: Core,
  repository: Repository,
  base: string,
  entry: QueueEntry,
  onto: string,
): Promise<boolean> {
  const protection = protectionOf(repository, base);
  const method = protection?.mergeMethod ?? "merge";
  const sha = await combined(core, repository, entry.pull, onto, { method, title: null, message: null });
  if (sha === null) return false;
  const ref = `refs/heads/gh-readonly-queue/${base}/pr-${entry.pull.number}-${onto}`;
  await repository.git.setRef(ref, sha);
  const cancelTimeout = core.clock.after((protection?.queueTimeoutMinutes ?? 60) * 60_000, () => {
    core.work.start(() =>
      exclusive(repository, async () => {
        if (entry.group?.sha === sha)
          await dequeue(core, repository, entry.pull, "CI_TIMEOUT", entry.enqueuer);
      }),
    );
  });
  entry.group = { sha, ref, baseSha: onto, cancelTimeout };
  await tellGroup(core, repository, base, entry.group, "checks_requested", entry.enqueuer);
  core.after.commit(repository, sha, ref.slice("refs/heads/".length), "merge_group", entry.enqueuer);
  return true;
}

async function merge(
  core: Core,
  repository: Repository,
  base: string,
  entry: QueueEntry,
  group: QueueGroup,
  mergedBy: Person,
): Promise<void> {
  const ref = `refs/heads/${base}`;
  await repository.git.setRef(ref, group.sha);
  await dequeue(core, repository, entry.pull, "MERGE", mergedBy);
  markMerged(core, repository, entry.pull, group.sha, mergedBy);
  await core.after.moved(repository, { ref, before: group.baseSha, after: group.sha, actor: mergedBy });
}

/** The group's branch goes; its commit and checks stay. */
async function dissolve(
  core: Core,
  repository: Repository,
  entry: QueueEntry,
  reason: "merged" | "invalidated" | "dequeued",
): Promise<void> {
  const { group } = entry;
  if (group === null) return;
  entry.group = null;
  group.cancelTimeout();
  await repository.git.deleteRef(group.ref);
  await tellGroup(core, repository, entry.pull.fields.baseRef, group, "destroyed", entry.enqueuer, {
    reason,
  });
}

async function tellGroup(
  core: Core,
  repository: Repository,
  base: string,
  group: QueueGroup,
  action: string,
  actor: Person,
  more = {},
): Promise<void> {
  const commit = await repository.git.commit(group.sha);
  if (commit === null) return;
  const part = {
    head_sha: group.sha,
    head_ref: group.ref,
    base_sha: group.baseSha,
    base_ref: `refs/heads/${base}`,
    head_commit: headCommitPart(commit),
  };
  core.emit(repository, "merge_group", action, actor, { merge_group: part, ...more });
}

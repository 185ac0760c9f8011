import type { Facts } from "../facts/facts.ts";

/** Whether a commit is a push of ours: known before it was pushed, so its webhook cannot come too early. */
export function isOurs(facts: Facts, sha: string): boolean {
  return facts.runs.some((run) => run.headAfter === sha);
}

/**
 * A forge that still shows the old head this long after the push (ms) has not lost sight of it: the branch was put back.
 * Both the forge's clock and our own have to say so: one of them may be wrong, or have jumped.
 */
const PUSH_SHOWN_MS = 600_000;

/** The commit that our last run pushed, as long as the pull request still shows the head from before it. */
export function unseenPush(facts: Facts): string | null {
  const { pullRequest } = facts;
  const last = facts.runs.at(-1);
  if (pullRequest === null || last?.end?.outcome !== "published" || last.headAfter === null) return null;
  const { head } = pullRequest.core.value;
  const readAt = Math.min(pullRequest.readAt ?? 0, pullRequest.readAskedAt ?? 0);
  if (readAt > (last.endedAt ?? 0) + PUSH_SHOWN_MS) return null;
  const before = head === last.headBefore || head === last.cause.head;
  return before && head !== last.headAfter ? last.headAfter : null;
}

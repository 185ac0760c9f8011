import type { Facts } from "../facts/facts.ts";
import type { Commit, PullRequest } from "../facts/pull-request.ts";

/** Whether a commit is a push of ours: known before it was pushed, so its webhook cannot come too early. */
export function isOurs(facts: Facts, sha: string): boolean {
  return facts.runs.some((run) => run.headAfter === sha);
}

/**
 * Who undoes another's work may mean it, once and once more. Who puts the same files there a third time is no
 * person who has thought about it, whatever account it uses.
 */
const SAME_FILES_MEANT = 2;

/** The pull request's commits that others made. */
function others(facts: Facts): readonly Commit[] {
  const { commits } = facts.pullRequest ?? { commits: [] };
  return commits.filter(({ by, sha }) => by !== "us" && !isOurs(facts, sha));
}

/** How often its maker had put the same files there before, with others' work between. */
function repeats(facts: Facts, { sha, name, tree }: Commit): number {
  const { commits } = facts.pullRequest ?? { commits: [] };
  const place = commits.findIndex((commit) => commit.sha === sha);
  if (commits[place - 1]?.tree === tree) return 0;
  return commits.slice(0, place).filter((commit) => commit.name === name && commit.tree === tree).length;
}

/** A change by a person: their word. What a machine pushed is not, nor the base alone, whoever merged it. */
function isWord(facts: Facts, commit: Commit): boolean {
  return commit.by === "person" && commit.brings === "change" && repeats(facts, commit) < SAME_FILES_MEANT;
}

/** The newest commit by which a person has spoken: budgets belong to it. Null = there is none. */
export function personHead(facts: Facts): string | null {
  return others(facts).findLast((commit) => isWord(facts, commit))?.key ?? null;
}

/** Whether a person has spoken by a commit since this head; `at` (Unix ms) where the head is gone from the branch. */
export function hasPushedSince(facts: Facts, head: string, at: number): boolean {
  return since(facts, head, at).some((commit) => isWord(facts, commit));
}

/**
 * The newest commit since this head that work on it must give way to: a person's, or that of somebody of whom nobody
 * knows what they are. Null = none, or what came since has not been read yet.
 */
export function overtaking(facts: Facts, head: string): Commit | null {
  return since(facts, head, 0).findLast(({ by, brings }) => by !== "bot" && brings !== "base") ?? null;
}

/** Whether the head is this commit and nothing but the base, merged into it since: what it changes is the same. */
export function isOnlyBaseSince({ pullRequest }: Facts, from: string): boolean {
  if (pullRequest === null) return false;
  const { commits, core } = pullRequest;
  const { head } = core.value;
  if (from === head) return true;
  const place = commits.findIndex(({ sha }) => sha === from);
  if (place < 0 || commits.at(-1)?.sha !== head) return false;
  return commits.slice(place + 1).every(({ brings }) => brings === "base");
}

/** Whether it is known whose the head is. Until then nobody can tell whether an approval still stands. */
export function isHeadRead({ commits, core }: PullRequest): boolean {
  return commits.at(-1)?.sha === core.value.head;
}

function since(facts: Facts, head: string, at: number): readonly Commit[] {
  const { commits } = facts.pullRequest ?? { commits: [] };
  const place = commits.findIndex(({ sha }) => sha === head);
  const newer = place < 0 ? commits.filter((commit) => commit.at > at) : commits.slice(place + 1);
  return others(facts).filter((commit) => newer.includes(commit));
}

/** Others that pushed since a person has spoken, and how often: machines, and who only repeats itself. */
export function machinesSince(
  facts: Facts,
): readonly { readonly name: string; readonly times: number; readonly same: boolean }[] {
  const known = others(facts);
  const spoken = known.findLastIndex((commit) => isWord(facts, commit));
  const machines = new Map<string, { name: string; times: number; same: boolean }>();
  for (const commit of known.slice(spoken + 1)) {
    const same = commit.by === "person" && commit.brings === "change";
    if (commit.name === null || (commit.by !== "bot" && !same)) continue;
    const times = (machines.get(commit.name)?.times ?? 0) + 1;
    machines.set(commit.name, { name: commit.name, times, same });
  }
  return [...machines.values()];
}

/** Whether it was never read in full as a change of its present base: neither rules nor approvals are known to be of that. */
export function isBaseUnread({ readAt, readBase, core }: PullRequest): boolean {
  return readAt === null || readBase !== core.value.base;
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

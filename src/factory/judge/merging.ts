import { countedChecks, headDigest } from "./checks.ts";
import type { Authority } from "../facts/ticket.ts";
import type { Ejection, PullRequest } from "../facts/pull-request.ts";
import type { Facts } from "../facts/facts.ts";
import type { Answered, MergeBasis, MergeRequest } from "../facts/request.ts";
import { digest } from "../facts/hash.ts";
import { own } from "../facts/own.ts";
import type { ProjectPolicy } from "../facts/policy.ts";
import { isHeadRead } from "./pushes.ts";
import type { ReviewStatus } from "./reviews.ts";

/** Some time after our request the forge has done what it was asked for, and shows it (ms, our own clock). */
const MERGE_SHOWN_MS = 60_000;

/** A merge that we requested and that the forge may still be working on. */
export interface MergeUnderWay {
  /** Key of the request. */
  readonly request: string;
  /** Why it could not be cancelled, if that was tried; else null. */
  readonly refused: string | null;
}

/** What our requests to merge are judged by. */
export interface Grounds {
  readonly facts: Facts;
  readonly project: ProjectPolicy | null;
  readonly now: number;
  readonly authority: Authority | null;
  readonly ejection: (Ejection & { readonly key: string }) | null;
}

/** What came of our requests to merge this head. */
export interface Merging {
  /** What the next request rests on. */
  readonly basis: MergeBasis;
  /** Noes that still hold: nothing that the forge judges by has changed since. Newest last. */
  readonly refusals: readonly Answered[];
  /** The newest no, when it says that the rules of the base branch still wait for something. */
  readonly held: Answered | null;
  /** The yes on which the merge is still awaited, and until when by time alone. */
  readonly asked: { readonly detail: string; readonly until: number | null } | null;
  /** The yes after which a reading shows neither queue nor auto-merge, and no merge. */
  readonly lost: Answered | null;
  /** How often such a yes has come to nothing. */
  readonly futile: number;
}

const NO_BASIS: MergeBasis = { round: "", reading: "", attempt: 1 };

/** Where the merge of the present head stands. It rests on what was read, not on whose clock is ahead. */
export function mergingOf(grounds: Grounds): Merging {
  const { facts } = grounds;
  const pull = facts.pullRequest;
  if (pull === null) return { basis: NO_BASIS, refusals: [], held: null, asked: null, lost: null, futile: 0 };
  const { head } = pull.core.value;
  const mine = requestsOf(facts, pull).filter((request) => request.head === head);
  const round = roundOf(grounds);
  const reading = readingDigest(pull);
  const attempt = mine.reduce((greatest, { basis }) => Math.max(greatest, basis.attempt), 0) + 1;
  const present = mine.filter(({ basis }) => basis.round === round);
  const noes = present.filter(
    ({ basis, ok, because }) => basis.reading === reading && !ok && because !== "unwanted",
  );
  const yeses = present.filter(({ ok, key }) => ok && !isCancelled(facts, key));
  const last = yeses.at(-1) ?? null;
  const asked = last === null ? null : awaited(grounds, pull, last);
  return {
    basis: { round, reading, attempt },
    refusals: noes.filter(({ because }) => because !== "held"),
    held: noes.at(-1)?.because === "held" ? (noes.at(-1) ?? null) : null,
    asked:
      pull.autoMerge?.value === true ? { detail: last?.detail ?? "auto-merge is on", until: null } : asked,
    lost: asked === null ? last : null,
    futile: yeses.length,
  };
}

/** A merge by another system is not ours to see; of any other a reading that was asked for since tells more. */
function awaited({ project, now }: Grounds, pull: PullRequest, yes: Answered): Merging["asked"] {
  if (project?.merge.policy === "external" || !isReadSince(pull, yes))
    return { detail: yes.detail, until: null };
  const until = yes.at + MERGE_SHOWN_MS;
  return now < until ? { detail: yes.detail, until } : null;
}

/**
 * Our newest request, if the forge said yes and may still be working on it: what is to be cancelled with the work.
 * `project`: by its policy, for a forge that cannot tell our account from the person's whose token we have.
 */
export function mergeUnderWay(facts: Facts, project: ProjectPolicy | null): MergeUnderWay | null {
  const pull = facts.pullRequest;
  if (pull === null || pull.core.value.state !== "open") return null;
  const last = requestsOf(facts, pull).findLast(({ ok }) => ok);
  if (last === undefined || isCancelled(facts, last.key))
    return project?.merge.policy === "person" ? null : unaskedMerge(facts, pull);
  const on = pull.autoMerge?.value === true && pull.autoMergeOurs;
  const shown = pull.queue?.value != null || on;
  if (!shown && isReadSince(pull, last)) return null;
  return underWay(facts, last.key);
}

/**
 * Auto-merge that is ours by what the forge says, though no answer of it is known: that was lost. It is cancelled
 * once for each head.
 */
function unaskedMerge(facts: Facts, pull: PullRequest): MergeUnderWay | null {
  if (pull.autoMerge?.value !== true || !pull.autoMergeOurs) return null;
  const request = `merge:${facts.id}:${pull.number}:${pull.core.value.head}:shown`;
  if (isCancelled(facts, request)) return null;
  // What was read before a merge was cancelled still shows it.
  const isOld = facts.cancellations.some(
    (cancellation) =>
      cancellation.ok && cancellation.number === pull.number && !isReadSince(pull, cancellation),
  );
  return isOld ? null : underWay(facts, request);
}

function underWay(facts: Facts, request: string): MergeUnderWay {
  const retriedAt = facts.budgetReset?.at ?? null;
  const tried = facts.cancellations.find((each) => each.request === request && each.retriedAt === retriedAt);
  return { request, refused: tried?.detail ?? null };
}

/**
 * Our own auto-merge, which would merge whatever head comes next. A merge queue lets go of a pull request whose head
 * moves, so that there is nothing to turn off there.
 */
export function ownAutoMerge(facts: Facts, project: ProjectPolicy | null): MergeUnderWay | null {
  return facts.pullRequest?.hasQueue?.value === true ? null : mergeUnderWay(facts, project);
}

/** The policy wants an approval of this head, and there is none. */
export function isUnapproved({
  facts,
  project,
  reviews,
  now,
}: Grounds & { readonly reviews: ReviewStatus }): boolean {
  if (project?.merge.policy !== "when_approved" || reviews.approvals.length > 0) return false;
  return !isUpdateUnread(facts, now);
}

/**
 * We have just had the base merged, and the head that came of it has not been read: whether the approval stands is not known
 * yet. Where it cannot be read for long, it may as well be something else that nobody has approved.
 */
function isUpdateUnread({ pullRequest, updates }: Facts, now: number): boolean {
  if (pullRequest === null || isHeadRead(pullRequest)) return false;
  const before = pullRequest.commits.at(-1)?.sha;
  return updates.some(({ ok, head, at }) => ok && head === before && now < at + UPDATE_SHOWN_MS);
}

/** So often within an hour the base is merged into the branch: where it moves on faster than that, a merge queue is what helps. */
const MOST_UPDATES_PER_HOUR = 6;
const HOUR_MS = 3_600_000;
/** Longest a forge takes to show the merge of the base that it accepted to make (ms). */
const UPDATE_SHOWN_MS = 600_000;
/** After a no it is asked again for the same head (ms). */
const UPDATE_RETRY_MS = 1_800_000;

/** What is to be done about a branch that lacks commits of its base, where the rules of the base branch want them. */
export type Behind =
  | { readonly kind: "update"; readonly head: string; readonly attempt: number }
  | { readonly kind: "updating"; readonly until: number }
  | { readonly kind: "refused"; readonly detail: string; readonly until: number }
  | { readonly kind: "too_often"; readonly times: number; readonly until: number };

/** Null = it is up to date, nobody asks for it, or the queue or another system sees to it. */
export function behindOf({ facts, project, now }: Grounds): Behind | null {
  const pull = facts.pullRequest;
  const head = pull?.core.value.head;
  if (pull === null || head === undefined || pull.hasQueue?.value === true) return null;
  if (project?.merge.policy === "external" || project?.merge.policy === "person") return null;
  if (pull.mergeState?.value !== "behind" || pull.mergeState.head !== head) return null;
  const asked = facts.updates.filter(
    ({ number, because }) => number === pull.number && because !== "unwanted",
  );
  const last = asked.findLast((update) => update.head === head);
  if (last?.ok === true && now < last.at + UPDATE_SHOWN_MS)
    return { kind: "updating", until: last.at + UPDATE_SHOWN_MS };
  if (last?.ok === false && now < last.at + UPDATE_RETRY_MS)
    return { kind: "refused", detail: last.detail, until: last.at + UPDATE_RETRY_MS };
  const recent = asked.filter(({ at }) => at > now - HOUR_MS);
  const first = recent.at(-MOST_UPDATES_PER_HOUR);
  if (first !== undefined) return { kind: "too_often", times: recent.length, until: first.at + HOUR_MS };
  const known = facts.updates.filter((update) => update.number === pull.number && update.head === head);
  return { kind: "update", head, attempt: known.length + 1 };
}

/** A yes that no reading has shown the effect of yet; its key names what is to be read. */
export function unreadMerge(facts: Facts): string | null {
  const pull = facts.pullRequest;
  if (pull === null) return null;
  const last = requestsOf(facts, pull).findLast(({ ok }) => ok);
  return last === undefined || isReadSince(pull, last) ? null : last.key;
}

/** Names a request to merge. */
export function mergeKey(facts: Facts, pull: PullRequest, { round, reading, attempt }: MergeBasis): string {
  return `merge:${facts.id}:${pull.number}:${pull.core.value.head}:${round}:${reading}:${attempt}`;
}

/** Names the cancellation of one request; a `retry` requests it again. */
export function cancelKey({ id, budgetReset }: Facts, request: string): string {
  const first = `cancel_merge:${id}:${request}`;
  return budgetReset === null ? first : `${first}:retry${budgetReset.at}`;
}

function isCancelled({ cancellations }: Facts, request: string): boolean {
  return cancellations.some((each) => each.ok && each.request === request);
}

function isReadSince(pull: PullRequest, { at }: Answered): boolean {
  return pull.readAskedAt !== null && pull.readAskedAt >= at;
}

/** Our requests to merge the present pull request that were answered. */
function requestsOf({ merges }: Facts, pull: PullRequest): readonly MergeRequest[] {
  return merges.filter(({ number }) => number === pull.number);
}

/** What makes a new request of the same head: another way out of the queue, a person's newer word, a `retry`. */
function roundOf({ ejection, authority, facts }: Grounds): string {
  return digest([ejection?.key ?? "", String(authority?.at), String(facts.budgetReset?.at)]);
}

/** What the forge judges a merge by, as far as we have read it. */
function readingDigest(pull: PullRequest): string {
  const { core, heads, required, hasQueue, reviews, threads } = pull;
  const head = own(heads, core.value.head);
  const checks = head === undefined ? [] : countedChecks(head, required?.value ?? []);
  return digest([
    core.value.base,
    String(hasQueue?.value),
    ...(required?.value ?? []),
    headDigest(Object.fromEntries(checks.map((check) => [`${check.app}:${check.name}:${check.id}`, check]))),
    ...Object.values(reviews)
      .map((review) => `${review.id}=${review.state}`)
      .toSorted(),
    ...Object.values(threads)
      .map((thread) => `${thread.id}=${thread.resolved}`)
      .toSorted(),
  ]);
}

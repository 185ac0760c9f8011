import type {
  Check,
  Ejection,
  Head,
  Hint,
  PullRequest,
  PullRequestCore,
  Review,
} from "../facts/pull-request.ts";
import type { Facts } from "../facts/facts.ts";
import { isSame } from "../facts/news.ts";
import { FAILED, headDigest } from "../judge/checks.ts";
import { isOurs } from "../judge/pushes.ts";
import type { PullRequestChange, PullRequestReading } from "../facts/observation.ts";
import { own } from "../facts/own.ts";
import { later } from "../facts/stamp.ts";

/** Commits whose checks are kept beside the current head until a reading tells which of them matter. */
const MOST_HEADS = 8;
/** Checks of one commit that news may add to; what is beyond that only a reading tells. */
const MOST_CHECKS = 1_000;

/** A reading tells when it was answered, not when the forge looked: it may have looked this long before (ms). */
const SLOW_ANSWER_MS = 5_000;

const EMPTY_HEAD: Head = {
  checks: {},
  confirmed: null,
  confirmedAt: null,
  redOnBase: [],
  expected: [],
  cut: false,
};

/** A change of the pull request itself. News about one we had before, or about another one, changes nothing. */
export function withPullRequest(
  facts: Facts,
  change: PullRequestChange,
  at: number,
  read: boolean,
  heardAt: number,
): Facts {
  if (facts.past.some((past) => past.number === change.number)) return facts;
  const kept = facts.pullRequest;
  if (kept === null) {
    if (change.core.branch !== facts.project?.branch) return facts;
    // A name alone tells little: one that has ended without a push of ours may be of an issue long ago.
    if (change.core.state === "closed" && !isOurs(facts, change.core.head)) return facts;
    return { ...facts, pullRequest: withOtherHead(facts, opened(change, at, read), at) };
  }
  if (kept.number !== change.number) return facts;
  // Merged absorbs: whatever comes late, in whatever order, it stays merged.
  const core: PullRequestCore = kept.core.value.merged
    ? {
        ...change.core,
        merged: true,
        state: "closed",
        head: kept.core.value.head,
        closedAt: kept.core.value.closedAt,
      }
    : change.core;
  const stamped =
    core.merged && !kept.core.value.merged ? { value: core, at, read } : later(kept.core, core, at, read);
  const next: PullRequest = {
    ...kept,
    node: kept.node ?? change.node,
    repositoryId: kept.repositoryId ?? change.repositoryId,
    core: stamped,
  };
  const changed = { ...facts, pullRequest: withOtherHead(facts, next, at) };
  return isUnsure(kept.core, stamped, core, at, read)
    ? withHint(changed, at, "the pull request", heardAt)
    : changed;
}

/** The forge tells whole seconds, and when it answered: news of about that time may be older or newer than it. */
function isUnsure(
  kept: PullRequest["core"],
  stamped: PullRequest["core"],
  core: PullRequestCore,
  at: number,
  read: boolean,
): boolean {
  if (read || stamped !== kept || !kept.read || at < kept.at - SLOW_ANSWER_MS) return false;
  return JSON.stringify(core) !== JSON.stringify(kept.value);
}

function opened(change: PullRequestChange, at: number, read: boolean): PullRequest {
  return {
    number: change.number,
    url: change.url,
    node: change.node,
    repositoryId: change.repositoryId,
    core: { value: change.core, at, read },
    mergeable: null,
    mergeState: null,
    required: null,
    hasQueue: null,
    heads: {},
    reviews: {},
    threads: {},
    queue: null,
    autoMerge: null,
    autoMergeOurs: false,
    ejections: {},
    otherHead: null,
    commits: [],
    readBase: null,
    baseChangedAt: null,
    readAt: null,
    readAskedAt: null,
    hint: null,
  };
}

/** Takes note of since when it has a head that is not ours. */
function withOtherHead(facts: Facts, pullRequest: PullRequest, at: number): PullRequest {
  const sha = pullRequest.core.value.head;
  if (pullRequest.otherHead?.sha === sha) return pullRequest;
  return { ...pullRequest, otherHead: isOurs(facts, sha) ? null : { sha, at } };
}

/**
 * Whether a push to the base may be what this one waits for: it conflicts, or may, or checks fail that may fail there too.
 * That one which could be merged no longer can is soon enough known by the next sweep: with many of them open, a reading
 * of each for every push uses up what the forge allows.
 */
export function hangsOnBase({ core, mergeable, heads }: PullRequest): boolean {
  if (core.value.state === "closed") return false;
  if (mergeable?.value.value !== "yes") return true;
  const head = own(heads, core.value.head);
  return Object.values(head?.checks ?? {}).some(({ conclusion }) => FAILED.has(conclusion ?? ""));
}

export function withHint(facts: Facts, at: number, what: string, heardAt: number): Facts {
  const kept = facts.pullRequest;
  if (kept === null || (kept.readAt !== null && kept.readAt > at + SLOW_ANSWER_MS)) return facts;
  const { hint } = kept;
  if (hint === null) return { ...facts, pullRequest: { ...kept, hint: { at, about: [what], heardAt } } };
  // News heard one after the other: a reading asked for in between settles only the first.
  const next: Hint = {
    at: Math.max(hint.at, at),
    about: [...new Set([...hint.about, what])].toSorted(),
    heardAt: Math.max(hint.heardAt, heardAt),
  };
  return isSame(hint, next) ? facts : { ...facts, pullRequest: { ...kept, hint: next } };
}

export function withCheck(facts: Facts, sha: string, check: Check, heardAt: number): Facts {
  const kept = facts.pullRequest;
  if (kept === null) return facts;
  const head = own(kept.heads, sha) ?? EMPTY_HEAD;
  const key = checkKey(check);
  const known = head.checks[key];
  if (known !== undefined && !isNewer(check, known)) return facts;
  if (known === undefined && Object.keys(head.checks).length >= MOST_CHECKS)
    return sha === kept.core.value.head ? withHint(facts, check.at, "checks", heardAt) : facts;
  const heads = { ...kept.heads, [sha]: { ...head, checks: { ...head.checks, [key]: check } } };
  return { ...facts, pullRequest: { ...kept, heads: boundedHeads(heads, kept.core.value.head) } };
}

/** What a later attempt takes the place of. Two workflows, or one that two events started, may name a job alike. */
function checkKey(check: Check): string {
  return `${check.app ?? "status"}:${check.workflowRun ?? ""}:${check.name}`;
}

const RANK = { queued: 0, running: 1, completed: 2 } as const;

/** A later attempt has a greater id; within one attempt it only goes forward; statuses go by time. */
function isNewer(check: Check, known: Check): boolean {
  if (check.id !== known.id) return compareIds(check.id, known.id) > 0;
  if (known.app === null) {
    return check.at > known.at || (check.at === known.at && RANK[check.status] > RANK[known.status]);
  }
  if (check.status !== known.status) return RANK[check.status] > RANK[known.status];
  return check.at > known.at;
}

function compareIds(a: string, b: string): number {
  return a.length === b.length ? (a < b ? -1 : a > b ? 1 : 0) : a.length - b.length;
}

function boundedHeads(
  heads: Readonly<Record<string, Head>>,
  current: string,
): Readonly<Record<string, Head>> {
  const names = Object.keys(heads);
  if (names.length <= MOST_HEADS) return heads;
  const drop = names.find((name) => name !== current);
  return Object.fromEntries(Object.entries(heads).filter(([name]) => name !== drop));
}

export function withReview(facts: Facts, review: Review): Facts {
  const kept = facts.pullRequest;
  if (kept === null) return facts;
  const known = own(kept.reviews, review.id);
  if (known !== undefined) {
    // A dismissal keeps the review's id and time; it never goes back.
    const dismissed = known.state === "dismissed" ? known.state : review.state;
    const by = review.by.permission === null ? { ...review.by, permission: known.by.permission } : review.by;
    const next = { ...review, state: dismissed, by };
    return { ...facts, pullRequest: { ...kept, reviews: { ...kept.reviews, [review.id]: next } } };
  }
  return { ...facts, pullRequest: { ...kept, reviews: { ...kept.reviews, [review.id]: review } } };
}

/** How long after news of something a reading may still come from a copy that does not have it (ms). */
const REPLICA_LAG_MS = 60_000;

/** What was heard and is new stays although a reading does not list it yet; a dismissal never goes back. */
function readReviews(
  kept: PullRequest["reviews"],
  { reviews, readAt }: PullRequestReading,
): PullRequest["reviews"] {
  const listed = reviews.map((review): [string, Review] => {
    const known = own(kept, review.id);
    return [review.id, known?.state === "dismissed" ? { ...review, state: known.state } : review];
  });
  const fresh = Object.entries(kept).filter(([, review]) => review.at > readAt - REPLICA_LAG_MS);
  return Object.fromEntries([...fresh, ...listed]);
}

/** All that the forge says about the pull request at one moment. Lists are whole: what is absent is gone, unless it is new. */
export function withPullRequestReading(facts: Facts, reading: PullRequestReading, at: number): Facts {
  const changed = withPullRequest(facts, reading, at, true, at);
  const kept = changed.pullRequest;
  if (kept === null || kept.number !== reading.number) return changed;
  const stale = at < kept.core.at || (kept.readAt !== null && reading.readAt < kept.readAt);
  // An old answer (a replica that lags) tells nothing that is not known better.
  if (stale) return changed;
  const sha = reading.core.head;
  const next: PullRequest = {
    ...kept,
    mergeable: { value: { head: sha, value: reading.mergeable }, at: reading.readAt, read: true },
    mergeState: { head: sha, value: reading.mergeState },
    required: { value: reading.required, at: reading.readAt, read: true },
    hasQueue: { value: reading.hasQueue, at: reading.readAt, read: true },
    heads: { [sha]: readHead(own(kept.heads, sha) ?? EMPTY_HEAD, reading) },
    reviews: readReviews(kept.reviews, reading),
    threads: Object.fromEntries(reading.threads.map((thread) => [thread.id, thread])),
    queue: later(kept.queue, reading.queue, reading.readAt, true),
    autoMerge: later(kept.autoMerge, reading.autoMerge, reading.readAt, true),
    autoMergeOurs: reading.autoMergeOurs,
    commits: reading.commits,
    readBase: reading.core.base,
    baseChangedAt: reading.baseChangedAt,
    ejections: ejections(reading.ejections),
    readAt: reading.readAt,
    readAskedAt: askedAtOf(kept, reading),
    hint: kept.hint !== null && isNewerThan(kept.hint, reading) ? kept.hint : null,
  };
  return { ...changed, pullRequest: next };
}

/** Readings that came before our push at `at` were asked for before it, whatever a clock that was ahead then said. */
export function withReadingsBefore(facts: Facts, at: number): Facts {
  const { pullRequest } = facts;
  if (pullRequest === null || (pullRequest.readAskedAt ?? at) <= at) return facts;
  return { ...facts, pullRequest: { ...pullRequest, readAskedAt: at } };
}

/** Readings of one second of the forge's cannot be told apart by it; else the newest counts, also after our clock was set back. */
function askedAtOf({ readAt, readAskedAt }: PullRequest, reading: PullRequestReading): number {
  return readAt === reading.readAt && readAskedAt !== null
    ? Math.max(readAskedAt, reading.askedAt)
    : reading.askedAt;
}

function isNewerThan(hint: Hint, reading: PullRequestReading): boolean {
  return hint.at > reading.readAt || hint.heardAt > reading.askedAt;
}

function readHead(kept: Head, reading: PullRequestReading): Head {
  // The order of the list says nothing about which of two attempts is the newer.
  const listed: Record<string, Check> = {};
  for (const check of reading.checks) {
    const key = checkKey(check);
    const known = listed[key];
    if (known === undefined || isNewer(check, known)) listed[key] = check;
  }
  const checks: Record<string, Check> = { ...listed };
  for (const [key, known] of Object.entries(kept.checks)) {
    const now = listed[key];
    // News that overtook the reading stays; what the reading no longer lists is gone, unless it is newer.
    if (now === undefined ? known.at > reading.readAt : isNewer(known, now)) checks[key] = known;
  }
  return {
    checks,
    confirmed: headDigest(listed),
    confirmedAt: reading.readAt,
    redOnBase: [...reading.redOnBase].toSorted(),
    expected: reading.checksExpected?.toSorted() ?? null,
    cut: reading.checksCut,
  };
}

function ejections(list: readonly Ejection[]): Readonly<Record<string, Ejection>> {
  return Object.fromEntries(list.map((ejection) => [`${ejection.at}:${ejection.head}`, ejection]));
}

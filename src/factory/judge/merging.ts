import { countedChecks, headDigest } from "./checks.ts";
import type { EffectResult, Facts, PullRequest } from "../facts/facts.ts";
import { digest } from "../facts/hash.ts";
import { own } from "../facts/own.ts";
import type { Situation } from "../rules/situation.ts";

/** Some time after our request the forge has done what it was asked for, and shows it (ms, our own clock). */
const MERGE_SHOWN_MS = 60_000;

/** A request of ours to merge the present pull request, answered. What it rested on is in its key. */
interface Request {
  readonly key: string;
  readonly head: string;
  readonly round: string;
  readonly evidence: string;
  readonly number: number;
  readonly result: EffectResult;
}

/** A merge that we asked for and that the forge may still be at. */
export interface MergeUnderWay {
  /** Names the request. */
  readonly key: string;
  /** Why it could not be taken back, if that was tried; else null. */
  readonly refused: string | null;
}

/** What came of our requests to merge this head. */
export interface Merging {
  /** Names the next request. */
  readonly key: string;
  /** Noes that still hold: nothing that the forge judges by has changed since. Newest last. */
  readonly refusals: readonly EffectResult[];
  /** The newest no, when it says that the rules of the base branch still wait for something. */
  readonly held: EffectResult | null;
  /** The yes on which the merge is still awaited, and until when by time alone. */
  readonly asked: { readonly detail: string; readonly until: number | null } | null;
  /** The yes after which a reading shows neither queue nor auto-merge, and no merge. */
  readonly lost: EffectResult | null;
  /** How often such a yes has come to nothing. */
  readonly futile: number;
}

/** Where the merge of the present head stands. It rests on what was read, not on whose clock is ahead. */
export function mergingOf(s: Situation): Merging {
  const { facts, pullRequest: pull } = s;
  if (pull === null) return { key: "", refusals: [], held: null, asked: null, lost: null, futile: 0 };
  const { head } = pull.core.value;
  const mine = requestsOf(facts, pull).filter((request) => request.head === head);
  const round = roundOf(s);
  const evidence = evidenceOf(pull);
  const number = mine.reduce((greatest, request) => Math.max(greatest, request.number), 0) + 1;
  const present = mine.filter((request) => request.round === round);
  const noes = present
    .filter(({ result, evidence: then }) => then === evidence && !result.ok && result.because !== "unwanted")
    .map(({ result }) => result);
  const yeses = present.filter((request) => request.result.ok && !isTakenBack(facts, request.key));
  const last = yeses.at(-1) ?? null;
  const asked = last === null ? null : awaited(s, pull, last.result);
  return {
    key: `${prefixOf(facts, pull)}${head}:${round}:${evidence}:${number}`,
    refusals: noes.filter(({ because }) => because !== "held"),
    held: noes.at(-1)?.because === "held" ? (noes.at(-1) ?? null) : null,
    asked:
      pull.autoMerge?.value === true
        ? { detail: last?.result.detail ?? "auto-merge is on", until: null }
        : asked,
    lost: asked === null ? (last?.result ?? null) : null,
    futile: yeses.length,
  };
}

/** A merge by another system is not ours to see; of any other a reading that was asked for since tells more. */
function awaited(s: Situation, pull: PullRequest, yes: EffectResult): Merging["asked"] {
  if (s.project?.merge.policy === "external" || !isReadSince(pull, yes))
    return { detail: yes.detail, until: null };
  const until = yes.at + MERGE_SHOWN_MS;
  return s.now < until ? { detail: yes.detail, until } : null;
}

/** Our newest request, if the forge said yes and may still be at it: what is to be taken back with the work. */
export function mergeUnderWay(facts: Facts): MergeUnderWay | null {
  const pull = facts.pullRequest;
  if (pull === null || pull.core.value.state !== "open") return null;
  const last = requestsOf(facts, pull).findLast(({ result }) => result.ok);
  if (last === undefined || isTakenBack(facts, last.key)) return unaskedMerge(facts, pull);
  const on = pull.autoMerge?.value === true && pull.autoMergeOurs !== false;
  const shown = pull.queue?.value != null || on;
  if (!shown && isReadSince(pull, last.result)) return null;
  return underWay(facts, last.key);
}

/**
 * Auto-merge that is ours by what the forge says, though no answer of it is known: that was lost, or was written down
 * by a relay of before. It is taken back once for each head.
 */
function unaskedMerge(facts: Facts, pull: PullRequest): MergeUnderWay | null {
  if (pull.autoMerge?.value !== true || pull.autoMergeOurs !== true) return null;
  const key = `${prefixOf(facts, pull)}${pull.core.value.head}:shown`;
  if (isTakenBack(facts, key)) return null;
  // What was read before a merge was taken back still shows it.
  const isOld = Object.entries(facts.results).some(
    ([known, result]) =>
      result.ok &&
      known.startsWith(firstCancelKey(facts, prefixOf(facts, pull))) &&
      !isReadSince(pull, result),
  );
  return isOld ? null : underWay(facts, key);
}

function underWay(facts: Facts, key: string): MergeUnderWay {
  return { key, refused: own(facts.results, cancelKey(facts, key))?.detail ?? null };
}

/**
 * Our own auto-merge, which would merge whatever head comes next. A merge queue lets go of a pull request whose head
 * moves, so that there is nothing to turn off there.
 */
export function ownAutoMerge(facts: Facts): MergeUnderWay | null {
  return facts.pullRequest?.hasQueue?.value === true ? null : mergeUnderWay(facts);
}

/** The policy wants an approval of this head, and there is none. */
export function isUnapproved({ project, reviews }: Situation): boolean {
  return project?.merge.policy === "when_approved" && reviews.approvals.length === 0;
}

/** A yes that no reading has shown the effect of yet; its key names what is to be read. */
export function unreadMerge(facts: Facts): string | null {
  const pull = facts.pullRequest;
  if (pull === null) return null;
  const last = requestsOf(facts, pull).findLast(({ result }) => result.ok);
  return last === undefined || isReadSince(pull, last.result) ? null : last.key;
}

/** Names the taking back of one request; a `retry` asks for it once more. */
export function cancelKey(facts: Facts, request: string): string {
  const first = firstCancelKey(facts, request);
  return facts.budgetReset === null ? first : `${first}${AGAIN}${facts.budgetReset.at}`;
}

const AGAIN = ":retry";

function firstCancelKey(facts: Facts, request: string): string {
  return `cancel_merge:${facts.id}:${request}`;
}

function isTakenBack(facts: Facts, request: string): boolean {
  const first = firstCancelKey(facts, request);
  return Object.entries(facts.results).some(
    ([key, { ok }]) => ok && (key === first || key.startsWith(`${first}${AGAIN}`)),
  );
}

function isReadSince(pull: PullRequest, result: EffectResult): boolean {
  return pull.readAskedAt !== undefined && pull.readAskedAt >= result.at;
}

function requestsOf(facts: Facts, pull: PullRequest): readonly Request[] {
  const prefix = prefixOf(facts, pull);
  return Object.entries(facts.results).flatMap(([key, result]) => {
    if (!key.startsWith(prefix)) return [];
    const [head = "", round = "", evidence = "", number = ""] = key.slice(prefix.length).split(":");
    return [{ key, head, round, evidence, number: Number(number), result }];
  });
}

function prefixOf(facts: Facts, pull: PullRequest): string {
  return `merge:${facts.id}:${pull.number}:`;
}

/** What makes a new request of the same head: another way out of the queue, a person's newer word, a `retry`. */
function roundOf({ ejection, authority, facts }: Situation): string {
  return digest([ejection?.key ?? "", String(authority?.at), String(facts.budgetReset?.at)]);
}

/** What the forge judges a merge by, as far as it was read. */
function evidenceOf(pull: PullRequest): string {
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

import type { Effect } from "../../factory/effects/effect.ts";
import type { IssueId } from "../../factory/facts/ids.ts";
import { TERMINAL } from "../../factory/facts/state.ts";
import type { FactoryState } from "../../factory/facts/state.ts";
import { isPassing } from "../../lib/external.ts";
import type { Discovered, EngineSettings, PlaceInList } from "../engine.ts";

/** How long a tracker may take for one part of its list, ms. */
export const DISCOVER_DEADLINE_MS = 60_000;
/** Readings of lost issues asked for at once: those of the sweep must not wait behind thousands. */
const ISSUES_PER_ROUND = 200;
/** A list that still goes on after so many answers has no end that we could wait for. */
const MOST_ANSWERS = 50;
/** What the tracker shows late is looked for again this far back. */
const OVERLAP_MS = 10 * 60_000;
/** How far back the very first look goes; older delegations are taken up by a new word from a person. */
const FIRST_LOOK_BACK_MS = 7 * 24 * 3_600_000;
/** How soon a look that is not through goes on. */
const GOES_ON_MS = 60_000;

/** An issue that the tracker calls ours, or that has changed, and in which of its workspaces it is. */
export type FoundIssue = Omit<Discovered["issues"][number], "by">;

/** How far a look has come; durable, so that neither a restart nor a flood loses what it has not taken yet. Times in Unix ms. */
export interface Look {
  readonly begun: number;
  readonly since: number;
  readonly answers: number;
  /** Where the list goes on; null = all of it was seen. */
  readonly rest: PlaceInList | null;
  /** Found, and not yet asked about. */
  readonly left: readonly FoundIssue[];
}

/** A new look for issues that are ours although no webhook told us. `last`: when the last whole one began; null = none did. */
export function firstLook(last: number | null, now: number): Look {
  // A look in the future is one of a clock that was ahead: nobody knows when it truly was.
  const from = last === null || last > now ? now - FIRST_LOOK_BACK_MS : last;
  return { begun: now, since: from - OVERLAP_MS, answers: 0, rest: null, left: [] };
}

/** The look with one more answer of the tracker; `endless` = its list is too long, and the rest of it is skipped. */
export function withAnswer(
  look: Look,
  found: Discovered,
): { readonly look: Look; readonly endless: boolean } {
  const answers = look.answers + 1;
  const endless = found.rest !== null && answers >= MOST_ANSWERS;
  const left = found.issues.map(({ by: _by, ...issue }) => issue);
  return { look: { ...look, answers, rest: endless ? null : found.rest, left }, endless };
}

/** Whether a look whose list could not be read on starts over: its place in the list is worthless now. */
export function startsOver({ rest }: Look, error: unknown): boolean {
  return rest !== null && !isPassing(error);
}

/**
 * What a round asks about, and what is left for the next; `through` = nothing is. `stateOf`: the state of a kept issue,
 * null of one that is not kept. The key names the change: what comes again in the next look was asked about.
 */
export function takeFrom(
  look: Look,
  stateOf: (issue: IssueId) => string | null,
  sweep: EngineSettings["sweep"],
): { readonly readings: readonly Effect[]; readonly next: Look; readonly through: boolean } {
  const asked = look.left.filter((found) => isAsked(found, stateOf(found.issue), sweep));
  const next: Look = { ...look, left: asked.slice(ISSUES_PER_ROUND) };
  return {
    readings: asked.slice(0, ISSUES_PER_ROUND).map(({ issue, workspace, at }) => ({
      kind: "read_ticket",
      key: `discover:${issue}:${at}`,
      issue,
      background: false,
      workspace,
    })),
    next,
    through: next.left.length === 0 && next.rest === null,
  };
}

/**
 * Whether an issue is asked about: null = not kept. An ended or paused one may have been delegated again; those under way
 * are swept anyway, and webhooks report them where there are any.
 */
export function isAsked(
  { isOurs }: Pick<FoundIssue, "isOurs">,
  state: string | null,
  { pollMs }: EngineSettings["sweep"],
): boolean {
  if (state === null) return isOurs;
  if (pollMs !== null) return true;
  return isOurs && (state === "paused" || TERMINAL.has(state as FactoryState));
}

/** How long between two looks, ms; `through` = all was seen. */
export function discoveryMs({ idleMs, pollMs }: EngineSettings["sweep"], through: boolean): number {
  return through ? (pollMs ?? idleMs) : Math.min(pollMs ?? GOES_ON_MS, GOES_ON_MS);
}

import { z } from "zod";
import type { Actor } from "../../../factory/facts/actor.ts";
import { iso } from "../../../lib/clock.ts";
import type { Log } from "../../../lib/log.ts";
import type { Discovery, TrackerIdentity } from "../../tracker.ts";
import { linearIssue } from "../events/interpretation.ts";

/** Pages of 50 that one look takes of each list; the next look goes on there. */
const MOST_PAGES = 20;

/** An issue on a page. */
export interface Found {
  readonly issue: string;
  readonly by: Actor;
  readonly at: number;
  /** Absent = it is. */
  readonly isOurs?: boolean;
}

export interface Page {
  readonly found: readonly Found[];
  /** Oldest change on the page, Unix ms; null = the page is empty. */
  readonly oldest: number | null;
  readonly next: string | null;
}

/** A list of Linear's, last changed first. */
export interface List {
  /** Its name in the place where a look goes on. */
  readonly name: string;
  readonly page: (after: string | null) => Promise<Page>;
}

/** Where a list goes on; `ended` = it was read to its end, null = from its beginning. */
const placeInList = z.union([z.object({ after: z.string() }), z.literal("ended")]).nullable();
type PlaceInList = z.output<typeof placeInList>;
const places = z.record(z.string(), placeInList);

/** Looks through each list back to `since` (Unix ms). An earlier list knows better by whom an issue is ours. */
export async function lookThrough(
  lists: readonly List[],
  { workspace }: Pick<TrackerIdentity, "workspace">,
  since: number,
  rest: string | null,
  log: Log,
): Promise<Discovery> {
  const from = rest === null ? {} : places.parse(JSON.parse(rest));
  const next: Record<string, PlaceInList> = {};
  const byIssue = new Map<string, Found>();
  for (const { name, page } of lists) {
    const looked = await pages(name, since, from[name] ?? null, page, log);
    next[name] = looked.next;
    for (const one of looked.found) {
      const before = byIssue.get(one.issue);
      const by = before === undefined || before.by.kind === "unknown" ? one.by : before.by;
      const isOurs = one.isOurs !== false || (before !== undefined && before.isOurs !== false);
      byIssue.set(one.issue, { issue: one.issue, by, at: Math.max(one.at, before?.at ?? one.at), isOurs });
    }
  }
  return {
    issues: [...byIssue.values()]
      .toSorted((a, b) => b.at - a.at)
      .map(({ issue, by, at, isOurs = true }) => ({ issue: linearIssue(issue), workspace, by, at, isOurs })),
    rest: Object.values(next).every((place) => place === "ended") ? null : JSON.stringify(next),
  };
}

async function pages(
  what: string,
  since: number,
  from: PlaceInList,
  page: (after: string | null) => Promise<Page>,
  log: Log,
): Promise<{ readonly found: readonly Found[]; readonly next: PlaceInList }> {
  if (from === "ended") return { found: [], next: "ended" };
  const found: Found[] = [];
  let after = from?.after ?? null;
  for (let count = 0; count < MOST_PAGES; count += 1) {
    const { found: here, oldest, next }: Page = await page(after);
    found.push(...here.filter((one) => one.at >= since));
    if (next === null || oldest === null || oldest < since) return { found, next: "ended" };
    after = next;
  }
  log.warn("too many issues for one search; the next one continues there", {
    what,
    pages: MOST_PAGES,
    since: iso(since),
  });
  return { found, next: after === null ? null : { after } };
}

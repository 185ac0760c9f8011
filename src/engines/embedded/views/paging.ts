import type { Page, PageRequest } from "../../documents.ts";
import { BadCursor } from "../../engine.ts";

const MOST = 500;

/** How many rows to read: one more than asked for, to know whether there is a next page. */
export function pageLimit(page: PageRequest): number {
  return Math.min(MOST, Math.max(1, Math.trunc(page.limit))) + 1;
}

/** The last key of the page before; null = from the beginning. Throws BadCursor. */
export function pageStart(page: PageRequest): number | null {
  if (page.cursor === null) return null;
  const text = Buffer.from(page.cursor, "base64url").toString("utf8");
  const found = /^k(\d{1,15})$/.exec(text);
  if (found === null) throw new BadCursor(page.cursor);
  return Number(found[1]);
}

/** Cuts what was read with `pageLimit` into a page. */
export function pageOf<R, T>(
  rows: readonly R[],
  page: PageRequest,
  keyOf: (row: R) => number,
  document: (row: R) => T,
): Page<T> {
  const shown = rows.slice(0, pageLimit(page) - 1);
  const last = shown.at(-1);
  const more = rows.length > shown.length && last !== undefined;
  return {
    items: shown.map(document),
    nextCursor: more ? Buffer.from(`k${keyOf(last)}`).toString("base64url") : null,
  };
}

import { inputError } from "../errors.ts";
import type { Row } from "../../model/records.ts";

/** The arguments of a connection. */
export interface PageArgs {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
  readonly includeArchived?: boolean | null;
  readonly orderBy?: "createdAt" | "updatedAt" | null;
}

/** Linear's default page and the largest it gives. */
export const DEFAULT_PAGE = 50;
const LARGEST_PAGE = 250;

export interface Connection<T> {
  readonly nodes: readonly T[];
  readonly edges: readonly { readonly node: T; readonly cursor: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

/** One page of rows (given in the order they were made), newest first by `orderBy`; cursors are row ids. */
export function page<T extends Row>(rows: readonly T[], args: PageArgs): Connection<T> {
  const by = args.orderBy ?? "createdAt";
  const ordered = rows
    .filter((row) => args.includeArchived === true || row.archivedAt === null)
    .map((row, index) => ({ row, index }))
    .toSorted((a, b) => b.row[by] - a.row[by] || b.index - a.index)
    .map(({ row }) => row);
  const from = args.after === undefined || args.after === null ? 0 : position(ordered, args.after) + 1;
  const to =
    args.before === undefined || args.before === null ? ordered.length : position(ordered, args.before);
  const size = sizeOf(args);
  const backwards = typeof args.last === "number" && typeof args.first !== "number";
  const start = backwards ? Math.max(from, to - size) : from;
  const end = backwards ? to : Math.min(to, from + size);
  const nodes = ordered.slice(start, end);
  return {
    nodes,
    edges: nodes.map((node) => ({ node, cursor: node.id })),
    pageInfo: {
      hasNextPage: end < ordered.length,
      hasPreviousPage: start > 0,
      startCursor: nodes[0]?.id ?? null,
      endCursor: nodes.at(-1)?.id ?? null,
    },
  };
}

function position(rows: readonly Row[], cursor: string): number {
  const index = rows.findIndex((row) => row.id === cursor);
  if (index < 0) throw inputError(`Argument Validation Error: no such cursor ${cursor}`);
  return index;
}

function sizeOf(args: PageArgs): number {
  const size = args.first ?? args.last ?? DEFAULT_PAGE;
  if (size < 1 || size > LARGEST_PAGE) {
    throw inputError(`Argument Validation Error: first and last must be 1 to ${LARGEST_PAGE}, not ${size}`);
  }
  return size;
}

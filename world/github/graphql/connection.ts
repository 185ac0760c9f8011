import { GraphQLError } from "graphql";

export interface PageArguments {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
}

/** One page of a list, as GitHub's connections give it. */
export function connection(items: readonly unknown[], given: PageArguments): Record<string, unknown> {
  const start = given.after === undefined || given.after === null ? 0 : positionIn(given.after) + 1;
  const end = given.before === undefined || given.before === null ? items.length : positionIn(given.before);
  let from = Math.min(start, end);
  let to = end;
  if (given.first !== undefined && given.first !== null) to = Math.min(to, from + given.first);
  if (given.last !== undefined && given.last !== null) from = Math.max(from, to - given.last);
  const nodes = items.slice(from, to);
  return {
    totalCount: items.length,
    nodes,
    edges: nodes.map((node, index) => ({ node, cursor: cursorOf(from + index) })),
    pageInfo: {
      hasNextPage: to < items.length,
      hasPreviousPage: from > 0,
      startCursor: nodes.length === 0 ? null : cursorOf(from),
      endCursor: nodes.length === 0 ? null : cursorOf(to - 1),
    },
  };
}

function cursorOf(position: number): string {
  return Buffer.from(`cursor:${position}`).toString("base64");
}

function positionIn(cursor: string): number {
  const found = /^cursor:(\d+)$/.exec(Buffer.from(cursor, "base64").toString("utf8"));
  if (found === null)
    throw new GraphQLError(`\`${cursor}\` does not appear to be a valid cursor.`, {
      extensions: { type: "INVALID_CURSOR_ARGUMENTS" },
    });
  return Number(found[1]);
}

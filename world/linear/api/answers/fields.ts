import { fulfils, type Filtered } from "./filter.ts";
import { page, type Connection, type PageArgs } from "./page.ts";
import type { IssueRow, Row } from "../../model/records.ts";
import type { View } from "../../view.ts";

/** The arguments of a field as the schema has checked them. */
export type Args = Readonly<Record<string, unknown>>;

/** How one field of a type is answered from its row. */
export type Field<T> = (row: T, view: View, args: Args) => unknown;
export type Fields<T> = Readonly<Record<string, Field<T>>>;

/** One page of the rows that fulfil `args.filter`. */
export function connection<T extends Row>(
  view: View,
  kind: Filtered | null,
  rows: readonly T[],
  args: Args,
): Connection<T> {
  const filter = args["filter"];
  const fitting =
    kind === null || typeof filter !== "object" || filter === null
      ? rows
      : rows.filter((row) => fulfils(view, kind, row, filter));
  return page(fitting, args as PageArgs);
}

/** The issues of a view that `keep` wants. */
export function issuesWhere(view: View, keep: (issue: IssueRow) => boolean): IssueRow[] {
  return view.all(view.model.issues).filter(keep);
}

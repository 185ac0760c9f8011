import type { IssueDocument } from "../../../engines/documents.ts";
import type { Context } from "../../usage/command.ts";
import { stateStyle } from "../../show/style.ts";
import type { Column } from "../../show/table.ts";
import { timeWriter } from "../../show/times.ts";

/** How issues look in a list. */
export function issueColumns(context: Context): readonly Column<IssueDocument>[] {
  const time = timeWriter(context.terminal, context.host.clock.now());
  const { style } = context;
  return [
    { head: "KEY", cell: ({ key }) => key, paint: () => style.bold },
    { head: "STATE", cell: ({ state }) => state, paint: ({ state }) => stateStyle(state, style) },
    { head: "SINCE", cell: ({ since }) => time(since) },
    { head: "PULL", cell: ({ pullRequest }) => (pullRequest === null ? null : `#${pullRequest.number}`) },
    { head: "REPOSITORY", cell: ({ repository }) => repository },
    { head: "TITLE", cell: ({ title }) => title, elastic: true },
  ];
}

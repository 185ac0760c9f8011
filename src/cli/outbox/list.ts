import type { OutboxDocument } from "../../engines/documents.ts";
import type { Command, Context } from "../usage/command.ts";
import { unknownIssue } from "../issue/find.ts";
import { printList } from "../show/list.ts";
import type { Column } from "../show/table.ts";
import { timeWriter } from "../show/times.ts";

export const command: Command = {
  arguments: [],
  options: {
    state: {
      value: "STATE",
      says: "only in this state",
      oneOf: ["pending", "doing", "done", "failed", "dropped"],
    },
    issue: { value: "KEY", says: "only of this issue" },
  },
  about: [],
  examples: [{ says: "what was given up on", line: "outbox list --state failed" }],
  async run(context) {
    const issue = context.value("issue");
    const views = await context.kept();
    if (issue !== null && views !== null && (await views.issueId(issue)) === null) unknownIssue(issue);
    return await printList(context, {
      page: (kept, request) => kept.outbox({ state: context.value("state"), issue }, request),
      columns: columns(context),
      empty: "No effects yet.",
      chosen: { of: "effects", by: ["state", "issue"] },
    });
  },
};

function columns(context: Context): readonly Column<OutboxDocument>[] {
  const time = timeWriter(context.terminal, context.host.clock.now());
  const { style } = context;
  return [
    { head: "ID", cell: ({ id }) => id, paint: () => style.bold },
    { head: "KIND", cell: ({ kind }) => kind },
    { head: "ISSUE", cell: ({ issue }) => issue },
    {
      head: "STATE",
      cell: ({ state }) => state,
      paint: ({ state }) => (state === "failed" ? style.red : (text) => text),
    },
    { head: "ATTEMPTS", cell: ({ attempts }) => attempts },
    { head: "NEXT", cell: ({ nextAt }) => time(nextAt) },
    { head: "ERROR", cell: ({ error }) => error, elastic: true },
  ];
}

import type { RunDocument } from "../../engines/documents.ts";
import { runTypeWords } from "../../factory/facts/run-types.ts";
import type { Command, Context } from "../usage/command.ts";
import { unknownIssue } from "../issue/find.ts";
import { printList } from "../show/list.ts";
import { count } from "../show/numbers.ts";
import type { Column } from "../show/table.ts";
import { timeWriter } from "../show/times.ts";

export const command: Command = {
  arguments: [],
  options: { issue: { value: "KEY", says: "only of this issue" } },
  about: [],
  examples: [{ says: "every attempt at one issue", line: "run list --issue APP-1" }],
  async run(context) {
    const issue = context.value("issue");
    const views = await context.kept();
    if (issue !== null && views !== null && (await views.issueId(issue)) === null) unknownIssue(issue);
    return await printList(context, {
      page: (kept, request) => kept.runs({ issue }, request),
      columns: columns(context),
      empty: "No runs yet.",
      chosen: { of: "runs", by: ["issue"] },
    });
  },
};

function columns(context: Context): readonly Column<RunDocument>[] {
  const time = timeWriter(context.terminal, context.host.clock.now());
  const tokens = ({ input, output }: RunDocument["tokens"]): string | number =>
    context.terminal ? count(input + output) : input + output;
  return [
    { head: "ID", cell: ({ id }) => id, paint: () => context.style.bold },
    { head: "TYPE", cell: ({ type }) => runTypeWords(type) },
    { head: "STATE", cell: ({ state }) => state },
    {
      head: "OUTCOME",
      cell: ({ outcome, failureClass }) => [outcome, failureClass].filter(Boolean).join(": "),
    },
    { head: "STARTED", cell: ({ startedAt }) => time(startedAt) },
    { head: "TOKENS", cell: (run) => tokens(run.tokens) },
    { head: "WHY", cell: ({ why }) => why, elastic: true },
  ];
}

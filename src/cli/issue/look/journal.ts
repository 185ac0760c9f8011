import type { JournalDocument, Page } from "../../../engines/documents.ts";
import type { Command, Context } from "../../usage/command.ts";
import { printList } from "../../show/list.ts";
import { stateStyle } from "../../show/style.ts";
import type { Column } from "../../show/table.ts";
import { timeWriter } from "../../show/times.ts";
import { KEY, unknownIssue } from "../find.ts";

export const command: Command = {
  arguments: [KEY],
  options: {},
  about: ["Newest first: what was seen, which rule applied, the resulting state, and why."],
  examples: [{ says: "the last five lines", line: "issue journal APP-1 --limit 5" }],
  async run(context) {
    const key = context.argument("KEY");
    // Before anything is printed: an unknown issue has no journal, not an empty one.
    const kept = await context.views();
    if ((await kept.issueId(key)) === null) unknownIssue(key);
    return await printList(context, {
      page: async (views, request): Promise<Page<JournalDocument>> =>
        (await views.journal(key, request)) ?? unknownIssue(key),
      columns: columns(context),
      empty: "Its journal is empty.",
    });
  },
};

function columns(context: Context): readonly Column<JournalDocument>[] {
  const time = timeWriter(context.terminal, context.host.clock.now());
  return [
    { head: "SEQ", cell: ({ seq }) => seq },
    { head: "WHEN", cell: ({ at }) => time(at) },
    { head: "SEEN", cell: ({ observation }) => observation.kind },
    { head: "SOURCE", cell: ({ observation }) => observation.source },
    { head: "STATE", cell: ({ to }) => to, paint: ({ to }) => stateStyle(to, context.style) },
    { head: "RULE", cell: ({ rule }) => rule },
    { head: "WHY", cell: ({ why }) => why, elastic: true },
  ];
}

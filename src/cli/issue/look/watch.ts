import type { JournalDocument, RunEventDocument, StreamLine } from "../../../engines/documents.ts";
import { parseRunId } from "../../../factory/facts/ids.ts";
import { TERMINAL } from "../../../factory/facts/state.ts";
import type { FactoryState } from "../../../factory/facts/state.ts";
import type { Command, Context } from "../../usage/command.ts";
import { follow } from "../../reach/follow.ts";
import { KEY, namedIssue } from "../find.ts";
import { streamText } from "./line.ts";

const SHOWN_BEFORE = 10;

export const command: Command = {
  arguments: [KEY],
  options: {},
  about: [
    "Starts with the last lines of the journal, then follows journal and run log until the issue ends or Ctrl-C.",
    "With --json each line is a StreamLine document {seq, kind, line}, as GET /api/stream sends them.",
  ],
  examples: [{ says: "follow it live", line: "issue watch APP-1" }],
  async run(context) {
    const signal = context.interrupted();
    const issue = await namedIssue(context);
    const views = await context.views();
    const journal = await views.journal(issue.id, { limit: SHOWN_BEFORE, cursor: null });
    const past = (journal?.items ?? []).toReversed();
    for (const line of past) show({ seq: line.seq, kind: "journal", line }, context);
    if (TERMINAL.has(issue.state)) {
      context.note(`${issue.key} has ended: ${issue.state}`);
      return 0;
    }
    for await (const line of follow(context, past.at(-1)?.seq ?? 0, signal, context.note)) {
      if (!isAbout(line, issue.id)) continue;
      show(line, context);
      if (line.kind === "journal" && TERMINAL.has((line.line as JournalDocument).to as FactoryState)) break;
    }
    return 0;
  },
};

function show(line: StreamLine, context: Context): void {
  context.say(context.json ? JSON.stringify(line) : streamText(line, context));
}

function isAbout(line: StreamLine, issue: string): boolean {
  if (line.kind === "journal") return (line.line as JournalDocument).issue === issue;
  return parseRunId((line.line as RunEventDocument).run)?.issue === issue;
}

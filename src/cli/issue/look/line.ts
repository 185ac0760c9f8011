import type { JournalDocument, RunEventDocument, StreamLine } from "../../../engines/documents.ts";
import { clip, escapeHidden } from "../../../lib/text.ts";
import type { Context } from "../../usage/command.ts";
import { stateStyle } from "../../show/style.ts";
import { clockTime } from "../../show/times.ts";

/** A line of the stream for a person. */
export function streamText(line: StreamLine, context: Context): string {
  return line.kind === "journal"
    ? journalText(line.line as JournalDocument, context)
    : eventText(line.line as RunEventDocument, context, context.terminal);
}

function journalText(line: JournalDocument, { style, terminal }: Context): string {
  const state = line.from === line.to || line.from === null ? line.to : `${line.from} → ${line.to}`;
  const seen = style.dim(escapeHidden(`${line.observation.kind} (${line.observation.source})`));
  return `${when(line.at, terminal)}  ${stateStyle(line.to, style)(state)}  ${seen}  ${escapeHidden(line.why)}`;
}

/** An event of a run for a person; `brief`: its first line, no wider than the terminal. Further lines are indented. */
export function eventText(line: RunEventDocument, context: Context, brief: boolean): string {
  const { style, terminal } = context;
  const at = when(line.at, terminal);
  const [first = "", ...more] = escapeHidden(line.text.trimEnd().replaceAll("\r\n", "\n"), "layout").split(
    "\n",
  );
  const room = context.host.stdout.columns - `${at}  ${line.kind}  `.length;
  const head = `${at}  ${style.dim(line.kind)}  ${brief ? clip(first, Math.max(20, room)) : first}`;
  return brief ? head : [head, ...more.map((text) => `    ${text}`)].join("\n");
}

function when(time: string, terminal: boolean): string {
  return terminal ? clockTime(time) : time;
}

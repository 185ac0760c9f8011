import type { JournalDocument, RunEventDocument, StreamLine } from "../../engines/documents.ts";
import { clip, escapeHidden } from "../../lib/text.ts";
import type { Context } from "../usage/command.ts";
import { stateStyle } from "../show/style.ts";
import { clockTime } from "../show/times.ts";

/** A line of the stream for a person. */
export function streamText(line: StreamLine, context: Context): string {
  return line.kind === "journal"
    ? journalText(line.line as JournalDocument, context)
    : eventText(line.line as RunEventDocument, context);
}

function journalText(line: JournalDocument, { style, terminal }: Context): string {
  const state = line.from === line.to || line.from === null ? line.to : `${line.from} → ${line.to}`;
  const seen = style.dim(escapeHidden(`${line.observation.kind} (${line.observation.source})`));
  return `${when(line.at, terminal)}  ${stateStyle(line.to, style)(state)}  ${seen}  ${escapeHidden(line.why)}`;
}

/** An event of a run for a person: one line on a terminal, whole elsewhere. */
export function eventText(line: RunEventDocument, context: Context): string {
  const { style, terminal } = context;
  const head = `${when(line.at, terminal)}  ${line.kind}  `;
  const text = escapeHidden(terminal ? (line.text.split("\n", 1)[0] ?? "") : line.text);
  const room = context.host.stdout.columns - head.length;
  return `${when(line.at, terminal)}  ${style.dim(line.kind)}  ${terminal ? clip(text, Math.max(20, room)) : text}`;
}

function when(time: string, terminal: boolean): string {
  return terminal ? clockTime(time) : time;
}

import type { Page, RunEventDocument, StreamLine } from "../../engines/documents.ts";
import type { Command, Context } from "../usage/command.ts";
import { openViews } from "../host/context.ts";
import { eventText } from "../issue/look/line.ts";
import { follow } from "../reach/follow.ts";
import { printList } from "../show/list.ts";
import { ID, namedRun } from "./find.ts";

const BATCH = 500;

export const command: Command = {
  arguments: [ID],
  options: { follow: { value: null, says: "keep following until the run ends or Ctrl-C" } },
  about: ["Oldest first. With --follow --json each line is one event document."],
  examples: [{ says: "look over the agent's shoulder", line: "run log ID --follow" }],
  async run(context) {
    const { id } = await namedRun(context);
    if (context.flag("follow")) return await followRun(context, id);
    if (context.json) {
      const page = async (views: Views, request: Request): Promise<Page<RunEventDocument>> =>
        (await views.runEvents(id, request)) ?? { items: [], nextCursor: null };
      return await printList(context, { page, columns: [], empty: "" });
    }
    const shown = await printed(context, await context.views(), id, context.limit ?? Infinity);
    if (shown.count === 0) context.note("Its log is empty.");
    return 0;
  },
};

type Views = Awaited<ReturnType<Context["views"]>>;
type Request = Parameters<Views["runEvents"]>[1];

async function followRun(context: Context, id: string): Promise<number> {
  const signal = context.interrupted();
  let { seq } = await printed(context, await context.views(), id, Infinity);
  if (await isOver(context, id)) return 0;
  for await (const line of follow(context, seq, signal, context.note)) {
    ({ seq } = line);
    if (isOf(line, id)) show(line.line as RunEventDocument, context);
    // Its end is a line of the journal, and comes after the run's last event.
    else if (line.kind === "journal" && (await isOver(context, id))) break;
  }
  return 0;
}

async function printed(
  context: Context,
  views: Views,
  id: string,
  most: number,
): Promise<{ readonly seq: number; readonly count: number }> {
  let cursor = context.cursor;
  let seq = 0;
  let count = 0;
  do {
    const page = await views.runEvents(id, { limit: Math.min(BATCH, most - count), cursor });
    for (const event of page?.items ?? []) {
      show(event, context);
      ({ seq } = event);
      count += 1;
    }
    cursor = page?.nextCursor ?? null;
  } while (cursor !== null && count < most);
  return { seq, count };
}

// Opened again: what was opened before may be a copy.
async function isOver(context: Context, id: string): Promise<boolean> {
  const views = await openViews(context.host, context.located());
  try {
    return ((await views?.run(id))?.state ?? "ended") === "ended";
  } finally {
    await views?.close();
  }
}

function isOf(line: StreamLine, id: string): boolean {
  return line.kind === "run" && (line.line as RunEventDocument).run === id;
}

function show(event: RunEventDocument, context: Context): void {
  context.say(context.json ? JSON.stringify(event) : eventText(event, context, false));
}

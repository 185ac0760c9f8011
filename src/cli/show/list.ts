import type { Page, PageRequest } from "../../engines/documents.ts";
import type { Views } from "../../engines/engine.ts";
import { escapeHidden } from "../../lib/text.ts";
import { layoutOf } from "../../settings/load/layout.ts";
import type { Context } from "../usage/command.ts";
import { separated, tableLines } from "./table.ts";
import type { Column } from "./table.ts";

/** A list: how its pages are read, its columns, and what to say when it is empty. */
export interface List<T> {
  readonly page: (views: Views, request: PageRequest) => Promise<Page<T>>;
  readonly columns: readonly Column<T>[];
  readonly empty: string;
  /** Its items, and the options that choose among them: an empty choice is not an empty list. */
  readonly chosen?: { readonly of: string; readonly by: readonly string[] };
}

const PAGE = 500;
const ON_TERMINAL = 50;

/**
 * Prints a list: whole for programs, 50 at a time on a terminal, unless --limit says how many. Written page by page,
 * so that memory holds one page however long the list is. With no database the list is empty.
 */
export async function printList<T>(context: Context, list: List<T>): Promise<number> {
  const views = await context.kept();
  if (context.json) {
    await printDocument(context, list, views);
    return 0;
  }
  if (views === null) {
    context.note(nothingYet(context));
    return 0;
  }
  if (context.terminal) await printTable(context, list, views);
  else {
    const ended = await eachPage(context, list, views, context.limit, (rows) => {
      for (const row of rows) context.say(separated(list.columns, row));
    });
    if (ended.nextCursor !== null) context.note(`more: --cursor ${ended.nextCursor}`);
  }
  return 0;
}

/** What to say where nothing was ever kept. */
export function nothingYet(context: Pick<Context, "located">): string {
  const { database } = layoutOf(context.located().dataDir);
  return `No relay has run here yet: there is no ${database}. Start one with \`patchrelay serve\`, or set dataDir to where it has run.`;
}

async function printTable<T>(context: Context, list: List<T>, views: Views): Promise<void> {
  const rows: T[] = [];
  const { nextCursor } = await eachPage(context, list, views, context.limit ?? ON_TERMINAL, (more) => {
    rows.push(...more);
  });
  if (rows.length === 0) return context.say(emptyText(context, list));
  const { columns } = context.host.stdout;
  for (const line of tableLines(list.columns, rows, context.style, columns)) context.say(line);
  if (nextCursor !== null)
    context.say(context.style.dim(`… more: --cursor ${nextCursor}, or a larger --limit`));
}

function emptyText<T>(context: Context, { empty, chosen }: List<T>): string {
  const given = (chosen?.by ?? []).flatMap((name) => {
    const value = context.value(name);
    return value === null ? [] : [`--${name} ${escapeHidden(value)}`];
  });
  return chosen === undefined || given.length === 0 ? empty : `No ${chosen.of} with ${given.join(" and ")}.`;
}

// The first page is read before anything is written: a cursor that is none must leave standard output empty.
async function printDocument<T>(context: Context, list: List<T>, views: Views | null): Promise<void> {
  let before = '{"items":[\n';
  const { nextCursor } =
    views === null
      ? { nextCursor: null }
      : await eachPage(context, list, views, context.limit, (rows) => {
          for (const row of rows) {
            context.host.stdout.write(before + JSON.stringify(row));
            before = ",\n";
          }
        });
  const start = before === ",\n" ? "\n" : '{"items":[';
  context.say(`${start}],"nextCursor":${JSON.stringify(nextCursor)}}`);
}

// The cursor moves on with every page, so the loop ends with the list.
async function eachPage<T>(
  context: Context,
  list: List<T>,
  views: Views,
  most: number | null,
  take: (rows: readonly T[]) => void,
): Promise<{ readonly nextCursor: string | null }> {
  let left = most ?? Infinity;
  let { cursor } = context;
  do {
    const page = await list.page(views, { limit: Math.min(PAGE, left), cursor });
    take(page.items);
    left -= page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== null && left > 0);
  return { nextCursor: cursor };
}

import type { WhyDocument } from "../../../engines/documents.ts";
import type { Views } from "../../../engines/engine.ts";
import { escapeHidden } from "../../../lib/text.ts";
import { parseTime } from "../../../lib/clock.ts";
import { quoted } from "../../usage/argv.ts";
import type { Command, Context } from "../../usage/command.ts";
import { notFound, wrongUsage } from "../../usage/failure.ts";
import { fieldLines } from "../../show/fields.ts";
import { stateStyle } from "../../show/style.ts";
import { tableLines } from "../../show/table.ts";
import { timeWriter } from "../../show/times.ts";
import { KEY, unknownIssue } from "../find.ts";

export const command: Command = {
  arguments: [KEY],
  options: {
    at: {
      value: "SEQ|TIME",
      says: "as it was at a line of the journal, or at a time such as 2026-01-05T09:00:00Z",
    },
  },
  about: [],
  examples: [
    { says: "why it is doing this, or not doing that", line: "issue why APP-1" },
    { says: "as it was at line 42 of the journal", line: "issue why APP-1 --at 42" },
  ],
  async run(context) {
    const key = context.argument("KEY");
    const at = context.value("at");
    const moment = at === null ? null : momentOf(at);
    const views = await context.views();
    if ((await views.issueId(key)) === null) unknownIssue(key);
    if (moment !== null && "seq" in moment) await refuseUnwritten(views, key, moment.seq);
    const why = await views.why(key, moment);
    if (why === null) {
      throw notFound(
        `nothing was known about ${quoted(key)} at ${quoted(at ?? "that moment")}`,
        `\`patchrelay issue journal ${key}\` shows where it begins`,
      );
    }
    context.answer(why, () => whyLines(why, key, context));
    return 0;
  },
};

/** A line that is not there yet must not look like the newest one. */
async function refuseUnwritten(views: Views, key: string, seq: number): Promise<void> {
  const newest = (await views.journal(key, { limit: 1, cursor: null }))?.items[0]?.seq;
  if (newest === undefined || seq <= newest) return;
  throw notFound(
    `the journal of ${quoted(key)} has no line ${seq} yet; its newest is ${newest}`,
    `\`patchrelay issue journal ${key}\` lists them`,
  );
}

function whyLines(why: WhyDocument, key: string, context: Context): readonly string[] {
  const { style } = context;
  const time = timeWriter(context.terminal, context.host.clock.now());
  const evidence = [
    { head: "FACT", cell: (row: WhyDocument["evidence"][number]) => row.fact },
    { head: "VALUE", cell: (row: WhyDocument["evidence"][number]) => row.value, elastic: true },
    { head: "SOURCE", cell: (row: WhyDocument["evidence"][number]) => row.source },
    { head: "WHEN", cell: (row: WhyDocument["evidence"][number]) => (row.at === null ? null : time(row.at)) },
  ];
  return [
    `${style.bold(escapeHidden(key))} is ${stateStyle(why.state, style)(why.state)}: ${escapeHidden(why.why)}`,
    "",
    ...fieldLines(
      [
        ["rule", why.rule],
        ["waits for", why.waitsFor],
        ["until", why.until === null ? null : time(why.until)],
        ["as of", time(why.at)],
      ],
      style,
    ),
    ...(why.evidence.length === 0
      ? []
      : ["", ...tableLines(evidence, why.evidence, style, context.host.stdout.columns)]),
  ];
}

function momentOf(text: string): { readonly seq: number } | { readonly time: number } {
  if (/^\d{1,15}$/.test(text)) return { seq: Number(text) };
  // Date.parse takes far more than ISO 8601, and differently in each place.
  const time = /^\d{4}-\d{2}-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2})?)?$/.test(text) ? parseTime(text) : null;
  if (time !== null) return { time };
  throw wrongUsage(
    `--at is ${quoted(text)}; expected a number from the SEQ column of \`issue journal\`, or a time`,
    "for example --at 42 or --at 2026-01-05T09:00:00Z",
  );
}

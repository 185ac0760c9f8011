import type { RunDocument } from "../../engines/documents.ts";
import { runTypeWords } from "../../factory/facts/run-types.ts";
import { parseTime } from "../../lib/clock.ts";
import type { Command, Context } from "../usage/command.ts";
import { fieldLines } from "../show/fields.ts";
import { count, dollars } from "../show/numbers.ts";
import { lengthOf, timeWriter } from "../show/times.ts";
import { ID, namedRun } from "./find.ts";

export const command: Command = {
  arguments: [ID],
  options: {},
  about: [],
  examples: [
    { says: "how an attempt ended", line: "run show linear-6f0c2a1e-4d7b-4a53-9e1c-2f8b7c6d5e4f.1" },
  ],
  async run(context) {
    const run = await namedRun(context);
    context.answer(run, () => runPage(run, context));
    return 0;
  },
};

function runPage(run: RunDocument, context: Context): readonly string[] {
  const { style } = context;
  const now = context.host.clock.now();
  const time = timeWriter(context.terminal, now);
  const { input, cached, output } = run.tokens;
  return [
    `${style.bold(run.id)}  run ${run.number} (${runTypeWords(run.type)})`,
    "",
    ...fieldLines(
      [
        ["issue", run.issue],
        ["state", run.state],
        ["outcome", run.outcome],
        ["failure", run.failureClass],
        ["why", run.why],
        ["started", run.startedAt === null ? null : time(run.startedAt)],
        ["ended", run.endedAt === null ? null : time(run.endedAt)],
        ["took", tookText(run, now)],
        ["head", headText(run)],
        ["thread", run.thread],
        ["turn", run.turn],
        ["tokens", `${count(input)} in (${count(cached)} cached), ${count(output)} out`],
        ["cost", dollars(run.usd)],
      ],
      style,
    ),
  ];
}

function tookText(run: RunDocument, now: number): string | null {
  const started = parseTime(run.startedAt);
  return started === null ? null : lengthOf((parseTime(run.endedAt) ?? now) - started);
}

function headText({ headBefore, headAfter }: RunDocument): string | null {
  if (headBefore === null && headAfter === null) return null;
  return `${headBefore ?? "(none)"} → ${headAfter ?? "(unchanged)"}`;
}

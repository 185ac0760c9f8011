import type { IssueDocument, StatusDocument } from "../engines/documents.ts";
import type { Views } from "../engines/engine.ts";
import { escapeHidden } from "../lib/text.ts";
import { layoutOf } from "../settings/load/layout.ts";
import type { Command, Context } from "./usage/command.ts";
import { failureOf } from "./usage/failure.ts";
import { issueColumns } from "./issue/look/columns.ts";
import { lookAtRelay } from "./reach/condition.ts";
import type { Condition } from "./reach/condition.ts";
import { fieldLines } from "./show/fields.ts";
import { nothingYet } from "./show/list.ts";
import { count, dollars } from "./show/numbers.ts";
import { tableLines } from "./show/table.ts";
import { lengthOf, timeWriter } from "./show/times.ts";
import { packageVersion } from "./host/version.ts";

/** States in which nothing goes on without a person. */
const NEEDS_PERSON = ["awaiting_input", "escalated", "awaiting_review"] as const;
/** Issues told per such state; `issue list --state` tells the rest. */
const SHOWN = 20;

export const command: Command = {
  arguments: [],
  options: {},
  about: [
    "Exits 0 even if the relay is down: with --json, `relay` says up or down, and `ready` whether it can work. Exits 1 if the database cannot be read (`database` says why) or the configuration has problems (`configuration` says so).",
  ],
  examples: [{ says: "is it up, for a script", line: "status --json | jq -r .relay" }],
  async run(context) {
    const relay = context.relay();
    const problems = await context.problems();
    const condition = await lookAtRelay(relay);
    const { kept, trouble } = await lookAtDatabase(context);
    const document: StatusDocument = {
      ...condition,
      version: packageVersion(),
      node: process.versions.node,
      configuration: problems,
      database: trouble,
      ...(kept ?? NOTHING),
    };
    context.answer(document, () => [
      ...relayLines(condition, context),
      "",
      ...(kept === null ? nothingKept(condition, trouble, context) : keptLines(kept, context)),
    ]);
    return trouble === null && problems === null ? 0 : 1;
  },
};

/** Null = nothing was ever kept, or it cannot be read for that reason. */
async function lookAtDatabase(
  context: Context,
): Promise<{ readonly kept: Kept | null; readonly trouble: string | null }> {
  try {
    const views = await context.kept();
    return { kept: views === null ? null : await keptBy(views), trouble: null };
  } catch (error) {
    // How the relay is can be told all the same.
    return { kept: null, trouble: failureOf(error).message };
  }
}

function nothingKept({ relay }: Condition, trouble: string | null, context: Context): readonly string[] {
  if (trouble !== null) return fieldLines([["database", trouble, context.style.red]], context.style);
  if (relay === "down") return [nothingYet(context)];
  const { database } = layoutOf(context.located().dataDir);
  return [
    `There is no ${database}, although a relay answers: its data folder is gone, or it runs with another dataDir.`,
  ];
}

type Kept = Pick<StatusDocument, "issues" | "deliveries" | "outbox" | "budget" | "needsPerson">;

const NOTHING: Kept = { issues: {}, deliveries: {}, outbox: {}, budget: null, needsPerson: [] };

async function keptBy(views: Views): Promise<Kept> {
  const { byState, deliveries, outbox } = await views.counts();
  const waiting: IssueDocument[] = [];
  for (const state of NEEDS_PERSON) {
    const page = await views.issues({ state, repo: null, q: null }, { limit: SHOWN, cursor: null });
    waiting.push(...page.items);
  }
  return { issues: byState, deliveries, outbox, budget: await views.budget(), needsPerson: waiting };
}

function relayLines(condition: Condition, context: Context): readonly string[] {
  const { style } = context;
  const { relay, url, detail, ready, relayVersion, previousSecrets } = condition;
  const time = timeWriter(context.terminal, context.host.clock.now());
  const paint = relay === "down" ? style.red : ready?.ready === false ? style.yellow : style.green;
  const word =
    relay === "down" ? "down" : ready === null ? "up" : ready.ready ? "up, ready" : "up, not ready";
  const own = packageVersion();
  const running = relayVersion === null || relayVersion === own ? "" : `, the relay ${relayVersion}`;
  return fieldLines(
    [
      ["relay", word, paint],
      ["at", url],
      ["detail", detail],
      ...Object.entries(ready?.parts ?? {})
        .map(
          ([name, part]) =>
            [
              `  ${name}`,
              `${part.ok ? "ok" : "not ok"}: ${part.detail}${part.ageMs === null ? "" : age(name, part.ageMs)}`,
              part.ok ? undefined : style.yellow,
            ] as const,
        )
        .map(([label, text, painted]) =>
          painted === undefined ? ([label, text] as const) : ([label, text, painted] as const),
        ),
      ...Object.entries(previousSecrets ?? {}).map(
        ([source, at]) =>
          // Null hides the line: without a use there is nothing that an operator should wait for.
          [`previous ${source} secret`, at === null ? null : `last needed ${time(at)}`] as const,
      ),
      ["version", `${own}${running}, Node ${process.versions.node}`],
    ],
    style,
  );
}

/** How old what a part tells is: the sweep counts from its last round, a sign-in from its check, the rest from what waits. */
function age(name: string, ms: number): string {
  if (name === "sweep") return ` (last ${lengthOf(ms)} ago)`;
  return name === "inbox" || name === "outbox"
    ? ` (oldest ${lengthOf(ms)})`
    : ` (checked ${lengthOf(ms)} ago)`;
}

function keptLines(kept: Kept, context: Context): readonly string[] {
  const { style, host } = context;
  const { budget, needsPerson, outbox, deliveries } = kept;
  const failed = outbox["failed"] ?? 0;
  const quarantined = deliveries["quarantined"] ?? 0;
  const today =
    budget === null
      ? null
      : [
          `${budget.runsToday} ${budget.runsToday === 1 ? "run" : "runs"}`,
          `${count(budget.tokensToday)} tokens`,
          `${dollars(budget.usdToday)}${budget.usdPerDay === null ? "" : ` of ${dollars(budget.usdPerDay)}`}`,
        ].join(", ");
  return [
    ...fieldLines(
      [
        ["issues", tally(kept.issues) ?? "none"],
        ["today", today],
        ["outbox", (outbox["pending"] ?? 0) === 0 ? null : `${outbox["pending"]} pending`],
        [
          "given up",
          failed === 0 ? null : `${failed} effects: patchrelay outbox list --state failed`,
          style.red,
        ],
        [
          "quarantined",
          quarantined === 0 ? null : `${quarantined}: patchrelay delivery list --state quarantined`,
          style.yellow,
        ],
      ],
      style,
    ),
    "",
    ...(needsPerson.length === 0
      ? ["No issue needs a person."]
      : [
          style.bold("Needs a person:"),
          ...tableLines(issueColumns(context), needsPerson, style, host.stdout.columns),
        ]),
  ];
}

function tally(counts: Readonly<Record<string, number>>): string | null {
  const parts = Object.entries(counts).map(([state, number]) => `${number} ${escapeHidden(state)}`);
  return parts.length === 0 ? null : parts.join(", ");
}

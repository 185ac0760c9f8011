import { escapeHidden } from "../lib/text.ts";
import type { Command, Context } from "./usage/command.ts";
import { checkCheckout } from "./doctor/checkout.ts";
import { checkConfig } from "./doctor/config.ts";
import { checkFolder, checkDatabase } from "./doctor/folder.ts";
import type { Finding } from "./doctor/finding.ts";
import { checkOutside } from "./doctor/outside.ts";
import { engineOf } from "./host/registry.ts";
import { readOnlyVault } from "./host/vault.ts";
import { checkConfinement, checkGit, checkNode } from "./doctor/programs.ts";

export const command: Command = {
  arguments: [],
  options: { offline: { value: null, says: "do not call Linear or GitHub" } },
  about: [
    "Each line is ok, warn, fail or skipped, with what to do about it. Exits 1 on any fail. It undoes what it tries and does not touch the relay's data.",
  ],
  examples: [
    { says: "before the first start, or when something looks wrong", line: "doctor" },
    { says: "without a network", line: "doctor --offline" },
  ],
  async run(context) {
    const findings: Finding[] = [];
    const stop = context.interrupted();
    for await (const finding of examine(context, stop)) {
      findings.push(finding);
      if (!context.json) for (const line of findingLines(finding, context)) context.say(line);
      if (stop.aborted) break;
    }
    const failed = findings.filter(({ state }) => state === "fail").length;
    const warned = findings.filter(({ state }) => state === "warn").length;
    context.answer({ ok: failed === 0, findings }, () => [
      "",
      `${failed === 0 ? "No failures" : counted(failed, "failure")}, ${counted(warned, "warning")}.`,
    ]);
    return failed === 0 ? 0 : 1;
  },
};

async function* examine(context: Context, signal: AbortSignal): AsyncGenerator<Finding> {
  const { host } = context;
  yield checkNode(process.versions.node);
  yield await checkGit(host, signal);
  yield await checkConfinement(host, signal);
  const { settings, credentials, findings } = await checkConfig(host, context.configFlag);
  yield* findings;
  if (settings === null) return;
  yield await checkCheckout(host, settings, signal);
  const { row } = await engineOf(host, settings.engine);
  const maintenance = row === null ? null : await row.maintenance();
  yield* await checkFolder(settings, maintenance);
  if (maintenance !== null) yield checkDatabase(settings, maintenance, host.clock.now());
  yield* checkOutside({
    settings,
    credentials,
    host,
    offline: context.flag("offline"),
    signal,
    vault: async (all) => await readOnlyVault(context, all),
  });
}

function findingLines({ check, state, says, todo }: Finding, { style }: Context): readonly string[] {
  const paint = { ok: style.green, warn: style.yellow, fail: style.red, skipped: style.dim }[state];
  const head = `${paint(state.padEnd(7))} ${check}: ${escapeHidden(says)}`;
  return todo === null ? [head] : [head, `        ${style.dim("→")} ${escapeHidden(todo)}`];
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

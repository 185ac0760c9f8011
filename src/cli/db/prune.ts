import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Settings } from "../../settings/settings.ts";
import type { Command, Context } from "../usage/command.ts";
import { settingsOf } from "../host/settings.ts";
import { badSettings } from "../usage/failure.ts";
import { databaseOf } from "./database.ts";

const DAY_MS = 86_400_000;

export const command: Command = {
  arguments: [],
  options: { "dry-run": { value: null, says: "count only, on a copy" } },
  about: [
    "storage.keep…Days sets the retention. A running relay prunes automatically; use this when it is stopped. --dry-run also works while it runs.",
  ],
  examples: [{ says: "what would go", line: "db prune --dry-run" }],
  async run(context) {
    const loaded = await settingsOf(context.host, context.configFlag);
    if (!loaded.ok) throw badSettings(loaded.problems);
    const dryRun = context.flag("dry-run");
    const storage = limitsOf(loaded.settings);
    const removed = dryRun ? await onCopy(context, storage) : await onSite(context, storage);
    context.answer({ dryRun, removed }, () => [
      dryRun ? "Would go:" : "Gone:",
      ...Object.entries(removed).map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`),
    ]);
    return 0;
  },
};

type Maintenance = Awaited<ReturnType<typeof databaseOf>>["maintenance"];
type Limits = Parameters<Maintenance["prune"]>[1];
type Removed = ReturnType<Maintenance["prune"]>;

async function onSite(context: Context, storage: Limits): Promise<Removed> {
  const { layout, maintenance } = await databaseOf(context);
  const { clock, pid } = context.host;
  return maintenance.prune(layout.database, storage, clock, pid);
}

async function onCopy(context: Context, storage: Limits): Promise<Removed> {
  const { layout, maintenance } = await databaseOf(context);
  const { clock, pid } = context.host;
  const folder = mkdtempSync(join(tmpdir(), "patchrelay-prune-"));
  try {
    const copy = join(folder, "patchrelay.db");
    await maintenance.backup(layout.database, copy);
    return maintenance.prune(copy, storage, clock, pid);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function limitsOf({ storage }: Settings): Limits {
  return {
    minFreeBytes: storage.minFreeMiB * 1_048_576,
    keepDeliveriesMs: storage.keepDeliveriesDays * DAY_MS,
    keepDigestsMs: storage.keepDigestsDays * DAY_MS,
    keepRunEventsMs: storage.keepRunEventsDays * DAY_MS,
    keepJournalMs: storage.keepJournalDays * DAY_MS,
  };
}

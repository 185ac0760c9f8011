import { silentLog } from "../../lib/log.ts";
import { messageOf } from "../../lib/assert.ts";
import { escapeHidden } from "../../lib/text.ts";
import type { TrackerRow, Workspace } from "../../registry.ts";
import { childEnvironment } from "../../settings/load/environment.ts";
import { withDeadline } from "../../lib/external.ts";
import { configurationOf } from "../host/settings.ts";
import { inheritedBy } from "../host/registry.ts";
import { readOnlyVault } from "../host/vault.ts";
import type { Command, Context } from "../usage/command.ts";
import { badSettings, Failure } from "../usage/failure.ts";

const ASK_MS = 60_000;

/** What is asked: the label of the tracker and what lists its workspaces. */
type Listing = Required<Pick<TrackerRow, "label" | "workspaces">>;

/** Lists what the configuration may name of the tracker with this name. */
export function syncWith(source: string, listing: Listing): Command {
  const { label } = listing;
  return {
    arguments: [],
    options: {},
    about: [
      `Reads teams, statuses, labels and projects from ${label}, as \`projects[].${source}\` in the config names them. It changes nothing.`,
    ],
    examples: [
      { says: "what teams are there", line: `${source} sync` },
      { says: "for a script", line: `${source} sync --json` },
    ],
    async run(context) {
      const items = await listed(context, listing);
      context.answer({ items, nextCursor: null }, () => items.flatMap(lines));
      return 0;
    },
  };
}

async function listed(context: Context, { label, workspaces }: Listing): Promise<readonly Workspace[]> {
  const { host } = context;
  const { loaded, read } = await configurationOf(host, context.configFlag);
  if (!loaded.ok) throw badSettings(loaded.problems);
  if (!read.ok) throw badSettings(read.problems);
  const { settings } = loaded;
  const { credentials } = read;
  const parts = {
    settings,
    credentials,
    childEnv: childEnvironment(host.env, await inheritedBy(host, settings)),
    clock: host.clock,
    randomness: await host.randomness(),
    log: silentLog,
    vault: await readOnlyVault(context, credentials),
  };
  try {
    return await withDeadline(host.clock, context.interrupted(), ASK_MS, label, (until) =>
      workspaces(parts, until),
    );
  } catch (error) {
    throw new Failure(1, "not_read", `${label} could not be read: ${messageOf(error)}`, {
      hint: "`patchrelay doctor` checks the sign-in",
    });
  }
}

function lines({ name, teams, projects, labels }: Workspace): readonly string[] {
  const shown = (what: string, names: readonly string[]): readonly string[] =>
    names.length === 0 ? [] : [`  ${what}: ${names.map((one) => escapeHidden(one)).join(", ")}`];
  return [
    `Workspace ${escapeHidden(name)}`,
    ...teams.flatMap((team) => [
      `  Team ${escapeHidden(team.key)} (${escapeHidden(team.name)})`,
      ...shown(
        "  statuses",
        team.statuses.map((status) => `${status.name} (${status.type})`),
      ),
      ...shown("  labels", team.labels),
    ]),
    ...shown("Labels of all teams", labels),
    ...shown("Projects", projects),
  ];
}

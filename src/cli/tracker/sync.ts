import { silentLog } from "../../lib/log.ts";
import { messageOf } from "../../lib/assert.ts";
import { escapeHidden } from "../../lib/text.ts";
import type { Workspace } from "../../registry.ts";
import { childEnvironment } from "../../settings/load/environment.ts";
import { withDeadline } from "../../lib/external.ts";
import { configurationOf } from "../host/settings.ts";
import { inheritedBy, registryOf } from "../host/registry.ts";
import { readOnlyVault } from "../host/vault.ts";
import type { Command, Context } from "../usage/command.ts";
import { badSettings, Failure } from "../usage/failure.ts";

const ASK_MS = 60_000;

/** Lists what the configuration may name of the source with this name. */
export function syncWith(source: string, label: string): Command {
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
      const items = await listed(context, source, label);
      context.answer({ items, nextCursor: null }, () => items.flatMap(lines));
      return 0;
    },
  };
}

async function listed(context: Context, source: string, label: string): Promise<readonly Workspace[]> {
  const { host } = context;
  const { loaded, read } = await configurationOf(host, context.configFlag);
  if (!loaded.ok) throw badSettings(loaded.problems);
  if (!read.ok) throw badSettings(read.problems);
  const { settings } = loaded;
  const { credentials } = read;
  const row = (await registryOf(host)).sources[source];
  if (row?.kind !== "tracker" || row.workspaces === undefined)
    throw new Failure(1, "not_supported", `${label} has nothing to list`, { hint: null });
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
    const { workspaces } = row;
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

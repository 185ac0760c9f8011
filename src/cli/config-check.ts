import { escapeHidden } from "../lib/text.ts";
import { problemText } from "../settings/load/problem.ts";
import type { Settings } from "../settings/settings.ts";
import type { Command, Context } from "./usage/command.ts";
import { engineOf, registryOf } from "./host/registry.ts";
import { settingsOf } from "./host/settings.ts";
import { badSettings } from "./usage/failure.ts";
import { fieldLines } from "./show/fields.ts";

export const command: Command = {
  arguments: [],
  options: {},
  about: [
    "Reports all problems at once (exit 1), or prints a summary. It does not look at credentials; `doctor` does.",
  ],
  examples: [{ says: "before a restart", line: "config check --config new.json" }],
  async run(context) {
    const loaded = await settingsOf(context.host, context.configFlag);
    if (!loaded.ok) throw badSettings(loaded.problems);
    const { settings, warnings } = loaded;
    const { row, instead } = await engineOf(context.host, settings.engine);
    if (row === null) {
      const message = `"${settings.engine}" is not supported yet`;
      throw badSettings([{ file: settings.file, path: "engine", message, hint: `write "${instead}"` }]);
    }
    const { sources } = await registryOf(context.host);
    const trackers = Object.entries(sources).filter(([, { kind }]) => kind === "tracker");
    const names = trackers.map(([name]) => name);
    const labels = trackers.map(([, { label }]) => label).join(" or ");
    context.answer(
      {
        ok: true,
        file: settings.file,
        warnings,
        projects: settings.projects.map((project) => projectDocument(project, names)),
      },
      () => [
        ...summary(settings, labels, context),
        ...warnings.map((warning) => context.style.yellow(`warning: ${problemText(warning)}`)),
      ],
    );
    return 0;
  },
};

/** Who merges where the file does not say: it follows from the credentials, which are not looked at here. */
const UNSET = "when_approved with an App, person with a token (default)";

function projectDocument(project: Settings["projects"][number], trackers: readonly string[]) {
  const { id, repository, merge, agent } = project;
  return {
    id,
    repository: repository.name,
    baseBranch: repository.baseBranch,
    ...Object.fromEntries(Object.entries(project).filter(([key]) => trackers.includes(key))),
    merge: merge.policy,
    agent: agent.default,
  };
}

function summary(settings: Settings, trackers: string, { style }: Context): readonly string[] {
  const from = `from ${trackers}`;
  // One column for all blocks.
  const width = Math.max("public URL".length, "repository".length, from.length);
  const lines = fieldLines(
    [
      ["config", `${settings.file}: no problems`],
      ["data", settings.dataDir],
      ["engine", settings.engine],
      ["listens on", `${settings.http.host}:${settings.http.port}`],
      ["public URL", settings.http.publicUrl ?? "(none)"],
      ["slots", `${settings.runs.slots}, ${settings.runs.slotsPerProject} per project`],
    ],
    style,
    width,
  );
  const projects = settings.projects.flatMap(({ id, routing, repository, merge, agent }) => {
    const routes = [...routing.teams, ...routing.projects, ...routing.labels].join(", ");
    const base = repository.baseBranch ?? "default branch";
    return [
      "",
      style.bold(escapeHidden(id)),
      ...fieldLines(
        [
          ["repository", `${repository.name}, base: ${base}`],
          [from, routes === "" ? "everything" : routes],
          ["merge", `${merge.policy ?? UNSET}, ${merge.method}`],
          ["agent", agent.default],
        ],
        style,
        width,
      ),
    ];
  });
  return [...lines, ...projects];
}

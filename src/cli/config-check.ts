import { escapeHidden } from "../lib/text.ts";
import { loadSettings } from "../settings/load/load.ts";
import { problemText } from "../settings/load/problem.ts";
import type { Settings } from "../settings/settings.ts";
import type { Command, Context } from "./usage/command.ts";
import { sourcesOf } from "./host/context.ts";
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
    const loaded = loadSettings(sourcesOf(context.host, context.configFlag));
    if (!loaded.ok) throw badSettings(loaded.problems);
    const { settings, warnings } = loaded;
    context.answer(
      { ok: true, file: settings.file, warnings, projects: settings.projects.map(projectDocument) },
      () => [
        ...summary(settings, context),
        ...warnings.map((warning) => context.style.yellow(`warning: ${problemText(warning)}`)),
      ],
    );
    return 0;
  },
};

function projectDocument({ id, linear, repository, merge, agent }: Settings["projects"][number]) {
  return {
    id,
    repository: repository.name,
    baseBranch: repository.baseBranch,
    linear,
    merge: merge.policy,
    agent: agent.default,
  };
}

function summary(settings: Settings, { style }: Context): readonly string[] {
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
  );
  const projects = settings.projects.flatMap(({ id, linear, repository, merge, agent }) => {
    const routes = [...linear.teams, ...linear.projects, ...linear.labels].join(", ");
    const base = repository.baseBranch ?? "its default branch";
    return [
      "",
      style.bold(escapeHidden(id)),
      ...fieldLines(
        [
          ["repository", `${repository.name}, onto ${base}`],
          ["from Linear", routes === "" ? "everything" : routes],
          ["merge", `${merge.policy}, ${merge.method}`],
          ["agent", agent.default],
        ],
        style,
      ),
    ];
  });
  return [...lines, ...projects];
}

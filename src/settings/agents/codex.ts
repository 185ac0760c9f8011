import { join } from "node:path";
import * as z from "zod";
import { amount, field, listOf, overrides, withDefaults } from "../schema/fields.ts";
import { line, pathForm, programForm } from "../schema/forms.ts";
import type { Warning } from "../sources/source.ts";
import type { AgentGroup, AgentPlace } from "./agent.ts";
import { refusalsOfConfig, refusalsOfEnv } from "./codex-config.ts";

const config = z.record(z.string(), z.unknown()).superRefine((given, context) => {
  for (const { path, reason } of refusalsOfConfig(given)) {
    context.addIssue({ code: "custom", path: [...path], message: `refused: ${reason}` });
  }
});

const variableNames = listOf(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected the name of an environment variable"),
).superRefine((names, context) => {
  for (const { path, reason } of refusalsOfEnv(names)) {
    context.addIssue({ code: "custom", path: [...path], message: `refused: ${reason}` });
  }
});

const fields = {
  bin: field(programForm, "codex", "The Codex program: a name on PATH, or a path."),
  home: field(
    pathForm.nullable(),
    null,
    "CODEX_HOME of the relay's agent; null: <dataDir>/agents/codex. The relay writes its config.toml. Not below the system's temporary directory.",
  ),
  model: field(line(200).nullable(), null, "Model to use; null: Codex decides."),
  config: field(
    config,
    {},
    "Additions to Codex's config.toml, as an object. Keys that would weaken the sandbox or hand out secrets are refused.",
  ),
  env: field(
    variableNames,
    [],
    "Names of further variables the agent process may inherit, such as its provider's key.",
  ),
  startSeconds: field(amount(1, 600), 30, "How long the Codex app-server may take to start, in seconds."),
};

const SAYS = "OpenAI's Codex, driven through its app-server.";
const group = withDefaults(fields);

function resolve({ bin, home, ...rest }: z.output<typeof group>, { agents, path }: AgentPlace) {
  return {
    ...rest,
    // A bare name is looked up on PATH, as a shell does.
    bin: bin.includes("/") || bin === "~" ? path(bin) : bin,
    home: home === null ? join(agents, "codex") : path(home),
  };
}

// Below the temporary directory Codex's sandboxed commands fail, and the turn still completes.
function temporaryFolders(
  dataDir: string,
  { home }: { readonly home: string },
  isTemporary: (path: string) => boolean,
): readonly Warning[] {
  const places = [
    { path: "dataDir", value: dataDir },
    { path: "agent.codex.home", value: home },
  ];
  return places
    .filter(({ path, value }) => isTemporary(value) && (path === "dataDir" || !isTemporary(dataDir)))
    .map(({ path }) => ({
      path,
      message: "is below the system's temporary directory, where Codex cannot run sandboxed commands",
      hint: "choose a directory below your home",
    }));
}

export const CODEX = {
  group: group.prefault({}).describe(SAYS),
  overrides: overrides(fields).optional().describe(SAYS),
  resolve,
  required: null,
  warnings: temporaryFolders,
} as const satisfies AgentGroup;

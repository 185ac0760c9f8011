import * as z from "zod";
import { refusalsOfConfig, refusalsOfEnv } from "../agents/codex-config.ts";
import { amount, field, listOf, overrides, withDefaults } from "./fields.ts";
import { line, pathForm, programForm } from "./forms.ts";

const AGENTS = ["codex", "scripted"] as const;

const codexConfig = z.record(z.string(), z.unknown()).superRefine((config, context) => {
  for (const { path, reason } of refusalsOfConfig(config)) {
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

const codexFields = {
  bin: field(programForm, "codex", "The Codex program: a name on PATH, or a path."),
  home: field(
    pathForm.nullable(),
    null,
    "CODEX_HOME of the relay's agent; null: <dataDir>/agents/codex. The relay writes its config.toml. Not below the system's temporary directory.",
  ),
  model: field(line(200).nullable(), null, "Model to use; null: Codex decides."),
  config: field(
    codexConfig,
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

const scriptedFields = {
  file: field(pathForm.nullable(), null, "Script the scripted agent plays (demo, rehearsals, tests)."),
};

const defaultAgent = z.enum(AGENTS).describe("The agent that does the work.");
const CODEX = "OpenAI's Codex, driven through its app-server.";
const SCRIPTED = "An agent that plays a file instead of thinking.";

export const agentGroup = z.strictObject({
  default: defaultAgent.default("codex").describe("The agent that does the work."),
  codex: withDefaults(codexFields).prefault({}).describe(CODEX),
  scripted: withDefaults(scriptedFields).prefault({}).describe(SCRIPTED),
});

export const agentOverrides = z.strictObject({
  default: defaultAgent.optional().describe("The agent that does the work."),
  codex: overrides(codexFields).optional().describe(CODEX),
  scripted: overrides(scriptedFields).optional().describe(SCRIPTED),
});

import type * as z from "zod";
import { field, overrides, withDefaults } from "../schema/fields.ts";
import { pathForm } from "../schema/forms.ts";
import type { AgentGroup, AgentPlace } from "./agent.ts";

const fields = {
  file: field(pathForm.nullable(), null, "Script the scripted agent plays (demo, rehearsals, tests)."),
};

const SAYS = "An agent that plays a file instead of thinking.";
const group = withDefaults(fields);

export const SCRIPTED = {
  group: group.prefault({}).describe(SAYS),
  overrides: overrides(fields).optional().describe(SAYS),
  resolve: ({ file }: z.output<typeof group>, { path }: AgentPlace) => ({
    file: file === null ? null : path(file),
  }),
  required: {
    key: "file",
    message: 'is missing: the agent "scripted" plays a file',
    hint: "name the script to play",
  },
  warnings: () => [],
} as const satisfies AgentGroup;

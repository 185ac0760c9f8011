import type { AgentDocument } from "../engines/documents.ts";
import type { Command, Context } from "./usage/command.ts";
import { badSettings, Failure } from "./usage/failure.ts";
import { refusal } from "./reach/relay.ts";
import { separated, tableLines } from "./show/table.ts";
import type { Column } from "./show/table.ts";

const ASK_MS = 5_000;

export const command: Command = {
  arguments: [],
  options: {},
  about: ["Only a running relay knows whether an agent can start; without one, `patchrelay doctor` checks."],
  examples: [{ says: "is the agent logged in", line: "agents" }],
  async run(context) {
    const items = await agents(context);
    context.answer({ items, nextCursor: null }, () => {
      const { style, host } = context;
      if (!context.terminal) return items.map((agent) => separated(COLUMNS, agent));
      return tableLines(COLUMNS, items, style, host.stdout.columns);
    });
    return 0;
  },
};

const COLUMNS: readonly Column<AgentDocument>[] = [
  { head: "AGENT", cell: ({ name }) => name },
  { head: "READY", cell: ({ ready }) => (ready === null ? null : ready ? "yes" : "no") },
  { head: "DETAIL", cell: ({ detail }) => detail, elastic: true },
];

async function agents(context: Context): Promise<readonly AgentDocument[]> {
  try {
    const relay = context.relay();
    const answer = await relay.ask("/api/agents", ASK_MS);
    const items = answer.document?.["items"];
    if (answer.status !== 200 || !Array.isArray(items)) throw refusal(answer, relay.url ?? "the relay");
    return items as readonly AgentDocument[];
  } catch (error) {
    if (!(error instanceof Failure) || error.exitCode !== 4) throw error;
    context.note("The relay cannot be reached; these are the agents of the configuration.");
    return await configured(context);
  }
}

async function configured(context: Context): Promise<readonly AgentDocument[]> {
  const { settingsOf } = await import("./host/settings.ts");
  const loaded = await settingsOf(context.host, context.configFlag);
  if (!loaded.ok) throw badSettings(loaded.problems);
  const { agent, projects } = loaded.settings;
  const names = new Set([agent.default, ...projects.map((project) => project.agent.default)]);
  return [...names].map((name) => ({
    name,
    ready: null,
    detail: "not known while the relay cannot be reached; `patchrelay doctor` looks",
  }));
}

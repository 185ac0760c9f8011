import type { AgentGroup } from "./agent.ts";
import { CODEX } from "./codex.ts";
import { SCRIPTED } from "./scripted.ts";

/** What each agent adds to the configuration, by its name. */
const ALL = { codex: CODEX, scripted: SCRIPTED } as const;

type All = typeof ALL;

/** The agents that the config file may name: each has a row in the registry. */
export type AgentName = keyof All;

/** The one that is meant where the file names none. */
export const DEFAULT_AGENT: AgentName = "codex";

/** The same as pairs, for those that ask every agent alike. */
export const AGENT_GROUPS = Object.entries(ALL) as unknown as readonly (readonly [AgentName, AgentGroup])[];

export const AGENT_NAMES: readonly AgentName[] = AGENT_GROUPS.map(([name]) => name);

/** What the settings hold of each agent, by its name. */
export type ResolvedAgents = { readonly [N in AgentName]: ReturnType<All[N]["resolve"]> };

/** The keys of the config file, below `agent`. */
export const GROUPS = Object.fromEntries(AGENT_GROUPS.map(([name, { group }]) => [name, group])) as {
  [N in AgentName]: All[N]["group"];
};

/** The keys of a project, below `agent`. */
export const OVERRIDES = Object.fromEntries(
  AGENT_GROUPS.map(([name, { overrides }]) => [name, overrides]),
) as { [N in AgentName]: All[N]["overrides"] };

import type * as z from "zod";
import type { Warning } from "../sources/source.ts";

/** Where the paths of an agent's settings lead. */
export interface AgentPlace {
  /** The folder for agents' own files, absolute. */
  readonly agents: string;
  /** A path of the config file, absolute. */
  readonly path: (text: string) => string;
}

/**
 * What an agent adds to the configuration, below `agent.` and its name. Values come as its own schema made them, hence
 * `never`: only its own functions know their type.
 */
export interface AgentGroup {
  readonly group: z.ZodType;
  /** A project's form of the group: any key may be there and then overrides the global one. */
  readonly overrides: z.ZodType;
  /** What the relay gets of the group, paths absolute. */
  readonly resolve: (group: never, place: AgentPlace) => object;
  /** The key that must be set, globally or in the project, where this agent is chosen; null = none. */
  readonly required: { readonly key: string; readonly message: string; readonly hint: string } | null;
  /** Asked if a project uses it, with the data directory and its resolved global group. */
  readonly warnings: (
    dataDir: string,
    resolved: never,
    isTemporary: (path: string) => boolean,
  ) => readonly Warning[];
}

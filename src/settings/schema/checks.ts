import { AGENT_GROUPS } from "../agents/agents.ts";
import { valueAt } from "../load/explain.ts";
import type { Problem } from "../load/problem.ts";
import type { Config } from "./schema.ts";

// What no single key shows. These read the config as it was written, so that they are told together with what the
// schema finds, not in a second round.

/** Contradictions between keys. `defaults` are the values of keys that are not there. */
export function contradictions(config: unknown, defaults: Config, file: string): readonly Problem[] {
  return [
    ...sameIds(config, file),
    ...wrongOrder(config, defaults, file),
    ...agentsWithoutRequired(config, file),
  ];
}

function sameIds(config: unknown, file: string): readonly Problem[] {
  const first = new Map<string, number>();
  const problems: Problem[] = [];
  projectsOf(config).forEach((project, index) => {
    const id = valueAt(project, ["id"]);
    if (typeof id !== "string") return;
    const earlier = first.get(id);
    if (earlier === undefined) first.set(id, index);
    else {
      const message = `"${id}" is already the id of projects[${earlier}]`;
      problems.push({
        file,
        path: `projects[${index}].id`,
        message,
        hint: "each project needs an id of its own",
      });
    }
  });
  return problems;
}

// Pairs of which the first may not exceed the second.
const ORDER = [
  { group: "outbox", lower: "firstRetrySeconds", upper: "maxRetrySeconds" },
  { group: "limits", lower: "requestConnectSeconds", upper: "requestTotalSeconds" },
  { group: "http", lower: "headersSeconds", upper: "requestSeconds" },
] as const;

// Only a lower bound that was written can contradict; a default gives way (resolve.ts).
function wrongOrder(config: unknown, defaults: Config, file: string): readonly Problem[] {
  return ORDER.flatMap(({ group, lower, upper }) => {
    const low = valueAt(config, [group, lower]);
    const high = valueAt(config, [group, upper]) ?? valueAt(defaults, [group, upper]);
    if (typeof low !== "number" || typeof high !== "number" || low <= high) return [];
    const message = `expected at most ${group}.${upper} (${high}), found ${low}`;
    return [{ file, path: `${group}.${lower}`, message, hint: null }];
  });
}

function agentsWithoutRequired(config: unknown, file: string): readonly Problem[] {
  const global = valueAt(config, ["agent"]);
  const places = [{ agent: global, path: "agent" }];
  projectsOf(config).forEach((project, index) => {
    const agent = valueAt(project, ["agent"]);
    if (agent !== undefined && agent !== null) places.push({ agent, path: `projects[${index}].agent` });
  });
  return places.flatMap(({ agent, path }) =>
    AGENT_GROUPS.flatMap(([name, { required }]) => {
      if (required === null || valueAt(agent, ["default"]) !== name) return [];
      const { key, message, hint } = required;
      const value = valueAt(agent, [name, key]) ?? valueAt(global, [name, key]);
      if (value !== undefined && value !== null) return [];
      return [{ file, path: `${path}.${name}.${key}`, message, hint }];
    }),
  );
}

function projectsOf(config: unknown): readonly unknown[] {
  const projects = valueAt(config, ["projects"]);
  return Array.isArray(projects) ? projects : [];
}

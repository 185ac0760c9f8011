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
    ...scriptedWithoutFile(config, file),
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

function scriptedWithoutFile(config: unknown, file: string): readonly Problem[] {
  const global = valueAt(config, ["agent"]);
  const places = [{ agent: global, path: "agent" }];
  projectsOf(config).forEach((project, index) => {
    const agent = valueAt(project, ["agent"]);
    if (agent !== undefined && agent !== null) places.push({ agent, path: `projects[${index}].agent` });
  });
  return places.flatMap(({ agent, path }) => {
    const script = valueAt(agent, ["scripted", "file"]) ?? valueAt(global, ["scripted", "file"]);
    if (valueAt(agent, ["default"]) !== "scripted" || (script !== undefined && script !== null)) return [];
    const message = 'is missing: the agent "scripted" plays a file';
    return [{ file, path: `${path}.scripted.file`, message, hint: "name the script to play" }];
  });
}

function projectsOf(config: unknown): readonly unknown[] {
  const projects = valueAt(config, ["projects"]);
  return Array.isArray(projects) ? projects : [];
}

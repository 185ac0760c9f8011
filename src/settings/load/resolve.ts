import { Bug } from "../../lib/assert.ts";
import { AGENT_GROUPS } from "../agents/agents.ts";
import type { ResolvedAgents } from "../agents/agents.ts";
import { bare, isLoopbackHost } from "../schema/forms.ts";
import { layoutOf } from "./layout.ts";
import type { Layout } from "./layout.ts";
import { dataDirOf, fullPath } from "./locate.ts";
import type { Environment } from "./locate.ts";
import type { Config } from "../schema/schema.ts";
import { freeze } from "../settings.ts";
import type { AgentSettings, ModelPrice, ProjectSettings, Settings } from "../settings.ts";
import type { Routing, SourceSettings } from "../sources/source.ts";
import { projectGroupsOf } from "../sources/sources.ts";
import type { ProjectSourceName, ResolvedSources, SourcesSettings } from "../sources/sources.ts";

type ProjectConfig = Config["projects"][number];

/** Makes the settings of a config that has been checked: paths, derived URLs, the overrides of each project. */
export function resolveSettings(
  config: Config,
  file: string,
  env: Environment,
  sources: SourcesSettings,
): Settings {
  const dataDir = dataDirOf(config.dataDir, file, env);
  const layout = layoutOf(dataDir);
  const resolved = resolvedSources(config, sources);
  const path = (text: string): string => fullPath(text, file, env);
  const { $schema: _schema, ...rest } = config;
  return freeze({
    ...rest,
    file,
    dataDir,
    layout,
    http: {
      ...config.http,
      headersSeconds: Math.min(config.http.headersSeconds, config.http.requestSeconds),
      publicUrl: config.http.publicUrl === null ? null : bare(config.http.publicUrl),
      loopback: isLoopbackHost(config.http.host),
    },
    ...resolved,
    agent: resolveAgent(config.agent, layout, path),
    outbox: {
      ...config.outbox,
      firstRetrySeconds: Math.min(config.outbox.firstRetrySeconds, config.outbox.maxRetrySeconds),
    },
    limits: {
      ...config.limits,
      requestConnectSeconds: Math.min(config.limits.requestConnectSeconds, config.limits.requestTotalSeconds),
    },
    pricing: Object.fromEntries(
      Object.entries(config.pricing).map(([model, price]) => [model, priceOf(price)]),
    ),
    projects: config.projects.map((project) =>
      resolveProject(project, config, layout, resolved, path, sources),
    ),
    forge: forgeOf(sources).name,
  });
}

function resolveProject(
  project: ProjectConfig,
  config: Config,
  layout: Layout,
  resolved: ResolvedSources,
  path: (text: string) => string,
  sources: SourcesSettings,
): ProjectSettings {
  const { name, baseBranch, cloneUrl } = project.repository;
  const [owner = "", shortName = ""] = name.split("/");
  return {
    id: project.id,
    ...perSource(project, Object.keys(projectGroupsOf(sources))),
    routing: routingOf(project, sources),
    repository: {
      name,
      owner,
      shortName,
      baseBranch,
      cloneUrl: cloneUrl ?? cloneUrlOf(name, resolved, sources),
    },
    branchPrefix: project.branchPrefix ?? config.branchPrefix,
    mentions: project.mentions ?? config.mentions,
    subIssues: project.subIssues ?? config.subIssues,
    merge: overridden(config.merge, project.merge),
    trust: overridden(config.trust, project.trust),
    reminders: overridden(config.reminders, project.reminders),
    questions: overridden(config.questions, project.questions),
    agent: resolveAgent(overriddenAgent(config.agent, project.agent), layout, path),
    budgets: overridden(config.budgets, project.budgets),
  };
}

function resolvedSources(config: Config, sources: SourcesSettings): ResolvedSources {
  const groups: Readonly<Record<string, unknown>> = config;
  const entries = Object.entries(sources).map(([name, { resolve }]) => [
    name,
    resolve(groups[name] as never),
  ]);
  return Object.fromEntries(entries) as ResolvedSources;
}

function perSource(project: ProjectConfig, names: readonly string[]): Pick<ProjectConfig, ProjectSourceName> {
  return Object.fromEntries(Object.entries(project).filter(([name]) => names.includes(name))) as Pick<
    ProjectConfig,
    ProjectSourceName
  >;
}

/** What all trackers together are asked for: a key of an issue says by itself which tracker it is of. */
function routingOf(project: ProjectConfig, sources: SourcesSettings): Routing {
  const groups: Readonly<Record<string, unknown>> = project;
  const all = Object.entries(sources).flatMap(([name, { routing }]) =>
    routing === null ? [] : [routing(groups[name] as never)],
  );
  return {
    teams: all.flatMap(({ teams }) => teams),
    projects: all.flatMap(({ projects }) => projects),
    labels: all.flatMap(({ labels }) => labels),
  };
}

function cloneUrlOf(repository: string, resolved: ResolvedSources, sources: SourcesSettings): string {
  const groups: Readonly<Record<string, unknown>> = resolved;
  const { name, cloneUrl } = forgeOf(sources);
  return cloneUrl(groups[name] as never, repository);
}

function forgeOf(sources: SourcesSettings): {
  readonly name: string;
  readonly cloneUrl: NonNullable<SourceSettings["cloneUrl"]>;
} {
  const [forge] = Object.entries(sources).flatMap(([name, { cloneUrl }]) =>
    cloneUrl === null ? [] : [{ name, cloneUrl }],
  );
  if (forge === undefined) throw new Bug("there is no forge, so nobody knows where git goes");
  return forge;
}

function overriddenAgent(agent: Config["agent"], override: ProjectConfig["agent"]): Config["agent"] {
  if (override === null) return agent;
  const groups = AGENT_GROUPS.map(([name]) => [name, overridden<object>(agent[name], override[name] ?? {})]);
  return { ...agent, ...Object.fromEntries(groups), default: override.default ?? agent.default };
}

function resolveAgent(agent: Config["agent"], layout: Layout, path: (text: string) => string): AgentSettings {
  const place = { agents: layout.agents, path };
  const groups = AGENT_GROUPS.map(([name, { resolve }]) => [name, resolve(agent[name] as never, place)]);
  return { default: agent.default, ...(Object.fromEntries(groups) as ResolvedAgents) };
}

function priceOf(price: Config["pricing"][string]): ModelPrice {
  return { input: price.input, cached: price.cached ?? price.input, output: price.output };
}

// A key that is there overrides, also with null ("no limit"); one that is absent or undefined does not.
function overridden<T extends object>(global: T, project: { readonly [K in keyof T]?: T[K] | undefined }): T {
  const given = Object.entries(project).filter(([, value]) => value !== undefined);
  return { ...global, ...Object.fromEntries(given) };
}

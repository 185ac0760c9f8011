import { sep } from "node:path";
import { AGENT_GROUPS } from "../agents/agents.ts";
import type { Environment } from "./locate.ts";
import type { Problem } from "./problem.ts";
import type { Settings } from "../settings.ts";
import type { Warning } from "../sources/source.ts";
import type { SourcesSettings } from "../sources/sources.ts";

/** What is allowed and probably not meant. */
export function warningsOf(
  settings: Settings,
  env: Environment,
  sources: SourcesSettings,
): readonly Problem[] {
  const all = Object.values(sources);
  const told = [
    ...noProjects(settings),
    ...all.flatMap(({ warnings }) => warnings(settings as never)),
    ...ofAgents(settings, env),
    ...openHttp(
      settings,
      settings.webhooks === "off" ? [] : all.flatMap(({ needsHttps }) => needsHttps ?? []),
    ),
    ...moneyWithoutPrices(settings),
    ...diskOrder(settings),
  ];
  return told.map((warning) => ({ file: settings.file, ...warning }));
}

function noProjects({ projects }: Settings): readonly Warning[] {
  if (projects.length > 0) return [];
  return [
    { path: "projects", message: "the list is empty: no issue will be picked up", hint: "add a project" },
  ];
}

function ofAgents({ dataDir, agent, projects }: Settings, env: Environment): readonly Warning[] {
  const used = new Set([agent, ...projects.map((project) => project.agent)].map(({ default: name }) => name));
  const temporary = ["/tmp", env["TMPDIR"] ?? "/tmp"]
    .map((folder) => folder.replace(/\/+$/, ""))
    .filter(Boolean);
  const isTemporary = (path: string): boolean =>
    temporary.some((folder) => path === folder || path.startsWith(`${folder}${sep}`));
  return AGENT_GROUPS.filter(([name]) => used.has(name)).flatMap(([name, { warnings }]) =>
    warnings(dataDir, agent[name] as never, isTemporary),
  );
}

function openHttp({ http }: Settings, further: readonly string[]): readonly Warning[] {
  if (http.publicUrl === null || http.publicUrl.startsWith("https:")) return [];
  const { hostname } = new URL(http.publicUrl);
  if (hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")) return [];
  const reasons = ["tokens and sessions would be sent unencrypted", ...further];
  const message = `is plain http: ${reasons.join(", and ")}`;
  return [{ path: "http.publicUrl", message, hint: "put a TLS proxy or tunnel in front of the relay" }];
}

function moneyWithoutPrices({ budgets, projects, pricing }: Settings): readonly Warning[] {
  if (Object.keys(pricing).length > 0) return [];
  const limited = [budgets, ...projects.map((project) => project.budgets)].some(
    ({ usdPerIssue, usdPerDay }) => usdPerIssue !== null || usdPerDay !== null,
  );
  if (!limited) return [];
  const message = "is empty: budgets in US dollars cannot be enforced if the agent does not report its cost";
  return [{ path: "pricing", message, hint: "add the prices of the models in use" }];
}

function diskOrder({ storage }: Settings): readonly Warning[] {
  if (storage.minFreeMiB <= storage.stopRunsBelowMiB) return [];
  const message = `is above storage.stopRunsBelowMiB (${storage.stopRunsBelowMiB}): webhooks would be refused before runs stop`;
  return [{ path: "storage.minFreeMiB", message, hint: null }];
}

import { sep } from "node:path";
import type { Environment } from "./locate.ts";
import type { Problem } from "./problem.ts";
import type { ProjectSettings, Settings } from "../settings.ts";

/** What is allowed and probably not meant. */
export function warningsOf(settings: Settings, env: Environment): readonly Problem[] {
  const told = [
    ...noProjects(settings),
    ...shadowedRouting(settings.projects),
    ...temporaryFolders(settings, env),
    ...pagesElsewhere(settings),
    ...openHttp(settings),
    ...moneyWithoutPrices(settings),
    ...diskOrder(settings),
  ];
  return told.map((warning) => ({ file: settings.file, ...warning }));
}

type Warning = Omit<Problem, "file">;

function noProjects({ projects }: Settings): readonly Warning[] {
  if (projects.length > 0) return [];
  return [
    { path: "projects", message: "the list is empty: no issue will be picked up", hint: "add a project" },
  ];
}

function shadowedRouting(projects: readonly ProjectSettings[]): readonly Warning[] {
  const first = new Map<string, number>();
  return projects.flatMap((project, index) => {
    const { teams, projects: linearProjects, labels } = project.linear;
    const route = JSON.stringify([teams, linearProjects, labels].map((names) => names.toSorted()));
    const earlier = first.get(route);
    if (earlier !== undefined) {
      const message = `gets no issues: projects[${earlier}] matches the same ones and comes first`;
      return [
        { path: `projects[${index}].linear`, message, hint: "give them different teams, projects or labels" },
      ];
    }
    first.set(route, index);
    return [];
  });
}

// Below the temporary directory Codex's sandboxed commands fail, and the turn still completes.
function temporaryFolders({ dataDir, agent, projects }: Settings, env: Environment): readonly Warning[] {
  const agents = [agent, ...projects.map((project) => project.agent)].filter(
    ({ default: name }) => name === "codex",
  );
  if (agents.length === 0) return [];
  const temporary = ["/tmp", env["TMPDIR"] ?? "/tmp"]
    .map((folder) => folder.replace(/\/+$/, ""))
    .filter(Boolean);
  const below = (path: string): boolean =>
    temporary.some((folder) => path === folder || path.startsWith(`${folder}${sep}`));
  const places = [
    { path: "dataDir", value: dataDir },
    { path: "agent.codex.home", value: agent.codex.home },
  ];
  return places
    .filter(({ path, value }) => below(value) && (path === "dataDir" || !below(dataDir)))
    .map(({ path }) => ({
      path,
      message: "is below the system's temporary directory, where Codex cannot run sandboxed commands",
      hint: "choose a directory below your home",
    }));
}

function pagesElsewhere({ github, projects }: Settings): readonly Warning[] {
  const moved = github.apiUrl !== "https://api.github.com" && github.webUrl === "https://github.com";
  if (!moved || projects.every(({ repository }) => !repository.cloneUrl.startsWith(github.webUrl))) return [];
  const message = `is ${github.webUrl} although github.apiUrl is ${github.apiUrl}: git would go to another host`;
  return [{ path: "github.webUrl", message, hint: "set it to the host of github.apiUrl" }];
}

function openHttp({ http }: Settings): readonly Warning[] {
  if (http.publicUrl === null || http.publicUrl.startsWith("https:")) return [];
  const { hostname } = new URL(http.publicUrl);
  if (hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.")) return [];
  const message =
    "is plain http: tokens and sessions would be sent unencrypted, and Linear only sends webhooks to https";
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

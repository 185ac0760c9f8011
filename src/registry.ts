import type { Agent } from "./agents/agent.ts";
import type { Engine, EngineParts, Views } from "./engines/engine.ts";
import type { Forge } from "./forges/forge.ts";
import type { Clock } from "./lib/clock.ts";
import type { Randomness } from "./lib/ids.ts";
import type { Log } from "./lib/log.ts";
import type { Secret } from "./lib/secrets/secret.ts";
import type { SealedVault } from "./lib/secrets/vault.ts";
import type { Layout } from "./settings/load/layout.ts";
import type { Credentials } from "./settings/credentials/credentials.ts";
import type { AgentSettings, Settings } from "./settings/settings.ts";
import type { UnsetMergePolicy } from "./settings/policy.ts";
import type { SourceSettings } from "./settings/sources/source.ts";
import type { Tracker, Workspace } from "./trackers/tracker.ts";

// The only file that names every tracker, forge, agent and engine: a row each, with all that the rest of the relay has to
// know of it. Each is loaded when it is first wanted, so that a command pays only for what it uses. What the config file may
// say of them is in settings/sources/ and settings/agents/: this file puts it into the parts that each is made from.

export type { Workspace };

/** What implementations are made from. */
export interface MakingParts {
  readonly settings: Settings;
  readonly credentials: Credentials;
  /** Environment for child processes: an allow-list, without credentials of ours. */
  readonly childEnv: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  /** Where sources keep records beyond the process; null = there is no key to seal them with. */
  readonly vault: SealedVault | null;
}

/** A source of webhooks that also says when the previous secret was last needed (Unix ms). */
export interface Rotating {
  lastPreviousSecretUseAt(): number | null;
}

/** A sender of webhooks. Its key in the map is its name: in paths, ids, counters, documents and log lines. */
interface SourceRow {
  /** Its name for people. */
  readonly label: string;
  /** Its keys of the config file and its credentials. */
  readonly settings: () => Promise<SourceSettings>;
  /** Largest webhook, inclusive, in bytes. */
  readonly webhookBytes: (settings: Settings) => number;
  /** What `doctor` asks a person to look at when the source does not tell who we are. */
  readonly signInHint: string;
}

export interface TrackerRow extends SourceRow {
  readonly kind: "tracker";
  readonly make: (parts: MakingParts) => Promise<Tracker & Rotating>;
  /** Whether an admin installs the relay in its workspaces (`installing` of what `make` gives); the command line has `connect` then. */
  readonly installs?: boolean;
  /** What its workspaces have that the configuration may name, for `sync`; absent = it has nothing of the kind. */
  readonly workspaces?: (parts: MakingParts, signal: AbortSignal) => Promise<readonly Workspace[]>;
  /** What the configuration names in its workspaces, by the project's id. */
  readonly names?: (settings: Settings) => Readonly<Record<string, ConfiguredNames>>;
  /** The configured name of a status, for a team and the project with this id; null = the team's own first of that type. */
  readonly statusName: (
    settings: Settings,
    project: string,
    team: string | null,
    to: StatusKind,
  ) => string | null;
}

/** The statuses that the relay sets. */
export type StatusKind = "started" | "completed";

/** What a project's part of the configuration names in a tracker. */
export interface ConfiguredNames {
  readonly teams: readonly string[];
  readonly projects: readonly string[];
  readonly labels: readonly string[];
  /** `team`: a team's key; null = for all teams of the project that have none of their own. */
  readonly statuses: readonly {
    readonly team: string | null;
    readonly type: StatusKind;
    readonly name: string;
  }[];
}

export interface ForgeRow extends SourceRow {
  readonly kind: "forge";
  readonly make: (parts: MakingParts) => Promise<Forge & Rotating>;
  /** The host of its git (with the port where it is not the scheme's own): the credential goes nowhere else. */
  readonly gitHost: (settings: Settings) => string;
  /** The merge policy of projects that name none, by the credentials that pull requests are opened with. */
  readonly unsetMergePolicy: (credentials: Credentials) => UnsetMergePolicy;
  /** What an operator sets instead of a credential in a clone URL. */
  readonly gitCredential: string;
}

/** An agent as the rest of the relay uses it. */
export interface AgentRow {
  readonly make: (parts: MakingParts) => Promise<Agent>;
  /** The operator's variables that it inherits, keys of its provider among them. */
  readonly inherits: (settings: AgentSettings) => readonly string[];
  /** The folder with its login, absolute; null = it has none. */
  readonly home: (settings: AgentSettings) => string | null;
  /** The configured model; null = its own choice. */
  readonly model: (settings: AgentSettings) => string | null;
}

/** An engine as the rest of the relay uses it. */
export interface EngineRow {
  readonly open: (place: EnginePlace) => Promise<Engine>;
  /** Reading for people without a running relay; by files, so that no full settings are needed. */
  readonly views: (layout: Layout, clock: Clock) => Promise<Views>;
  /** Care of a database beside a running relay or without one. */
  readonly maintenance: () => Promise<Maintenance>;
}

export interface EnginePlace {
  readonly settings: Settings;
  readonly parts: EngineParts;
  readonly pid: number;
}

export type Maintenance = Pick<
  typeof import("./engines/embedded/database/maintenance.ts"),
  "backup" | "check" | "prune"
> &
  typeof import("./engines/embedded/database/probe.ts");

/** Everything that can be put in place of something else. */
export interface Registry {
  readonly sources: Readonly<Record<string, TrackerRow | ForgeRow>>;
  readonly agents: Readonly<Record<AgentSettings["default"], AgentRow>>;
  /** By the names that the setting may have; null = it comes with a later version. */
  readonly engines: Readonly<Record<Settings["engine"], EngineRow | null>>;
}

const MEBIBYTE = 1_048_576;

export const REGISTRY: Registry = {
  sources: {
    linear: {
      kind: "tracker",
      label: "Linear",
      settings: async () => (await import("./settings/sources/linear.ts")).LINEAR,
      webhookBytes: ({ http }) => http.linearBodyMiB * MEBIBYTE,
      signInHint: "check the credential and linear.apiUrl",
      make: async (parts) =>
        (await import("./trackers/linear/linear.ts")).createLinearTracker(linearParts(parts)),
      installs: true,
      workspaces: async (parts, signal) =>
        await (await import("./trackers/linear/set-up.ts")).workspaces(linearParts(parts), signal),
      names: ({ projects }) => Object.fromEntries(projects.map(({ id, linear }) => [id, namesOf(linear)])),
      statusName: ({ projects }, project, team, to) =>
        statusOf(projects.find(({ id }) => id === project)?.linear.statuses, team, to),
    },
    github: {
      kind: "forge",
      label: "GitHub",
      settings: async () => (await import("./settings/sources/github.ts")).GITHUB,
      webhookBytes: ({ http }) => http.githubBodyMiB * MEBIBYTE,
      signInHint: "check the credential and github.apiUrl",
      make: async (parts) => (await import("./forges/github/forge.ts")).createGitHubForge(githubParts(parts)),
      gitHost: ({ github }) => new URL(github.webUrl).host,
      unsetMergePolicy: (credentials) =>
        githubApp(credentials) === null
          ? { policy: "person", because: OWN_PULL_REQUEST }
          : { policy: "when_approved", because: null },
      gitCredential: "GITHUB_TOKEN or the App's key",
    },
  },
  agents: {
    codex: {
      make: async (parts) => (await import("./agents/codex/codex.ts")).createCodexAgent(codexParts(parts)),
      inherits: ({ codex }) => codex.env,
      home: ({ codex }) => codex.home,
      model: ({ codex }) => codex.model,
    },
    scripted: {
      make: async (parts) =>
        (await import("./agents/scripted/scripted.ts")).createScriptedAgent(scriptedParts(parts)),
      inherits: () => [],
      home: () => null,
      model: () => null,
    },
  },
  engines: {
    embedded: {
      open: async ({ settings, parts, pid }) =>
        (await import("./engines/embedded/engine.ts")).openEmbeddedEngine({
          file: settings.layout.database,
          lockFile: settings.layout.lock,
          parts,
          pid,
        }),
      views: async ({ database, lock }, clock) =>
        (await import("./engines/embedded/views/open-views.ts")).openViews(database, clock, lock),
      maintenance: async () => ({
        ...(await import("./engines/embedded/database/maintenance.ts")),
        ...(await import("./engines/embedded/database/probe.ts")),
      }),
    },
    temporal: null,
  },
};

/** The operator's variables that some project's agent inherits, each once. */
export function inheritedIn({ agents }: Registry, { agent, projects }: Settings): readonly string[] {
  const all = [agent, ...projects.map((project) => project.agent)];
  const names = all.flatMap((each) => Object.values(agents).flatMap(({ inherits }) => inherits(each)));
  return [...new Set(names)];
}

/** The engine of that name; null where it comes with a later version. `instead` names one that is there. */
export function engineIn(
  { engines }: Registry,
  name: Settings["engine"],
): { readonly row: EngineRow | null; readonly instead: string } {
  const [instead = ""] = Object.entries(engines).flatMap(([other, row]) => (row === null ? [] : [other]));
  return { row: engines[name], instead };
}

function secrets(current: Secret | null, previous: Secret | null): readonly Secret[] {
  return [current, previous].filter((secret) => secret !== null);
}

function linearParts({ settings, credentials, clock, randomness, log, vault }: MakingParts) {
  const quick = { trigger: settings.linear.trigger, polls: settings.webhooks === "off" };
  const auth = linearAuth(credentials, quick);
  const lacks = TO_INSTALL.filter((name) => credentials[name] === null);
  const kept =
    auth.kind === "clientCredentials" && vault !== null
      ? { application: auth, vault, authorizeUrl: settings.linear.authorizeUrl, randomness }
      : null;
  return {
    apiUrl: settings.linear.apiUrl,
    webhookSecrets: secrets(credentials.LINEAR_WEBHOOK_SECRET, credentials.LINEAR_WEBHOOK_SECRET_PREVIOUS),
    auth,
    installing: kept !== null && lacks.length === 0 ? kept : { lacks, kept },
    clock,
    log: log.with({ part: "linear" }),
    limits: callLimits(settings),
  };
}

type LinearNames = Settings["projects"][number]["linear"];

const STATUS_KINDS: readonly StatusKind[] = ["started", "completed"];

function namesOf({ teams, projects, labels, statuses }: LinearNames): ConfiguredNames {
  const places = [[null, statuses] as const, ...Object.entries(statuses.teams)];
  return {
    teams,
    projects,
    labels,
    statuses: places.flatMap(([team, named]) =>
      STATUS_KINDS.flatMap((type) => {
        const name = named[type] ?? null;
        return name === null ? [] : [{ team, type, name }];
      }),
    ),
  };
}

/** A team's own, where it has one; keys are told apart without regard to case, as in routing. */
function statusOf(
  statuses: LinearNames["statuses"] | undefined,
  team: string | null,
  to: StatusKind,
): string | null {
  if (statuses === undefined) return null;
  const own = Object.entries(statuses.teams).find(([key]) => key.toLowerCase() === team?.toLowerCase());
  const named = own?.[1][to];
  return named === undefined ? statuses[to] : named;
}

/** What an installation by OAuth needs. */
const TO_INSTALL = [
  "LINEAR_OAUTH_CLIENT_ID",
  "LINEAR_OAUTH_CLIENT_SECRET",
  "PATCHRELAY_ENCRYPTION_KEY",
] as const;

interface LinearQuick {
  readonly trigger: Settings["linear"]["trigger"];
  readonly polls: boolean;
}

function linearAuth(credentials: Credentials, quick: LinearQuick) {
  const { LINEAR_OAUTH_CLIENT_ID: clientId, LINEAR_OAUTH_CLIENT_SECRET: clientSecret } = credentials;
  if (clientId !== null && clientSecret !== null) {
    return { kind: "clientCredentials", clientId, clientSecret } as const;
  }
  const key = credentials.LINEAR_API_KEY;
  if (key === null) {
    throw new Error("LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET, or LINEAR_API_KEY, are missing");
  }
  return { kind: "apiKey", key, quick } as const;
}

const OWN_PULL_REQUEST =
  "GitHub does not let authors approve their own pull requests, and without an App it belongs to the owner of the token";

function githubApp({ GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: privateKey }: Credentials) {
  if (appId === null || privateKey === null) return null;
  return { kind: "app", appId: appId.reveal(), privateKey } as const;
}

function githubParts({ settings, credentials, clock, randomness, log }: MakingParts) {
  const { GITHUB_TOKEN: token } = credentials;
  const auth = githubApp(credentials) ?? (token === null ? null : ({ kind: "token", token } as const));
  if (auth === null)
    throw new Error("GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or GITHUB_TOKEN, are missing");
  return {
    apiUrl: settings.github.apiUrl,
    graphqlUrl: settings.github.graphqlUrl,
    webUrl: settings.github.webUrl,
    webhookSecrets: secrets(credentials.GITHUB_WEBHOOK_SECRET, credentials.GITHUB_WEBHOOK_SECRET_PREVIOUS),
    auth,
    author: settings.github.author,
    cloneUrls: Object.fromEntries(
      settings.projects.map(({ repository }) => [repository.name, repository.cloneUrl]),
    ),
    clock,
    randomness,
    log: log.with({ part: "github" }),
    limits: {
      ...callLimits(settings),
      writesPerMinute: settings.limits.githubWritesPerMinute,
      writesPerHour: settings.limits.githubWritesPerHour,
      concurrent: settings.limits.githubConcurrent,
    },
  };
}

function callLimits(settings: Settings): { readonly connectMs: number; readonly totalMs: number } {
  const { requestConnectSeconds, requestTotalSeconds } = settings.limits;
  return { connectMs: requestConnectSeconds * 1_000, totalMs: requestTotalSeconds * 1_000 };
}

function codexParts({ settings, childEnv, clock, randomness, log }: MakingParts) {
  const { bin, home, config, model, startSeconds } = settings.agent.codex;
  return {
    bin,
    home,
    config: config as Parameters<typeof import("./agents/codex/codex.ts").createCodexAgent>[0]["config"],
    env: childEnv,
    model,
    startMs: startSeconds * 1_000,
    prices: settings.pricing,
    clock,
    randomness,
    log: log.with({ part: "codex" }),
  };
}

function scriptedParts({ settings, clock }: MakingParts) {
  const { file } = settings.agent.scripted;
  return { script: file ?? { rules: [] }, memoryFile: `${settings.layout.agents}/scripted.json`, clock };
}

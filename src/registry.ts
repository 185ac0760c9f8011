import type { Agent } from "./agents/agent.ts";
import type { Engine, EngineParts, Views } from "./engines/engine.ts";
import type { Forge } from "./forges/forge.ts";
import type { Clock } from "./lib/clock.ts";
import type { Randomness } from "./lib/ids.ts";
import type { Log } from "./lib/log.ts";
import type { Secret } from "./lib/secret.ts";
import type { Credentials } from "./settings/credentials/credentials.ts";
import type { Settings } from "./settings/settings.ts";
import type { Tracker } from "./trackers/tracker.ts";

// The only file that names every tracker, forge, agent and engine. Each is loaded when it is first wanted, so
// that a command pays only for what it uses.

/** What implementations are made from. */
export interface MakingParts {
  readonly settings: Settings;
  readonly credentials: Credentials;
  /** Environment for child processes: an allow-list, without credentials of ours. */
  readonly childEnv: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
}

/** A source of webhooks that also says when the previous secret was last needed (Unix ms). */
export interface Rotating {
  lastPreviousSecretUseAt(): number | null;
}

export const TRACKERS: Readonly<Record<"linear", (parts: MakingParts) => Promise<Tracker & Rotating>>> = {
  linear: async (parts) =>
    (await import("./trackers/linear/linear.ts")).createLinearTracker(linearParts(parts)),
};

export const FORGES: Readonly<Record<"github", (parts: MakingParts) => Promise<Forge & Rotating>>> = {
  github: async (parts) => (await import("./forges/github/forge.ts")).createGitHubForge(githubParts(parts)),
};

export const AGENTS: Readonly<Record<Settings["agent"]["default"], (parts: MakingParts) => Promise<Agent>>> =
  {
    codex: async (parts) => (await import("./agents/codex/codex.ts")).createCodexAgent(codexParts(parts)),
    scripted: async (parts) =>
      (await import("./agents/scripted/scripted.ts")).createScriptedAgent(scriptedParts(parts)),
  };

export const ENGINES: Readonly<Record<"embedded", (parts: EnginePlace) => Promise<Engine>>> = {
  embedded: async ({ settings, parts, pid }) =>
    (await import("./engines/embedded/engine.ts")).openEmbeddedEngine({
      file: settings.layout.database,
      lockFile: settings.layout.lock,
      parts,
      pid,
    }),
};

/** Reading for people without a running relay; by database file, so that no full settings are needed. */
export const VIEWS: Readonly<
  Record<"embedded", (file: string, lockFile: string, clock: Clock) => Promise<Views>>
> = {
  embedded: async (file, lockFile, clock) =>
    (await import("./engines/embedded/views/open-views.ts")).openViews(file, clock, lockFile),
};

/** Care of a database beside a running relay or without one, by file. */
export const MAINTENANCE: Readonly<Record<"embedded", () => Promise<Maintenance>>> = {
  embedded: async () => ({
    ...(await import("./engines/embedded/database/maintenance.ts")),
    ...(await import("./engines/embedded/database/probe.ts")),
  }),
};
type Maintenance = Pick<
  typeof import("./engines/embedded/database/maintenance.ts"),
  "backup" | "check" | "prune"
> &
  typeof import("./engines/embedded/database/probe.ts");

export interface EnginePlace {
  readonly settings: Settings;
  readonly parts: EngineParts;
  readonly pid: number;
}

function secrets(current: Secret | null, previous: Secret | null): readonly Secret[] {
  return [current, previous].filter((secret) => secret !== null);
}

function linearParts({ settings, credentials, clock, log }: MakingParts) {
  const key = credentials.LINEAR_API_KEY;
  if (key === null)
    throw new Error("LINEAR_API_KEY is missing; installing by OAuth comes with a later version");
  return {
    apiUrl: settings.linear.apiUrl,
    webhookSecrets: secrets(credentials.LINEAR_WEBHOOK_SECRET, credentials.LINEAR_WEBHOOK_SECRET_PREVIOUS),
    auth: { kind: "apiKey", key } as const,
    clock,
    log: log.with({ part: "linear" }),
    limits: callLimits(settings),
  };
}

function githubParts({ settings, credentials, clock, randomness, log }: MakingParts) {
  const { GITHUB_APP_ID: appId, GITHUB_APP_PRIVATE_KEY: privateKey, GITHUB_TOKEN: token } = credentials;
  const app =
    appId !== null && privateKey !== null
      ? ({ kind: "app", appId: appId.reveal(), privateKey } as const)
      : null;
  const auth = app ?? (token === null ? null : ({ kind: "token", token } as const));
  if (auth === null)
    throw new Error("GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY, or GITHUB_TOKEN, are missing");
  return {
    apiUrl: settings.github.apiUrl,
    graphqlUrl: settings.github.graphqlUrl,
    webUrl: settings.github.webUrl,
    webhookSecrets: secrets(credentials.GITHUB_WEBHOOK_SECRET, credentials.GITHUB_WEBHOOK_SECRET_PREVIOUS),
    auth,
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

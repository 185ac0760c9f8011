import { mkdir } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Agent } from "./agents/agent.ts";
import { watchConditions } from "./conditions.ts";
import { performersOf } from "./effects/performers.ts";
import type { Engine, EngineParts } from "./engines/engine.ts";
import { identify, type Identities } from "./identities.ts";
import { messageOf } from "./lib/assert.ts";
import type { Clock } from "./lib/clock.ts";
import { COMMITTER } from "./lib/committer.ts";
import type { Randomness } from "./lib/ids.ts";
import type { Log } from "./lib/log.ts";
import { sealedVault } from "./lib/secrets/vault.ts";
import type { SealedVault, Vault } from "./lib/secrets/vault.ts";
import { packageFile } from "./lib/package.ts";
import { readiness } from "./readiness.ts";
import { engineIn, inheritedIn, REGISTRY } from "./registry.ts";
import type { MakingParts, Registry } from "./registry.ts";
import { performRun } from "./runs/pipeline.ts";
import type { RunParts } from "./runs/parts.ts";
import { scrubber } from "./runs/words/scrub.ts";
import type { Credentials } from "./settings/credentials/credentials.ts";
import { OPEN_CREDENTIALS } from "./settings/credentials/names.ts";
import { policyOf } from "./settings/policy.ts";
import type { Settings } from "./settings/settings.ts";
import { discoverAt, interpretersOf, makeSources, madeTrackerOf, webhookSource } from "./sources.ts";
import type { MadeSources } from "./sources.ts";
import { createWorktrees } from "./worktrees/worktrees.ts";

export interface RelayParts {
  readonly settings: Settings;
  readonly credentials: Credentials;
  /** For child processes: what settings/load/environment.ts lets through. */
  readonly childEnv: Readonly<Record<string, string>>;
  /** Where the credentials were read from: kept from hooks. */
  readonly credentialFiles?: readonly string[];
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  readonly version: string;
  readonly pid: number;
  /** What it is made of; what registry.ts names unless given. */
  readonly registry?: Registry;
}

export interface Relay {
  readonly url: string;
  readonly engine: Engine;
  /** The engine's: only a new process may go on. */
  readonly breakdown: Promise<string>;
  /** Stops in order: no new requests, performers and runs interrupted, database closed. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Puts the relay together and starts it: settings → parts → engine → http. Resolves when webhooks are
 * accepted; whether the sources and the agent can be reached shows in /ready and mends itself.
 */
export async function startRelay(parts: RelayParts): Promise<Relay> {
  const { settings, clock, log, registry = REGISTRY } = parts;
  const { row, instead } = engineIn(registry, settings.engine);
  if (row === null)
    throw new Error(`engine "${settings.engine}" is not supported yet; set engine to "${instead}"`);
  for (const folder of [settings.dataDir, settings.layout.agents]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const opened = later<Engine>();
  const making: MakingParts = { ...parts, vault: vaultOf(parts, () => opened.get()) };
  const sources = await makeSources(registry, making);
  const agents = await agentsOf(registry, making);
  const watch = watchConditions({
    agents,
    dataDir: settings.dataDir,
    stopRunsBelowBytes: settings.storage.stopRunsBelowMiB * 1_048_576,
    clock,
    log,
  });
  const identities = identify({ sources, clock, log });
  const policy = policyOf(settings, sources.forge.row.unsetMergePolicy(parts.credentials));
  const engineParts: EngineParts = {
    clock,
    randomness: parts.randomness,
    log: log.with({ part: "engine" }),
    policy,
    conditions: () => watch.now(),
    interpreters: interpretersOf(sources, identities),
    // What acts is put together once this process holds the data folder: before that it may touch nothing in it.
    get performers() {
      return acting.get().performers;
    },
    performRun: (handle) => acting.get().performRun(handle),
    discover: (since, rest, signal) => discoverAt(sources, since, rest, signal),
    settings: engineSettings(settings),
  };
  const acting = later<Acting>();
  const engine = await row.open({ settings, parts: engineParts, pid: parts.pid });
  opened.set(engine);
  try {
    acting.set(await actingOf(parts, { sources, agents, policy }));
    identities.start();
    await watch.look();
    await engine.start();
    const http = await serveHttp(parts, { engine, sources, agents, policy, watch, identities });
    return {
      url: http.url,
      engine,
      breakdown: engine.breakdown,
      stop: stopper(parts, http, engine, watch, identities),
    };
  } catch (error) {
    await engine.stop(1_000);
    await watch.stop();
    await identities.stop();
    throw error;
  }
}

/** What sources keep sealed in the engine, which is opened after they are made. */
function vaultOf({ credentials, randomness }: RelayParts, engine: () => Engine): SealedVault {
  const current = credentials.PATCHRELAY_ENCRYPTION_KEY;
  const vault: Vault = {
    list: async (owner) => await engine().vault.list(owner),
    put: async (owner, name, sealed) => await engine().vault.put(owner, name, sealed),
    take: async (owner, name) => await engine().vault.take(owner, name),
  };
  const previous = credentials.PATCHRELAY_ENCRYPTION_KEY_PREVIOUS;
  return sealedVault(vault, current === null ? null : { current, previous }, randomness);
}

/** The agents' homes hold logins. Those in the data folder are hidden with it. */
function homesElsewhere({ agents }: Registry, { agent, projects, dataDir }: Settings): readonly string[] {
  const homes = [agent, ...projects.map((project) => project.agent)].flatMap((each) =>
    Object.values(agents).flatMap(({ home }) => home(each) ?? []),
  );
  const isWithin = (path: string, folder: string): boolean => !relative(folder, path).startsWith("..");
  return [...new Set(homes)].filter((home) => !isWithin(home, dataDir) && !isWithin(dataDir, home));
}

type Acting = Pick<EngineParts, "performers" | "performRun">;

/** What carries out effects and runs; makes the folders it works in. */
async function actingOf(
  parts: RelayParts,
  seams: {
    readonly sources: MadeSources;
    readonly agents: Readonly<Record<string, Agent>>;
    readonly policy: EngineParts["policy"];
  },
): Promise<Acting> {
  const { settings, clock, log, registry = REGISTRY } = parts;
  const { sources, agents, policy } = seams;
  const { row, made: forge } = sources.forge;
  const worktrees = await createWorktrees({
    dir: settings.layout.worktrees,
    mirrorsDir: settings.layout.mirrors,
    privateDir: join(settings.dataDir, "private"),
    clock,
    log: log.with({ part: "git" }),
    identity: COMMITTER,
    forge: { host: row.gitHost(settings), credential: row.gitCredential },
    environment: parts.childEnv,
    hidden: {
      folder: settings.dataDir,
      further: [...(parts.credentialFiles ?? []), ...homesElsewhere(registry, settings)],
    },
  });
  const runParts: RunParts = {
    worktrees,
    forge,
    agent: (name) => agentNamed(agents, name),
    policy,
    cloneUrl: (repository) => projectOf(settings, repository).repository.cloneUrl,
    model: (project) => modelOf(registry, settings, project.id),
    workflow: (file) => readFileSync(packageFile(file), "utf8"),
    scrub: scrubber(ownSecrets(parts)),
    limits: runLimits(settings),
    clock,
    randomness: parts.randomness,
    log: log.with({ part: "runs" }),
  };
  const performers = performersOf({
    tracker: (issue, workspace) => madeTrackerOf(sources, issue).made.in(workspace),
    forge,
    worktrees,
    policy,
    clock,
    statusName: (issue, project, team, to) =>
      madeTrackerOf(sources, issue).row.statusName(settings, project, team, to),
    hookMs: settings.runs.hookSeconds * 1_000,
  });
  return { performers, performRun: (handle) => performRun(handle, runParts) };
}

const NAMES_A_SECRET = /KEY|TOKEN|SECRET|PASS|CREDENTIAL/i;

/** The values that must not leave in anybody's words: our credentials, and the provider's key that the agent is given. */
function ownSecrets({ credentials, childEnv, settings, registry = REGISTRY }: RelayParts): readonly string[] {
  const held = Object.entries(credentials).flatMap(([name, secret]) =>
    secret === null || OPEN_CREDENTIALS.has(name) ? [] : [secret.reveal()],
  );
  const inherited = inheritedIn(registry, settings)
    .filter((name) => NAMES_A_SECRET.test(name))
    .flatMap((name) => childEnv[name] ?? []);
  return [...held, ...inherited];
}

/** A value that is there only later; asking for it before is a bug. */
function later<T>(): { get(): T; set(value: T): void } {
  let kept: { readonly value: T } | null = null;
  return {
    get() {
      if (kept === null) throw new Error("used before it was built");
      return kept.value;
    },
    set(value) {
      kept = { value };
    },
  };
}

function stopper(
  { settings, log }: RelayParts,
  http: { close(graceMs: number): Promise<void> },
  engine: Engine,
  watch: { stop(): Promise<void> },
  identities: Identities,
): () => Promise<void> {
  let stopped: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    // Half for answering what is in flight, the rest for settling runs.
    const graceMs = settings.http.shutdownSeconds * 1_000;
    for (const [what, end] of [
      ["http", () => http.close(graceMs / 4)],
      ["conditions", () => watch.stop()],
      ["identities", () => identities.stop()],
      ["engine", () => engine.stop(graceMs / 2)],
    ] as const) {
      try {
        await end();
      } catch (error) {
        log.error("a part failed to stop cleanly", { what, error: messageOf(error) });
      }
    }
  };
  return () => (stopped ??= stop());
}

async function agentsOf(registry: Registry, parts: MakingParts): Promise<Readonly<Record<string, Agent>>> {
  const names = new Set(parts.settings.projects.map((project) => project.agent.default));
  names.add(parts.settings.agent.default);
  const entries = [...names].map(async (name) => [name, await registry.agents[name].make(parts)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function modelOf({ agents }: Registry, { projects }: Settings, id: string): string | null {
  const project = projects.find((each) => each.id === id);
  return project === undefined ? null : agents[project.agent.default].model(project.agent);
}

function agentNamed(agents: Readonly<Record<string, Agent>>, name: string): Agent {
  const agent = agents[name];
  if (agent === undefined) throw new Error(`there is no agent "${name}"`);
  return agent;
}

function projectOf(settings: Settings, repository: string): Settings["projects"][number] {
  const project = settings.projects.find((row) => row.repository.name === repository);
  if (project === undefined) throw new Error(`no project has the repository ${repository}`);
  return project;
}

function runLimits({ runs }: Settings): RunParts["limits"] {
  return {
    stallMs: runs.stallSeconds * 1_000,
    prepareMs: runs.prepareMinutes * 60_000,
    verifyMs: runs.verifyMinutes * 60_000,
    hookMs: runs.hookSeconds * 1_000,
    maxChangedFiles: runs.maxChangedFiles,
    maxChangedBytes: runs.maxChangedKiB * 1_024,
  };
}

const DAY_MS = 86_400_000;

function engineSettings({
  webhooks,
  runs,
  inbox,
  outbox,
  sweep,
  storage,
}: Settings): EngineParts["settings"] {
  return {
    slots: runs.slots,
    slotsPerProject: runs.slotsPerProject,
    inboxAttempts: inbox.maxAttempts,
    outboxAttempts: outbox.maxAttempts,
    outboxFirstRetryMs: outbox.firstRetrySeconds * 1_000,
    outboxMaxRetryMs: outbox.maxRetrySeconds * 1_000,
    sweep: {
      activeMs: sweep.activeSeconds * 1_000,
      waitingMs: sweep.waitingSeconds * 1_000,
      idleMs: sweep.idleSeconds * 1_000,
      pollMs: webhooks === "off" ? sweep.pollSeconds * 1_000 : null,
    },
    storage: {
      minFreeBytes: storage.minFreeMiB * 1_048_576,
      keepDeliveriesMs: storage.keepDeliveriesDays * DAY_MS,
      keepDigestsMs: storage.keepDigestsDays * DAY_MS,
      keepRunEventsMs: storage.keepRunEventsDays * DAY_MS,
      keepJournalMs: storage.keepJournalDays * DAY_MS,
    },
  };
}

async function serveHttp(
  parts: RelayParts,
  {
    engine,
    sources,
    agents,
    policy,
    watch,
    identities,
  }: {
    readonly engine: Engine;
    readonly sources: MadeSources;
    readonly agents: Readonly<Record<string, Agent>>;
    readonly policy: EngineParts["policy"];
    readonly watch: ReturnType<typeof watchConditions>;
    readonly identities: Identities;
  },
): Promise<{ readonly url: string; close(graceMs: number): Promise<void> }> {
  const { createHttp } = await import("./http/http.ts");
  const http = createHttp({
    settings: parts.settings,
    apiToken: parts.credentials.PATCHRELAY_API_TOKEN,
    policy,
    engine,
    sources: sources.all.map((source) =>
      webhookSource(source, parts.settings, (name) => identities.recheck(name)),
    ),
    ready: async () => readiness(engine, watch.now(), identities, parts.clock, sources.all),
    agents: async () =>
      Object.keys(agents).map((name) => ({
        name,
        ready: watch.now().agents[name] === null,
        detail: watch.now().agents[name] ?? null,
      })),
    clock: parts.clock,
    randomness: parts.randomness,
    log: parts.log.with({ part: "http" }),
    version: parts.version,
  });
  const { url } = await http.listen();
  return { url, close: (graceMs) => http.close(graceMs) };
}

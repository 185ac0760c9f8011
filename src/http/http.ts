import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { FastifyInstance } from "fastify";
import type { Policy } from "../factory/facts/policy.ts";
import type { AgentDocument, ReadyDocument } from "../engines/documents.ts";
import type { Engine } from "../engines/engine.ts";
import { messageOf } from "../lib/assert.ts";
import type { Clock } from "../lib/clock.ts";
import type { Randomness } from "../lib/ids.ts";
import type { Log } from "../lib/log.ts";
import { cutOffAfter } from "../lib/external.ts";
import type { Secret } from "../lib/secrets/secret.ts";
import type { Settings } from "../settings/settings.ts";
import { commands } from "./api/commands.ts";
import { inspection } from "./api/inspection.ts";
import { createApp } from "./app.ts";
import { dashboard } from "./dashboard/routes.ts";
import { guard } from "./access/guard.ts";
import { health } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import type { Metrics } from "./metrics.ts";
import { oauth } from "./oauth.ts";
import { openapi } from "./openapi.ts";
import { Problem } from "./problem.ts";
import { createByteBudget } from "./webhooks/byte-budget.ts";
import { createLimitedServer } from "./webhooks/server.ts";
import { session } from "./access/session.ts";
import { createSessions } from "./access/sessions.ts";
import { GOING_AWAY, stream } from "./stream.ts";
import { createWebhooks } from "./webhooks/webhooks.ts";
import { webhookPath } from "./webhooks/source.ts";
import type { Source } from "./webhooks/source.ts";

/** All that HTTP is given. It sees the engine's seam, never what is behind it. */
export interface HttpParts {
  readonly settings: Settings;
  /** PATCHRELAY_API_TOKEN; null = only loopback is served beyond webhooks and /health. */
  readonly apiToken: Secret | null;
  /** What the factory decides by. */
  readonly policy: Policy;
  readonly engine: Engine;
  readonly sources: readonly Source[];
  readonly ready: (signal: AbortSignal) => Promise<ReadyDocument>;
  readonly agents: (signal: AbortSignal) => Promise<readonly AgentDocument[]>;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  readonly version: string;
}

export interface Http {
  /** Resolves with the address once requests are answered. Rejects when the port is taken. */
  listen(): Promise<{ readonly url: string }>;
  /**
   * Accepts nothing more, answers what is in flight, ends streams and idle connections; what is left after
   * `graceMs` is cut off. Safe to repeat.
   */
  close(graceMs: number): Promise<void>;
}

/** Bodies of webhooks in memory at a time, in bytes: many large ones at once must not exhaust it. */
const BYTES_IN_FLIGHT = 256 * 1024 * 1024;
const AGENTS_MS = 5_000;
/** While closing, connections that have become idle are looked for this often. */
const IDLE_LOOK_MS = 25;

/** The relay's HTTP side: intake of webhooks, API, stream, health, dashboard. */
export function createHttp(parts: HttpParts): Http {
  const { settings, engine, clock, log } = parts;
  const { http } = settings;
  const metrics = createMetrics(
    engine,
    parts.sources.map(({ name }) => name),
    log,
  );
  const stopping = new AbortController();
  const webhooks = createWebhooks({
    sources: taken(parts),
    engine,
    budget: createByteBudget(BYTES_IN_FLIGHT),
    counts: metrics.webhooks,
    clock,
    log,
  });
  const serve = (take: (request: IncomingMessage, response: ServerResponse) => void): Server =>
    createLimitedServer(
      {
        headersMs: http.headersSeconds * 1000,
        requestMs: http.requestSeconds * 1000,
        connections: http.maxConnections,
        connectionsPerAddress: http.maxConnectionsPerAddress,
      },
      (request, response) => {
        if (!webhooks.take(request, response)) take(request, response);
      },
    );

  let app: FastifyInstance | null = null;
  let uncount = async (): Promise<void> => undefined;
  let closing: Promise<void> | null = null;

  return {
    async listen() {
      const made = await createApp({ bodyLimit: http.apiBodyKiB * 1024, log, serve });
      app = made;
      await routes(made, parts, metrics, stopping.signal);
      await made.ready();
      uncount = countRuns(engine, metrics, log);
      await listening(made.server, http.port, http.host);
      return { url: urlOf(made.server) };
    },
    async close(graceMs) {
      closing ??= (async () => {
        stopping.abort(new Error("the relay is stopping"));
        await uncount();
        if (app === null) return;
        await drain(app, graceMs, clock);
        await app.close();
      })();
      await closing;
    },
  };
}

async function routes(
  app: FastifyInstance,
  parts: HttpParts,
  metrics: Metrics,
  stopping: AbortSignal,
): Promise<void> {
  const { settings, apiToken, policy, engine, sources, clock, randomness, log } = parts;
  const sessions = createSessions(clock, randomness);
  guard(app, { apiToken, requireToken: settings.http.requireToken }, sessions);
  await openapi(app, parts.version, sources, taken(parts));
  health(app, parts.ready, metrics, stopping, { clock, log });
  const agents = async () =>
    await cutOffAfter(clock, stopping, AGENTS_MS, "the agents", parts.agents).catch((error: unknown) => {
      if (!stopping.aborted) log.warn("the agents could not be checked", { why: messageOf(error) });
      throw new Problem(503, "not_ready", "the agents could not be checked in time");
    });
  inspection(app, engine.views, agents, {
    sources: sources.map(({ name }) => name),
    repositories: settings.projects.map(({ repository }) => repository.name),
  });
  commands(app, { engine, policy, clock, randomness });
  stream(app, engine, clock, log);
  await session(app, {
    apiToken,
    secure: settings.http.publicUrl?.startsWith("https:") === true,
    sessions,
  });
  const baseUrl = (): string => settings.http.publicUrl ?? urlOf(app.server);
  oauth(app, { sources, baseUrl, stopping, clock, log });
  // Webhooks were answered before they came here; what is left below their path is nobody's.
  const places = taken(parts).map(webhookPath).join(" and ");
  app.all("/webhooks/*", { config: { open: true }, schema: { hide: true } }, () => {
    const detail =
      places === "" ? "webhooks are off in the configuration" : `webhooks are taken at ${places}`;
    throw new Problem(404, "not_found", detail);
  });
  dashboard(app, engine, policy, sources);
}

/** The sources whose webhooks are taken. */
function taken({ settings, sources }: Pick<HttpParts, "settings" | "sources">): readonly Source[] {
  return settings.webhooks === "off" ? [] : sources;
}

/** Counts ended runs from the journal's lines. Returns the end, which resolves once nothing is being counted. */
function countRuns(engine: Engine, metrics: Metrics, log: Log): () => Promise<void> {
  let counting: Promise<void> = Promise.resolve();
  const count = async (issue: string): Promise<void> => {
    try {
      // The same advance may have reserved the next run already.
      const { items } = await engine.views.runs({ issue }, { limit: 2, cursor: null });
      const ended = items.find((run) => run.endedAt !== null);
      if (ended !== undefined) metrics.runEnded(ended);
    } catch (error) {
      log.warn("could not count an ended run", { why: messageOf(error) });
    }
  };
  const unsubscribe = engine.subscribe(({ kind, line }) => {
    if (kind !== "journal" || !("observation" in line) || !line.observation.kind.includes("run_ended"))
      return;
    counting = counting.then(async () => await count(line.issue));
  });
  return async () => {
    unsubscribe();
    await counting;
  };
}

async function listening(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

function urlOf(server: Server): string {
  const { address, port, family } = server.address() as AddressInfo;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}

/** Lets what is in flight finish; connections end as soon as they are idle, streams at once. */
async function drain(app: FastifyInstance, graceMs: number, clock: Clock): Promise<void> {
  const { server } = app;
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  for (const client of app.websocketServer.clients) {
    client.close(GOING_AWAY, "the relay is stopping; continue with ?after=");
  }
  let cancel = (): void => undefined;
  const look = (): void => {
    server.closeIdleConnections();
    cancel = clock.after(IDLE_LOOK_MS, look);
  };
  look();
  const cancelEnd = clock.after(graceMs, () => {
    for (const client of app.websocketServer.clients) client.terminate();
    server.closeAllConnections();
  });
  await closed;
  cancel();
  cancelEnd();
}

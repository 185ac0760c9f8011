import { createHmac } from "node:crypto";
import { CALM, type Faults, type SentWebhook, type WorldParts } from "../faults.ts";
import {
  jsonReply,
  serve,
  startSender,
  type Unsigned,
  type WebhookTarget,
  type WireReply,
  type WireRequest,
} from "../wire.ts";
import { graphqlApi, refusal, type ApiCall } from "./api/api.ts";
import { inspection, type Inspection } from "./inspection.ts";
import { rateLimited } from "./api/errors.ts";
import { OAuth } from "./oauth.ts";
import { Model, type Happening, type Installation } from "./model/model.ts";
import { payloadOf } from "./payloads/payloads.ts";
import { people, type People } from "./model/people.ts";
import type { HourlyLimits } from "./limits.ts";

const MAX_BODY_BYTES = 2 * 1024 * 1024;
const KEPT_CALLS = 5_000;
const KEPT_PROBLEMS = 100;

/** developers/webhooks: an answer within 5 s, else again after 1 minute, 1 hour and 6 hours. */
const WEBHOOK_DEADLINE_MS = 5_000;
const WEBHOOK_RETRIES_MS = [60_000, 3_600_000, 6 * 3_600_000];

/** What the stand-in for Linear is started with. */
export interface LinearWorldParts extends WorldParts {
  /** Where webhooks go; without it they are only recorded. */
  readonly webhook?: WebhookTarget;
  /** The workspace's people; the first of them writes what nobody is named for. */
  readonly people?: readonly string[];
  /** Team keys and names; `APP` unless given. */
  readonly teams?: Readonly<Record<string, string>>;
  /** Whose webhook it is: the application's, or one of the workspace, which hears of issues and comments only. */
  readonly webhookOf?: "app" | "workspace";
  /** How long changes by one person share an entry of an issue's history. Linear does not say; 0 unless given. */
  readonly historyWindowMs?: number;
  /** Hourly limits of the API key and of OAuth tokens; Linear's own unless given. */
  readonly limits?: HourlyLimits;
  /** The application's id and secret, where it is installed in several workspaces; made up unless given. */
  readonly application?: { readonly clientId: string; readonly clientSecret: string };
}

/** A running stand-in for Linear. */
export interface LinearWorld extends People, Inspection {
  /** Base address; GraphQL at `<url>/graphql`, OAuth at `<url>/oauth/token` and `<url>/oauth/revoke`. */
  readonly url: string;
  readonly faults: Faults;
  /** A key of the first person, used bare. A person is never a delegate and has no agent sessions. */
  readonly apiKey: string;
  /** An access token of our app that works, used with `Bearer`. */
  readonly accessToken: string;
  /** The OAuth app's credentials, for the token endpoint. */
  readonly oauth: OAuth;
  readonly installation: Installation;
  /** The newest webhooks, oldest first. */
  readonly sent: readonly SentWebhook[];
  /** The newest API operations that were carried out, oldest first. */
  readonly calls: readonly ApiCall[];
  /** Faults of the stand-in itself; a test may want it empty. */
  readonly problems: readonly string[];
  setWebhook(target: WebhookTarget | null): void;
  /** Fields taken out of the schema for now, as `Type.field`: what is marked internal may go any day. */
  readonly withheld: Set<string>;
  /** The switch "agent session events" on the application's page. Turned on, it counts from the next consent. */
  setAgentSessionEvents(on: boolean): void;
  /** Whether sessions to come name the comment with the mention; they do not unless told. */
  nameMentions(on: boolean): void;
  /** Sends a recorded webhook again, same id and bytes; resolves with the status (0 = none). */
  resend(id: string): Promise<number>;
  /** Resolves once every webhook was sent for the first time or lost; retries to come are not waited for. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** Starts the stand-in on a free loopback port. */
export async function startLinearWorld(parts: LinearWorldParts): Promise<LinearWorld> {
  const faults: Faults = { ...CALM };
  const problems: string[] = [];
  const problem = (story: string): void => {
    if (problems.length < KEPT_PROBLEMS) problems.push(story);
  };
  let target: WebhookTarget | null = parts.webhook ?? null;

  const model = new Model(parts.clock, parts.randomness);
  model.historyWindowMs = parts.historyWindowMs ?? 0;
  const oauth = new OAuth(model, parts.limits ?? null, parts.application ?? null);
  for (const name of parts.people ?? ["Ada Lovelace", "Grace Hopper"]) model.addPerson(name);
  for (const [key, name] of Object.entries(parts.teams ?? { APP: "App" })) model.addTeam(key, name);

  const sender = startSender({
    clock: parts.clock,
    randomness: parts.randomness,
    faults: () => faults,
    target: () => target,
    headers: signedHeaders,
    deadlineMs: WEBHOOK_DEADLINE_MS,
    retriesMs: WEBHOOK_RETRIES_MS,
    problem,
  });
  model.tell = (happening) => {
    if (!subscribed(model, parts.webhookOf ?? "app", happening)) return;
    const { event, body } = payloadOf(model, happening);
    sender.send(event, JSON.stringify(body));
  };

  const calls: ApiCall[] = [];
  const withheld = new Set<string>();
  const graphql = graphqlApi({
    model,
    faults: () => faults,
    caller: (authorization) => oauth.caller(authorization),
    withheld: () => withheld,
    called: (call) => {
      calls.push(call);
      if (calls.length > KEPT_CALLS) calls.shift();
    },
  });
  const server = await serve({
    clock: parts.clock,
    faults: () => faults,
    maxBodyBytes: MAX_BODY_BYTES,
    problem,
    rateLimited: () => refusal([rateLimited("Too many requests.")], limitedHeaders(parts.clock.now())),
    answer: async (request: WireRequest): Promise<WireReply> => {
      const path = `${request.method} ${request.url.pathname}`;
      if (path === "POST /graphql") return graphql(request);
      return oauth.answer(request) ?? jsonReply(404, { error: "not found" });
    },
  });

  return {
    ...people(model),
    ...inspection(model),
    url: server.url,
    faults,
    withheld,
    apiKey: oauth.apiKey,
    accessToken: oauth.firstToken,
    oauth,
    installation: model.installation,
    sent: sender.sent,
    calls,
    problems,
    setWebhook(next) {
      target = next;
    },
    nameMentions(on) {
      model.namesMention = on;
    },
    setAgentSessionEvents(on) {
      model.agentSessionEvents = on;
      if (!on && model.grant !== null) model.grant = { ...model.grant, agentSessions: false };
    },
    resend: (id) => sender.resend(id),
    settled: () => sender.settled(),
    async close() {
      await sender.close();
      await server.close();
    },
  };
}

// Only the application's own webhook hears what is meant for its app user, and only while it is installed.
function subscribed(model: Model, webhookOf: "app" | "workspace", happening: Happening): boolean {
  if (happening.kind === "entity") return true;
  if (webhookOf === "workspace" || model.grant === null) return false;
  return happening.kind !== "session" || model.sessionsOn();
}

function signedHeaders({ id, event, body, secret }: Unsigned): Record<string, string> {
  const { webhookTimestamp } = JSON.parse(body) as { webhookTimestamp: number };
  return {
    "Linear-Delivery": id,
    "Linear-Event": event,
    "Linear-Signature": createHmac("sha256", secret).update(body).digest("hex"),
    "Linear-Timestamp": String(webhookTimestamp),
    "content-type": "application/json; charset=utf-8",
    "Accept-Charset": "utf-8",
    "User-Agent": "Linear-Webhook",
  };
}

function limitedHeaders(now: number): Record<string, string> {
  return {
    "x-ratelimit-requests-limit": "2500",
    "x-ratelimit-requests-remaining": "0",
    "x-ratelimit-requests-reset": String(now + 60_000),
  };
}

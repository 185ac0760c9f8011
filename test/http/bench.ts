import type { Installing } from "../../src/trackers/tracker.ts";
import { createHmac } from "node:crypto";
import { connect } from "node:net";
import type { AgentDocument, ReadyDocument } from "../../src/engines/documents.ts";
import { openWebhook as openGitHub } from "../../src/forges/github/events/webhook.ts";
import { openWebhook as openLinear } from "../../src/trackers/linear/events/webhook.ts";
import { createHttp } from "../../src/http/http.ts";
import type { HttpParts } from "../../src/http/http.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import type { Source } from "../../src/http/webhooks/source.ts";
import { REGISTRY } from "../../src/registry.ts";
import type { Settings } from "../../src/settings/settings.ts";
import { webhookSource } from "../../src/sources.ts";
import { policyOf } from "../../src/settings/policy.ts";
import { settingsOf } from "../settings/sources.ts";
import { fakeEngine, NOON } from "./fake-engine.ts";
import type { FakeEngine } from "./fake-engine.ts";

const GITHUB_SECRET = "github-secret-canary";
const LINEAR_SECRET = "linear-secret-canary";
export const TOKEN = "token-canary-0123456789abcdef";

export interface Bench {
  readonly url: string;
  readonly port: number;
  readonly engine: FakeEngine;
  close(): Promise<void>;
}

/** A served relay on loopback with a fake engine behind it and the real webhook sources before it. */
export async function serve(
  options: {
    readonly http?: object;
    readonly webhooks?: "off";
    readonly token?: string | null;
    readonly over?: Partial<HttpParts>;
  } = {},
): Promise<Bench> {
  const engine = fakeEngine();
  const { webhooks = "on" } = options;
  const settings = settingsOf({ http: { port: 0, ...options.http }, webhooks });
  const http = createHttp({
    settings,
    apiToken: options.token == null ? null : new Secret(options.token),
    policy: policyOf(settings, { policy: "when_approved", because: null }),
    engine,
    sources: [
      served(
        settings,
        "linear",
        (headers, body, now) => openLinear(headers, body, now, [new Secret(LINEAR_SECRET)]).result,
      ),
      served(settings, "github", (headers, body) => {
        const opened = openGitHub(headers, body, [new Secret(GITHUB_SECRET)]);
        return "delivery" in opened ? opened.delivery : opened;
      }),
    ],
    ready: async () => readyDocument(true),
    agents: async () => [agent],
    clock: { ...systemClock, now: () => NOON },
    randomness: systemRandomness,
    log: silentLog,
    version: "0.0.0-test",
    ...options.over,
  });
  const { url } = await http.listen();
  return { url, port: Number(new URL(url).port), engine, close: () => http.close(2_000) };
}

/** A source as its row of the registry tells, with another `open`. */
export function served(
  settings: Settings,
  name: string,
  open: Source["open"],
  installing: Installing | null = null,
): Source {
  const row = REGISTRY.sources[name];
  if (row === undefined) throw new Error(`there is no source ${name}`);
  return webhookSource({ name, row, made: { open, installing } }, settings, () => undefined);
}

const agent: AgentDocument = { name: "codex", ready: true, detail: null };

export function readyDocument(ready: boolean): ReadyDocument {
  const part = { ok: ready, detail: ready ? "fine" : "the disk is full", ageMs: null, pending: null };
  const parts = {
    database: part,
    inbox: part,
    outbox: part,
    sweep: part,
    agent: part,
    linear: part,
    github: part,
  };
  return { ready, previousSecrets: { linear: null, github: null }, parts };
}

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
  /** All that came, further answers included. */
  readonly raw: string;
}

/**
 * Writes bytes to the port and gives what comes back until the other side closes; so a request must say
 * `Connection: close`, or be one after which the relay does.
 */
export async function raw(port: number, ...parts: readonly (string | Buffer)[]): Promise<Answer> {
  const text = await new Promise<string>((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const chunks: Buffer[] = [];
    socket.on("data", (chunk) => chunks.push(chunk));
    socket.on("close", () => resolve(Buffer.concat(chunks).toString("latin1")));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "ECONNRESET" && error.code !== "EPIPE") reject(error);
    });
    for (const part of parts) socket.write(part);
  });
  const [head = "", ...rest] = text.split("\r\n\r\n");
  const [first = "", ...lines] = head.split("\r\n");
  return {
    status: Number(first.split(" ")[1] ?? 0),
    headers: new Map(
      lines.map((line) => {
        const at = line.indexOf(":");
        return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
      }),
    ),
    body: rest.join("\r\n\r\n"),
    raw: text,
  };
}

/** Writes bytes and gives the first that come back, without waiting for more. */
export async function firstBytes(port: number, ...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1" });
  try {
    for (const part of parts) socket.write(part);
    return await new Promise<string>((resolve, reject) => {
      socket.once("data", (chunk) => resolve(chunk.toString("latin1")));
      socket.once("close", () => resolve(""));
      socket.once("error", reject);
    });
  } finally {
    socket.destroy();
  }
}

/** A request as text. `headers` go out as given, in that order, doubled if listed twice. */
export function request(
  method: string,
  path: string,
  headers: readonly (readonly [string, string])[],
  body: string | Buffer = "",
): Buffer {
  const lines = [`${method} ${path} HTTP/1.1`, ...headers.map(([name, value]) => `${name}: ${value}`)];
  return Buffer.concat([Buffer.from(`${lines.join("\r\n")}\r\n\r\n`), Buffer.from(body)]);
}

export function githubSignature(body: string | Buffer, secret = GITHUB_SECRET): string {
  return `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;
}

export function linearSignature(body: string | Buffer, secret = LINEAR_SECRET): string {
  return createHmac("sha256", secret).update(body).digest("hex");
}

/** The headers of a genuine GitHub webhook with these bytes. */
export function githubHeaders(
  body: string | Buffer,
  deliveryId = "72d3162e-cc78-11e3-81ab-4c9367dc0958",
): (readonly [string, string])[] {
  return [
    ["Host", "relay.example.com"],
    ["Content-Type", "application/json"],
    ["Content-Length", String(Buffer.byteLength(body))],
    ["X-GitHub-Event", "push"],
    ["X-GitHub-Delivery", deliveryId],
    ["X-Hub-Signature-256", githubSignature(body)],
    ["Connection", "close"],
  ];
}

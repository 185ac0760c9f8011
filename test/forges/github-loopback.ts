import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/lib/clock.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import type { GitHubForge, GitHubParts } from "../../src/forges/github/forge.ts";
import { createGitHubForge } from "../../src/forges/github/forge.ts";

export interface Asked {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The parsed body, or {} when there is none. */
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** A string is sent as it is, anything else as JSON. "hang" = no answer, "reset" = the connection breaks. */
  readonly body?: unknown;
  readonly instead?: "hang" | "reset";
}

export interface Loopback {
  readonly url: string;
  readonly asked: Asked[];
  close(): Promise<void>;
}

/** A server of a few lines that answers as a test says; what it is not told to answer is 404. */
export async function startLoopback(answer: (asked: Asked) => Reply | undefined): Promise<Loopback> {
  const asked: Asked[] = [];
  const server = createServer((incoming, outgoing) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      const request: Asked = {
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        headers: incoming.headers,
        text,
        body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>),
      };
      asked.push(request);
      const reply = answer(request) ?? { status: 404, body: { message: "Not Found" } };
      if (reply.instead === "hang") return;
      if (reply.instead === "reset") {
        incoming.socket.resetAndDestroy();
        return;
      }
      const status = reply.status ?? 200;
      const plain = typeof reply.body === "string" || Buffer.isBuffer(reply.body);
      outgoing.writeHead(status, {
        "content-type": plain ? "text/html" : "application/json",
        ...reply.headers,
      });
      outgoing.end(plain ? reply.body : status === 204 ? undefined : JSON.stringify(reply.body ?? {}));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The system's clock, but standing still at `at` and never firing. */
export function stillClock(at: number): Clock & { at: number } {
  const clock = { at, now: () => clock.at, monotonic: () => clock.at, after: () => () => undefined };
  return clock;
}

/** Every chance falls on zero. */
const noChance = { ...systemRandomness, fraction: () => 0 };

/** A forge that talks to `url`. */
export function forgeAt(url: string, more: Partial<GitHubParts> = {}): GitHubForge {
  return createGitHubForge({
    apiUrl: url,
    graphqlUrl: `${url}/graphql`,
    webUrl: url,
    webhookSecrets: [new Secret("current")],
    auth: { kind: "token", token: new Secret("token-1") },
    author: null,
    cloneUrls: { "acme/app": null },
    clock: systemClock,
    randomness: noChance,
    log: silentLog,
    limits: { writesPerMinute: 60, concurrent: 4, connectMs: 5_000, totalMs: 15_000 },
    ...more,
  });
}

export const NEVER = new AbortController().signal;

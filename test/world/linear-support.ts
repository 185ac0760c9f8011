import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { startLinearWorld, type LinearWorld, type LinearWorldParts } from "../../world/linear/world.ts";

/** A clock that a test moves by hand. */
export class HandClock implements Clock {
  #now = Date.UTC(2026, 10, 20, 12);
  #timers: { at: number; fire: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + ms, fire };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Moves on, firing what falls due in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = this.#timers.filter((timer) => timer.at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#now = Math.max(this.#now, next.at);
      next.fire();
    }
    this.#now = until;
  }
}

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly body: Record<string, unknown>;
}

/** Listens for webhooks; `status` is what it answers. */
export interface Receiver {
  readonly url: string;
  readonly got: Received[];
  status: number;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const got: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks);
      got.push({
        headers: request.headers,
        raw,
        body: JSON.parse(raw.toString("utf8")) as Record<string, unknown>,
      });
      response.writeHead(receiver.status).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/linear`,
    got,
    status: 200,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  return receiver;
}

export const SECRET = "linear-webhook-secret";

/** A world on a hand-moved clock, closed by the caller. */
export async function handWorld(
  parts: Partial<LinearWorldParts> = {},
): Promise<{ world: LinearWorld; clock: HandClock }> {
  const clock = new HandClock();
  const world = await startLinearWorld({ clock, randomness: systemRandomness, ...parts });
  return { world, clock };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly data: Record<string, unknown> | null;
  readonly errors: { message: string; extensions: Record<string, unknown> }[];
}

/** One raw GraphQL call, by the app unless said otherwise. */
export async function ask(
  world: LinearWorld,
  query: string,
  variables: Record<string, unknown> = {},
  authorization: string | null = `Bearer ${world.accessToken}`,
): Promise<Answer> {
  const response = await fetch(`${world.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(authorization === null ? {} : { authorization }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Partial<Answer>;
  return {
    status: response.status,
    headers: response.headers,
    data: body.data ?? null,
    errors: body.errors ?? [],
  };
}

/** A value deep inside plain JSON, by path; undefined when it is not there. */
export function at(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | null | undefined)?.[key], value);
}

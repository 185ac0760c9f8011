import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { messageOf } from "../src/lib/assert.ts";
import type { Clock } from "../src/lib/clock.ts";
import type { Faults, SentWebhook, WorldParts } from "./faults.ts";

/** One request as a stand-in sees it: whole, so that its reply may be lost after it was carried out. */
export interface WireRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One answer of a stand-in, whole. */
export interface WireReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer;
}

/** One line of a stand-in's request log; status 0 = the caller was given no answer. */
export interface WireEntry {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

export interface ServeParts {
  readonly clock: Clock;
  readonly faults: () => Faults;
  /** Carries the request out. A throw is answered 500 and reported. */
  readonly answer: (request: WireRequest) => Promise<WireReply>;
  /** How this service says "rate limited". */
  readonly rateLimited: (request: WireRequest) => WireReply;
  /** Where a fault of the stand-in itself is told. */
  readonly problem: (story: string) => void;
  /** Largest request body taken, bytes. */
  readonly maxBodyBytes: number;
}

export interface WireServer {
  /** `http://127.0.0.1:<port>`, no slash at the end. */
  readonly url: string;
  /** The newest requests, oldest first, at most 5000. */
  readonly requests: WireEntry[];
  close(): Promise<void>;
}

const KEPT_REQUESTS = 5_000;

/** Serves `answer` on a free loopback port, with the outages and limits that the faults ask for. */
export async function serve(parts: ServeParts): Promise<WireServer> {
  const requests: WireEntry[] = [];
  const note = (entry: WireEntry): void => {
    requests.push(entry);
    if (requests.length > KEPT_REQUESTS) requests.shift();
  };

  const exchange = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const faults = parts.faults();
    const url = new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? "127.0.0.1"}`);
    const method = incoming.method ?? "GET";
    const line = { method, path: url.pathname + url.search };
    if (faults.outage === "refused") {
      // A connection kept alive from before the outage.
      incoming.socket.destroy();
      return;
    }
    const body = await wholeBody(incoming, parts.maxBodyBytes);
    if (faults.outage === "silent" || faults.outage === "reset") {
      note({ ...line, status: 0 });
      // "silent" keeps the connection open until the caller gives up or the stand-in closes.
      if (faults.outage === "reset") incoming.socket.resetAndDestroy();
      return;
    }
    const reply =
      body === null
        ? TOO_LARGE
        : (outageReply(faults) ?? (await carryOut({ method, url, headers: incoming.headers, body })));
    if (faults.outage === "lost_reply") {
      note({ ...line, status: 0 });
      incoming.socket.destroy();
      return;
    }
    note({ ...line, status: reply.status });
    outgoing.writeHead(reply.status, {
      // The service's own time, which callers hold against the times in its answers.
      date: new Date(parts.clock.now()).toUTCString(),
      ...reply.headers,
      "content-length": String(Buffer.byteLength(reply.body)),
    });
    outgoing.end(method === "HEAD" ? undefined : reply.body);
  };

  const carryOut = async (request: WireRequest): Promise<WireReply> => {
    const faults = parts.faults();
    if (faults.rateLimitNext > 0) {
      faults.rateLimitNext -= 1;
      return parts.rateLimited(request);
    }
    return parts.answer(request);
  };

  const server = createServer((incoming, outgoing) => {
    exchange(incoming, outgoing).catch((error: unknown) => {
      parts.problem(`${incoming.method ?? "?"} ${incoming.url ?? "?"}: ${messageOf(error)}`);
      if (!outgoing.headersSent) outgoing.writeHead(500, { "content-type": "application/json" });
      outgoing.end('{"message":"Server Error"}');
    });
  });
  // A port that is closed and opened again could be taken meanwhile; closing each connection unread looks the
  // same to the caller: a network error before any byte of an answer.
  server.on("connection", (socket) => {
    if (parts.faults().outage === "refused") socket.destroy();
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

const TOO_LARGE: WireReply = { status: 413, headers: { "content-type": "text/plain" }, body: "too large" };

function outageReply(faults: Faults): WireReply | null {
  const json = { "content-type": "application/json" };
  if (faults.outage === "html502") {
    const body =
      "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>";
    return { status: 502, headers: { "content-type": "text/html" }, body };
  }
  if (faults.outage === "status500")
    return { status: 500, headers: json, body: '{"message":"Server Error"}' };
  if (faults.outage === "status503") {
    return { status: 503, headers: json, body: '{"message":"Service Unavailable"}' };
  }
  return null;
}

async function wholeBody(incoming: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
  }
  return bytes > maxBytes ? null : Buffer.concat(chunks);
}

/** A JSON answer. */
export function jsonReply(status: number, value: unknown, headers: Record<string, string> = {}): WireReply {
  return {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
    body: JSON.stringify(value),
  };
}

/** Work that was started and must be over before a stand-in closes; a failure is told, never lost. */
export interface UnderWay {
  /** Starts `work`; refused (and told) when `max` pieces are already under way. */
  start(work: () => Promise<void>): void;
  /** Resolves once nothing is under way, including what finishing work started. */
  settled(): Promise<void>;
}

/** `problem` hears of each failure; `max` bounds how much may be under way at a time. */
export function underWay(problem: (story: string) => void, max = 10_000): UnderWay {
  const live = new Map<number, Promise<void>>();
  let next = 0;
  return {
    start(work) {
      if (live.size >= max) {
        problem(`more than ${max} pieces of work are under way: one was dropped`);
        return;
      }
      const number = (next += 1);
      const run = async (): Promise<void> => {
        // Yield first, so that the entry is in the map before it can be taken out.
        await Promise.resolve();
        try {
          await work();
        } catch (error) {
          problem(messageOf(error));
        } finally {
          live.delete(number);
        }
      };
      live.set(number, run());
    },
    async settled() {
      while (live.size > 0) await Promise.all(live.values());
    },
  };
}

/** Where webhooks go, and the secret that signs them. */
export interface WebhookTarget {
  readonly url: string;
  readonly secret: string;
}

/** What is known when a webhook is signed. */
export interface Unsigned {
  readonly id: string;
  readonly event: string;
  readonly body: string;
  readonly secret: string;
}

export interface SenderParts extends WorldParts {
  readonly faults: () => Faults;
  /** Null = no webhook is configured: it is recorded, not sent. */
  readonly target: () => WebhookTarget | null;
  /** The service's own headers. */
  readonly headers: (unsigned: Unsigned) => Record<string, string>;
  /** Headers that are added before the first try, where signing takes a promise. */
  readonly sign?: (unsigned: Unsigned) => Promise<Record<string, string>>;
  /** How long the receiver may take, milliseconds. */
  readonly deadlineMs: number;
  /** Waits before each further try after an answer that is not 2xx; empty = never tried again. Milliseconds. */
  readonly retriesMs: readonly number[];
  /** Called after each try; status 0 = no answer. */
  readonly answered?: (sent: SentWebhook, status: number, at: number, durationMs: number) => void;
  readonly problem: (story: string) => void;
}

export interface Sender {
  /** The newest webhooks, oldest first, at most 5000. */
  readonly sent: SentWebhook[];
  /** Signs and sends in the background, as the faults say. `id` is new unless given. */
  send(event: string, body: string, id?: string): SentWebhook;
  /** Sends a recorded one again at once, same id and bytes; resolves with the status answered (0 = none). */
  resend(id: string): Promise<number>;
  /** Resolves once every first try is over; later tries (`retriesMs`) are not waited for. */
  settled(): Promise<void>;
  /** Cancels waits and tries that are still open. */
  close(): Promise<void>;
}

const KEPT_WEBHOOKS = 5_000;

/** Sends signed webhooks: in order when the faults are calm, else lost, doubled, late and out of order. */
export function startSender(parts: SenderParts): Sender {
  const sent: SentWebhook[] = [];
  const closing = new AbortController();
  const work = underWay(parts.problem);
  const cancels = new Set<() => void>();
  let previous: Promise<void> = Promise.resolve();
  /** Those not signed yet, each with the secret of when it was recorded. */
  const unsigned = new WeakMap<SentWebhook, Unsigned>();

  const signed = async (webhook: SentWebhook): Promise<void> => {
    const waiting = unsigned.get(webhook);
    if (waiting === undefined || parts.sign === undefined) return;
    Object.assign(webhook.headers, await parts.sign(waiting));
    unsigned.delete(webhook);
  };

  const attempt = async (webhook: SentWebhook): Promise<number> => {
    const target = parts.target();
    if (target === null || closing.signal.aborted) return 0;
    await signed(webhook);
    const startedAt = parts.clock.monotonic();
    const at = parts.clock.now();
    const status = await post(parts.clock, target.url, webhook, parts.deadlineMs, closing.signal);
    webhook.answers.push(status);
    parts.answered?.(webhook, status, at, parts.clock.monotonic() - startedAt);
    return status;
  };

  const retryLater = (webhook: SentWebhook, round: number): void => {
    const wait = parts.retriesMs[round];
    if (wait === undefined || closing.signal.aborted || parts.target() === null) return;
    const cancel = parts.clock.after(wait, () => {
      cancels.delete(cancel);
      work.start(async () => {
        if (!accepted(await attempt(webhook))) retryLater(webhook, round + 1);
      });
    });
    cancels.add(cancel);
  };

  const first = async (webhook: SentWebhook): Promise<void> => {
    if (!accepted(await attempt(webhook))) retryLater(webhook, 0);
  };

  /** False = the stand-in closed meanwhile. (Any number of webhooks may wait: no listener on the signal for each.) */
  const waited = async (ms: number): Promise<boolean> => {
    if (closing.signal.aborted) return false;
    return await new Promise<boolean>((resolve) => {
      const end = (whole: boolean): void => {
        stop();
        cancels.delete(cancel);
        resolve(whole);
      };
      const stop = parts.clock.after(ms, () => end(true));
      const cancel = (): void => end(false);
      cancels.add(cancel);
    });
  };

  const dispatch = (webhook: SentWebhook): void => {
    const { delayMs, reorderMs } = parts.faults();
    const wait = delayMs + parts.randomness.fraction() * reorderMs;
    if (wait > 0) {
      work.start(async () => {
        if (await waited(wait)) await first(webhook);
      });
      return;
    }
    const before = previous;
    let done: () => void = () => undefined;
    previous = new Promise<void>((resolve) => {
      done = resolve;
    });
    work.start(async () => {
      try {
        await before;
        await first(webhook);
      } finally {
        done();
      }
    });
  };

  return {
    sent,
    send(event, body, id = parts.randomness.uuid()) {
      const secret = parts.target()?.secret ?? "";
      const known = { id, event, body, secret };
      const headers = { "content-type": "application/json", ...parts.headers(known) };
      const webhook: SentWebhook = { id, event, headers, body, answers: [] };
      unsigned.set(webhook, known);
      sent.push(webhook);
      if (sent.length > KEPT_WEBHOOKS) sent.shift();
      const { lose, duplicate } = parts.faults();
      if (parts.target() === null || chance(parts, lose)) return webhook;
      dispatch(webhook);
      if (chance(parts, duplicate)) dispatch(webhook);
      return webhook;
    },
    async resend(id) {
      const webhook = sent.findLast((candidate) => candidate.id === id);
      if (webhook === undefined)
        throw new Error(`no webhook ${id} was sent (the newest ${KEPT_WEBHOOKS} are kept)`);
      return attempt(webhook);
    },
    settled: () => work.settled(),
    async close() {
      closing.abort(new Error("the stand-in is closing"));
      for (const cancel of cancels) cancel();
      cancels.clear();
      await work.settled();
    },
  };
}

function chance(parts: WorldParts, probability: number): boolean {
  return probability > 0 && parts.randomness.fraction() < probability;
}

function accepted(status: number): boolean {
  return status >= 200 && status < 300;
}

async function post(
  clock: Clock,
  url: string,
  webhook: SentWebhook,
  deadlineMs: number,
  closing: AbortSignal,
): Promise<number> {
  const late = new AbortController();
  const cancel = clock.after(deadlineMs, () => late.abort(new Error(`no answer within ${deadlineMs} ms`)));
  try {
    const signal = AbortSignal.any([late.signal, closing]);
    const answer = await fetch(url, {
      method: "POST",
      headers: webhook.headers,
      body: webhook.body,
      redirect: "manual",
      signal,
    });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return 0;
  } finally {
    cancel();
  }
}

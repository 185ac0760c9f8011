import { Agent as HttpAgent, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { pipeline } from "node:stream";
import type { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { messageOf } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import { ExternalError } from "../../../lib/external.ts";

/**
 * HTTP as we want it: a limit on connecting apart from the whole, a limit on what is read, no redirects.
 * The built-in fetch has neither of the first two.
 */
export interface Transport {
  /** One exchange; the body is still to be read. Faults of the network are ExternalErrors `unavailable`. */
  exchange(url: URL, request: WireRequest, signal: AbortSignal): Promise<WireAnswer>;
  /** The same with the whole body, in the shape that Octokit asks for. */
  fetch(url: string, options: FetchOptions): Promise<Response>;
}

interface WireRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

interface WireAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

export interface FetchOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

// The largest answers are pages of a hundred comments, each at most 64 KiB.
const MAX_BODY_BYTES = 16 * 1024 * 1024;
const NO_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/** `connectMs`: until the connection stands; `concurrent`: connections per host. */
export function createTransport(parts: {
  readonly clock: Clock;
  readonly connectMs: number;
  readonly concurrent: number;
}): Transport {
  const pool = { keepAlive: true, maxSockets: parts.concurrent };
  const http = new HttpAgent(pool);
  const https = new HttpsAgent(pool);

  const answerTo = (url: URL, request: WireRequest, signal: AbortSignal): Promise<IncomingMessage> =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const secure = url.protocol === "https:";
      const outgoing = (secure ? httpsRequest : httpRequest)(url, {
        method: request.method,
        headers: {
          ...request.headers,
          "accept-encoding": "gzip",
          ...(request.body === null ? {} : { "content-length": Buffer.byteLength(request.body) }),
        },
        agent: secure ? https : http,
        signal,
      });
      outgoing.once("socket", (socket) => {
        if (!socket.connecting) return;
        const late = `${url.host} accepted no connection within ${parts.connectMs} ms`;
        const cancel = parts.clock.after(parts.connectMs, () =>
          outgoing.destroy(new ExternalError("unavailable", late)),
        );
        socket.once(secure ? "secureConnect" : "connect", cancel);
        socket.once("close", cancel);
      });
      outgoing.once("response", resolve);
      outgoing.on("error", (error: NodeJS.ErrnoException) => {
        const stale = outgoing.reusedSocket && error.code === "ECONNRESET";
        reject(stale ? new StaleConnection("closed while idle", { cause: error }) : error);
      });
      outgoing.end(request.body ?? undefined);
    });

  const exchange = async (url: URL, request: WireRequest, signal: AbortSignal): Promise<WireAnswer> => {
    signal.throwIfAborted();
    let incoming: IncomingMessage;
    try {
      incoming = await answerTo(url, request, signal).catch((error: unknown) => {
        // The other side had just closed it: a read may be asked again (RFC 9110, section 9.2.2).
        if (error instanceof StaleConnection && request.method === "GET" && !signal.aborted)
          return answerTo(url, request, signal);
        throw error;
      });
    } catch (error) {
      throw networkFault(error, url, signal);
    }
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(incoming.headers)) {
      if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(", ") : value;
    }
    const { "content-encoding": encoding, ...plain } = headers;
    if (encoding !== "gzip") return { status: incoming.statusCode ?? 0, headers, body: incoming };
    // A broken stream shows where the decompressed one is read; the callback only keeps it from being thrown.
    const body = pipeline(incoming, createGunzip(), () => undefined);
    return { status: incoming.statusCode ?? 0, headers: plain, body };
  };

  return {
    exchange,
    async fetch(text, options) {
      const url = new URL(text);
      const signal = options.signal ?? new AbortController().signal;
      const request = {
        method: options.method ?? "GET",
        headers: options.headers ?? {},
        body: typeof options.body === "string" ? options.body : null,
      };
      const answer = await exchange(url, request, signal);
      const body = await whole(answer.body, url, signal);
      return new Response(NO_BODY.has(answer.status) ? null : body, {
        status: answer.status,
        headers: answer.headers,
      });
    },
  };
}

class StaleConnection extends Error {
  override readonly name = "StaleConnection";
}

async function whole(body: Readable, url: URL, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES)
        throw new ExternalError("unavailable", `${url.host} answered with more than ${MAX_BODY_BYTES} bytes`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw networkFault(error, url, signal);
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Why an exchange broke: the caller's own reason when it gave up, else an ExternalError `unavailable`. */
export function networkFault(error: unknown, url: URL, signal: AbortSignal): Error {
  if (signal.aborted) return signal.reason as Error;
  if (error instanceof ExternalError) return error;
  const code = error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
  return new ExternalError("unavailable", `${url.host} cannot be reached (${code})`, { cause: error });
}

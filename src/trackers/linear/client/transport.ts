import { Agent as PlainAgent, request as plainRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent as TlsAgent, request as tlsRequest } from "node:https";
import { messageOf } from "../../../lib/assert.ts";
import type { Clock } from "../../../lib/clock.ts";
import { ExternalError } from "../../../lib/external.ts";

/** One POST. `signal` ends it at any point. */
interface Call {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** A whole answer, whatever its status. */
interface Answer {
  readonly status: number;
  readonly body: string;
  /** Null when absent. */
  readonly header: (name: string) => string | null;
}

/** Carries one call out. Rejects with an ExternalError `unavailable`, or with the signal's reason. */
export type Transport = (call: Call) => Promise<Answer>;

const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
// Well below the idle time after which proxies hang up, so that a kept connection is rarely a dead one.
const IDLE_MS = 30_000;
const SOCKETS = 8;

/**
 * HTTP(S) of Node itself: unlike fetch it can bound connecting apart from answering, never follows a redirect,
 * and leaves undici unloaded. `connectMs` covers name look-up, TCP and TLS.
 */
export function httpTransport(parts: {
  readonly clock: Clock;
  readonly connectMs: number;
  readonly agent?: PlainAgent;
}): Transport {
  const { clock, connectMs } = parts;
  const options = { keepAlive: true, maxSockets: SOCKETS, timeout: IDLE_MS };
  const plain = parts.agent ?? new PlainAgent(options);
  const tls = new TlsAgent(options);
  return async (call) => {
    call.signal.throwIfAborted();
    const secure = call.url.protocol === "https:";
    const request = (secure ? tlsRequest : plainRequest)(call.url, {
      method: "POST",
      agent: secure ? tls : plain,
      headers: { ...call.headers, "content-length": String(Buffer.byteLength(call.body)) },
    });
    const stop = (): void => {
      request.destroy(new Error("given up"));
    };
    const late = `${call.url.host} accepted no connection within ${connectMs} ms`;
    const connected = clock.after(connectMs, () => request.destroy(new ExternalError("unavailable", late)));
    call.signal.addEventListener("abort", stop, { once: true });
    try {
      const response = await answered(request, call.body, secure, connected);
      const body = await whole(response);
      return {
        status: response.statusCode ?? 0,
        body,
        header: (name) => {
          const value = response.headers[name.toLowerCase()];
          return Array.isArray(value) ? (value[0] ?? null) : (value ?? null);
        },
      };
    } catch (error) {
      request.destroy();
      if (call.signal.aborted) throw call.signal.reason;
      if (error instanceof ExternalError) throw error;
      const code = error instanceof Error && "code" in error ? String(error.code) : messageOf(error);
      throw new ExternalError("unavailable", `${call.url.host} cannot be reached (${code})`, {
        cause: error,
      });
    } finally {
      connected();
      call.signal.removeEventListener("abort", stop);
    }
  };
}

async function answered(
  request: ClientRequest,
  body: string,
  secure: boolean,
  connected: () => void,
): Promise<IncomingMessage> {
  return new Promise<IncomingMessage>((resolve, reject) => {
    // Stays on for the life of the request: a late error with nobody listening would end the process.
    request.on("error", reject);
    request.on("response", resolve);
    request.on("socket", (socket) => {
      if (socket.connecting) socket.once(secure ? "secureConnect" : "connect", connected);
      else connected();
    });
    request.end(body);
  });
}

async function whole(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) {
      throw new ExternalError("unavailable", `the answer is longer than ${MAX_ANSWER_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

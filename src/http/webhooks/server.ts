import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isLoopback } from "../access/access.ts";
import { Problem, PROBLEM_TYPE } from "../problem.ts";

/** Limits of the listening socket: a client that drips bytes must not hold a connection forever. */
export interface ServerLimits {
  readonly headersMs: number;
  /** A whole request, headers and body. */
  readonly requestMs: number;
  readonly connections: number;
  /** Loopback peers are not counted: behind a tunnel everybody is 127.0.0.1. */
  readonly connectionsPerAddress: number;
}

/** How often requests that take too long are looked for; Node's default would let them live for 30 s longer. */
const CHECK_MS = 1_000;

/** A plain Node server within `limits`, that gives each request to `take`. It does not listen yet. */
export function createLimitedServer(
  limits: ServerLimits,
  take: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const server = createServer(
    {
      requestTimeout: limits.requestMs,
      headersTimeout: Math.min(limits.headersMs, limits.requestMs),
      connectionsCheckingInterval: CHECK_MS,
    },
    take,
  );
  server.maxConnections = limits.connections;
  limitPerAddress(server, limits.connectionsPerAddress);
  return server;
}

function limitPerAddress(server: Server, most: number): void {
  const open = new Map<string, number>();
  server.on("connection", (socket: Socket) => {
    const { remoteAddress: address } = socket;
    if (address === undefined || isLoopback(address)) return;
    const count = (open.get(address) ?? 0) + 1;
    if (count > most) {
      socket.destroy();
      return;
    }
    open.set(address, count);
    socket.once("close", () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left === 0) open.delete(address);
      else open.set(address, left);
    });
  });
}

const SLOW = new Problem(408, "too_slow", "the request did not arrive in time");
const LONG = new Problem(431, "headers_too_large", "the headers are too large");
const BROKEN = new Problem(400, "bad_request", "this is not an HTTP request");

/** Answers what was not even a request, and closes. */
export function refuseBroken(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem =
    error.code === "ERR_HTTP_REQUEST_TIMEOUT" ? SLOW : error.code === "HPE_HEADER_OVERFLOW" ? LONG : BROKEN;
  const body = JSON.stringify(problem);
  const { status, title } = problem.toJSON();
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nConnection: close\r\nContent-Type: ${PROBLEM_TYPE}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

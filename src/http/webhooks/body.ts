import type { IncomingMessage } from "node:http";
import type { ByteBudget } from "./byte-budget.ts";

/** How reading a body ended: the bytes as received, or why there are none. `gone`: the sender hung up. */
export type Received = Buffer | "too_large" | "over_budget" | "gone";

const NOTHING = Buffer.alloc(0);

/**
 * Reads a request's body of at most `limit` bytes (inclusive) into memory that `budget` bounds, and calls
 * `done` once. What it took of `budget` is the body's length; the caller gives that back after the answer. For any
 * other ending it is given back here. How long a body may take is the server's requestTimeout.
 */
export function receiveBody(
  request: IncomingMessage,
  limit: number,
  budget: ByteBudget,
  done: (received: Received) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  let ended = false;

  const finish = (received: Received): void => {
    if (ended) return;
    ended = true;
    request.removeListener("data", onData);
    if (typeof received === "string") budget.give(bytes);
    done(received);
  };
  const onData = (chunk: Buffer): void => {
    if (bytes + chunk.length > limit) return finish("too_large");
    if (!budget.take(chunk.length)) return finish("over_budget");
    bytes += chunk.length;
    chunks.push(chunk);
  };

  request.on("data", onData);
  request.on("end", () =>
    finish(chunks.length === 1 ? (chunks[0] ?? NOTHING) : Buffer.concat(chunks, bytes)),
  );
  request.on("error", () => finish("gone"));
  request.on("close", () => finish("gone"));
}

/**
 * Reads on and throws away, so that a sender still sending sees the answer instead of a reset connection; calls
 * `done` when it has finished, hung up, or sent `most` bytes more.
 */
export function discardBody(request: IncomingMessage, most: number, done: () => void): void {
  let bytes = 0;
  let ended = false;
  const finish = (): void => {
    if (ended) return;
    ended = true;
    request.removeListener("data", onData);
    request.pause();
    done();
  };
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > most) finish();
  };
  if (request.readableEnded || request.destroyed) return finish();
  request.on("data", onData);
  request.on("end", finish);
  request.on("error", finish);
  request.on("close", finish);
  request.resume();
}

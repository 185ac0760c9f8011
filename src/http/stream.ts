import type { FastifyInstance } from "fastify";
import type { WebSocket } from "ws";
import type { Engine } from "../engines/engine.ts";
import { messageOf } from "../lib/assert.ts";
import type { Clock } from "../lib/clock.ts";
import type { Log } from "../lib/log.ts";
import { problemAnswer } from "./api/describe.ts";
import { reference } from "./api/schema.ts";
import { Problem } from "./problem.ts";

/** Streams at a time. */
const MOST_STREAMS = 64;
/** Lines read from the engine at a time. */
const BATCH = 200;
/** With more than this waiting for a client nothing further is read for it, in bytes. */
const BUFFERED_MOST = 1024 * 1024;
/** A client that takes nothing for this long is disconnected; it resumes with `?after=`. Milliseconds. */
const SLOW_MS = 15_000;
const PING_MS = 15_000;

/** WebSocket close codes (RFC 6455 and its registry): the server ends; an error; try again later. */
export const GOING_AWAY = 1001;
const FAILED = 1011;
const TRY_AGAIN_LATER = 1013;

/** `GET /api/stream`: journal and run log as they are committed, from `?after=<seq>` or from now on. */
export function stream(app: FastifyInstance, engine: Engine, clock: Clock, log: Log): void {
  let open = 0;
  app.route({
    method: "GET",
    url: "/api/stream",
    schema: {
      summary: "Journal and run log as a WebSocket of StreamLine messages",
      description: "Without `after`, starts at the next new line; with it, right after that line.",
      querystring: {
        type: "object",
        properties: {
          after: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        },
      },
      response: {
        101: { ...reference("StreamLine"), description: "Messages are StreamLine documents" },
        426: problemAnswer("Not a WebSocket request"),
      },
    },
    handler: () => {
      throw new Problem(426, "upgrade_required", "/api/stream is a WebSocket", {
        headers: { upgrade: "websocket" },
      });
    },
    wsHandler: (socket, request) => {
      if (open >= MOST_STREAMS) return socket.close(TRY_AGAIN_LATER, "too many open streams");
      open += 1;
      const { after } = request.query as { after?: number };
      const end = follow({ socket, engine, clock, log, after: after ?? null });
      socket.on("close", () => {
        open -= 1;
        end();
      });
    },
  });
}

/**
 * Sends what is after `after`, then what comes. Live lines are only a hint to look: everything sent was read from the
 * engine in order, so there is no gap and no doubling between the past and the present, and a slow client costs
 * no memory: it is read for when it has taken what was sent. Returns the end.
 */
function follow(parts: {
  readonly socket: WebSocket;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly log: Log;
  readonly after: number | null;
}): () => void {
  const { socket, engine, clock, log } = parts;
  let cursor = parts.after;
  let news = cursor !== null;
  let pumping = false;
  let ended = false;

  const pump = async (): Promise<void> => {
    for (;;) {
      if (!news || ended) return;
      news = false;
      const lines = await engine.views.stream(cursor ?? 0, BATCH);
      for (const [index, line] of lines.entries()) {
        const last = index === lines.length - 1;
        await send(socket, JSON.stringify(line), last, clock);
        cursor = line.seq;
      }
      news ||= lines.length === BATCH;
    }
  };
  const wake = (): void => {
    if (pumping || ended) return;
    pumping = true;
    setImmediate(() => {
      pump()
        .catch((error: unknown) => {
          if (ended) return;
          const slow = error instanceof TooSlow;
          if (!slow) log.error("a stream failed", { why: messageOf(error) });
          socket.close(
            slow ? TRY_AGAIN_LATER : FAILED,
            slow ? "too slow; continue with ?after=" : "the stream failed; continue with ?after=",
          );
          // A client that takes nothing will not answer the closing either.
          if (slow) socket.terminate();
        })
        .finally(() => {
          pumping = false;
          if (news) wake();
        })
        .catch(() => socket.terminate());
    });
  };

  const unsubscribe = engine.subscribe((line) => {
    cursor ??= line.seq - 1;
    news = true;
    wake();
  });
  const stopPings = pings(socket, clock);
  wake();
  return () => {
    ended = true;
    unsubscribe();
    stopPings();
  };
}

/** The client did not take what was sent to it in time. */
class TooSlow extends Error {
  override readonly name = "TooSlow";
}

/** Sends one message; waits until it has left if `flush` or if too much waits. Rejects with TooSlow, or when it is closed. */
async function send(socket: WebSocket, text: string, flush: boolean, clock: Clock): Promise<void> {
  const wait = flush || socket.bufferedAmount > BUFFERED_MOST;
  await new Promise<void>((resolve, reject) => {
    const cancel = wait
      ? clock.after(SLOW_MS, () => reject(new TooSlow("a stream's client is too slow")))
      : null;
    socket.send(text, (error) => {
      cancel?.();
      if (error === undefined || error === null) resolve();
      else reject(error);
    });
    if (!wait) resolve();
  });
}

/** Finds out that a client is gone without having said so. Returns the end. */
function pings(socket: WebSocket, clock: Clock): () => void {
  let alive = true;
  let cancel = (): void => undefined;
  const next = (): void => {
    cancel = clock.after(PING_MS, () => {
      if (!alive) return socket.terminate();
      alive = false;
      socket.ping();
      next();
    });
  };
  socket.on("pong", () => {
    alive = true;
  });
  // The client has nothing to say; a broken frame closes the socket by itself.
  socket.on("error", () => socket.terminate());
  next();
  return () => cancel();
}

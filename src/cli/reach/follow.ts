import { on } from "node:events";
import { existsSync, statSync } from "node:fs";
import type { StreamLine } from "../../engines/documents.ts";
import { delay } from "../../lib/clock.ts";
import { layoutOf } from "../../settings/load/layout.ts";
import type { Context } from "../usage/command.ts";
import { openViews } from "../host/context.ts";
import type { RelayApi } from "./relay.ts";

const PROBE_MS = 2_000;
const PAUSE_MS = 2_000;
const BATCH = 500;
/** The relay pings every 15 s; a stream that is silent for longer than this is dead. */
const SILENT_MS = 45_000;
const HANDSHAKE_MS = 5_000;
/** Messages that may wait here before the socket is paused. */
const WAITING_MOST = 256;

/**
 * Every line of journal and run log after `after`, in order and once, until the signal fires or the consumer
 * breaks off: from the running relay's stream, and from the database while the relay cannot be reached.
 * `remark` is told when the source changes.
 */
export async function* follow(
  context: Context,
  after: number,
  signal: AbortSignal,
  remark: (text: string) => void,
): AsyncGenerator<StreamLine> {
  const relay = context.relay();
  const { clock } = context.host;
  let seq = after;
  let live: boolean | null = null;
  let seen = "";
  while (!signal.aborted) {
    const answers = await isAnswering(relay);
    if (answers !== live) {
      if (!answers) remark("the relay cannot be reached; reading its database until it is back");
      else if (live === false) remark("the relay is back");
      live = answers;
    }
    if (answers) {
      for await (const line of streamed(context, seq, signal)) {
        ({ seq } = line);
        yield line;
      }
    }
    // Also after a stream has ended: what it did not send is in the database.
    const print = fingerprint(context);
    if (print !== seen && !signal.aborted) {
      for await (const line of stored(context, seq)) {
        ({ seq } = line);
        yield line;
      }
      seen = print;
    }
    await pause(clock, signal);
  }
}

async function isAnswering(relay: RelayApi): Promise<boolean> {
  try {
    await relay.ask("/health", PROBE_MS);
    return true;
  } catch (error) {
    if ((error as { exitCode?: unknown }).exitCode === 4) return false;
    throw error;
  }
}

async function pause(clock: Context["host"]["clock"], signal: AbortSignal): Promise<void> {
  try {
    await delay(clock, PAUSE_MS, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function* stored(context: Context, after: number): AsyncGenerator<StreamLine> {
  const views = await openViews(context.host, context.located());
  if (views === null) return;
  try {
    let seq = after;
    for (
      let lines = await views.stream(seq, BATCH);
      lines.length > 0;
      lines = await views.stream(seq, BATCH)
    ) {
      for (const line of lines) {
        ({ seq } = line);
        yield line;
      }
    }
  } finally {
    await views.close();
  }
}

// Ends, without a fault, when the stream ends for whatever reason: the caller looks again.
async function* streamed(context: Context, after: number, signal: AbortSignal): AsyncGenerator<StreamLine> {
  const { WebSocket } = await import("ws");
  const relay = context.relay();
  const token = await relay.token();
  const url = `${(relay.url ?? "").replace(/^http/, "ws")}/api/stream?after=${after}`;
  const socket = new WebSocket(url, {
    handshakeTimeout: HANDSHAKE_MS,
    followRedirects: false,
    headers: token === null ? {} : { authorization: `Bearer ${token.reveal()}` },
  });
  const { clock } = context.host;
  let cancel = (): void => undefined;
  const alive = (): void => {
    cancel();
    cancel = clock.after(SILENT_MS, () => socket.terminate());
  };
  const onAbort = (): void => socket.terminate();
  // A refused or broken connection is followed by close, which ends the loop below.
  socket.on("error", () => cancel());
  socket.on("ping", alive);
  signal.addEventListener("abort", onAbort, { once: true });
  alive();
  try {
    const messages = on(socket, "message", {
      close: ["close"],
      highWaterMark: WAITING_MOST,
      lowWaterMark: WAITING_MOST / 4,
    }) as AsyncIterable<readonly [Buffer]>;
    for await (const [message] of messages) {
      alive();
      yield JSON.parse(message.toString()) as StreamLine;
    }
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
    socket.terminate();
  }
}

// Reading an idle database costs a copy of it, so it is only looked into when it has changed.
function fingerprint(context: Context): string {
  const { database } = layoutOf(context.located().dataDir);
  return [database, `${database}-wal`]
    .map((file) => (existsSync(file) ? `${statSync(file).size}:${statSync(file).mtimeMs}` : "none"))
    .join(" ");
}

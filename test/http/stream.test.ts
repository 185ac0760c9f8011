import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import type { ClientOptions } from "ws";
import type { StreamLine } from "../../src/engines/documents.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import type { VirtualClock } from "../virtual-clock.ts";
import { serve, TOKEN } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { APP_1, journalLine, runLine } from "./fake-engine.ts";

let bench: Bench;
let clock: VirtualClock;
const open: WebSocket[] = [];
beforeEach(async () => {
  clock = createVirtualClock();
  bench = await serve({ token: TOKEN, over: { clock } });
});
afterEach(async () => {
  for (const socket of open.splice(0)) socket.terminate();
  // The grace is virtual; by now nothing is left that could need it.
  await bench.close();
});

interface Client {
  readonly socket: WebSocket;
  readonly lines: StreamLine[];
  /** Resolves once `count` lines have come. */
  readonly came: (count: number) => Promise<readonly number[]>;
  readonly closed: Promise<number>;
}

async function client(query = "", options: ClientOptions = {}): Promise<Client> {
  const socket = new WebSocket(`${bench.url.replace("http", "ws")}/api/stream${query}`, options);
  open.push(socket);
  const lines: StreamLine[] = [];
  let arrived = (): void => undefined;
  socket.on("message", (message: Buffer) => {
    lines.push(JSON.parse(message.toString()) as StreamLine);
    arrived();
  });
  const closed = new Promise<number>((resolve) => {
    socket.on("close", resolve);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  return {
    socket,
    lines,
    closed,
    came: async (count) =>
      await new Promise((resolve) => {
        arrived = () => {
          if (lines.length >= count) resolve(lines.map(({ seq }) => seq));
        };
        arrived();
      }),
  };
}

/** The status with which an upgrade is refused. */
async function refused(query: string, options: ClientOptions = {}): Promise<number> {
  const socket = new WebSocket(`${bench.url.replace("http", "ws")}${query}`, options);
  return await new Promise((resolve, reject) => {
    socket.on("unexpected-response", (_request, response) => {
      resolve(response.statusCode ?? 0);
      socket.terminate();
    });
    socket.on("open", () => reject(new Error("it was let in")));
    socket.on("error", () => undefined);
  });
}

function commit(text: string): number {
  return bench.engine.commit(runLine("r1", text)).seq;
}
async function listeners(count: number): Promise<void> {
  while (bench.engine.listeners() !== count) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe("the stream", () => {
  test("without after begins with what comes next", async () => {
    commit("before");
    const { came, lines } = await client();
    await listeners(2);
    commit("one");
    bench.engine.commit(journalLine({ issue: APP_1, kind: "delegated" }));
    expect(await came(2)).toEqual([2, 3]);
    expect(lines.map(({ kind }) => kind)).toEqual(["run", "journal"]);
    expect(lines[0]?.line).toMatchObject({ run: "r1", text: "one" });
  });

  test("with after catches up over many batches and goes on live, without gap or doubling", async () => {
    for (let index = 0; index < 1_000; index += 1) commit(`line ${index}`);
    const { came } = await client("?after=137");
    for (let index = 0; index < 300; index += 1) {
      commit(`later ${index}`);
      if (index % 10 === 0) await clock.settle();
    }
    expect(await came(1_163)).toEqual(range(138, 1_300));
  });

  test("can be gone on with from any line after a break", async () => {
    for (let index = 0; index < 20; index += 1) commit("x");
    const first = await client("?after=0");
    const last = (await first.came(20)).at(-1) ?? 0;
    first.socket.terminate();
    commit("while away");
    const second = await client(`?after=${last}`);
    expect(await second.came(1)).toEqual([21]);
  });

  test("lets go of its listener when a client leaves", async () => {
    const one = await client();
    await listeners(2);
    one.socket.close();
    await listeners(1);
    expect(await one.closed).toBe(1005);
  });

  test("a client that does not take what is sent is cut off and read no further for", async () => {
    const slow = await client("?after=0");
    const socket = (slow.socket as unknown as { _socket: { pause(): void } })._socket;
    socket.pause();
    const many = 400;
    let reads = 0;
    const { views } = bench.engine;
    const read = views.stream.bind(views);
    views.stream = (after, limit) => {
      reads += 1;
      return read(after, limit);
    };
    for (let index = 0; index < many; index += 1) commit("x".repeat(64 * 1024));
    await clock.settle();
    expect(reads).toBeLessThan(3);
    await clock.advance(15_000);
    await listeners(1);
    expect(bench.engine.listeners()).toBe(1);
  });

  test("a client that answers no ping is cut off; one that does stays", async () => {
    const dead = await client("", { autoPong: false });
    const living = await client();
    await listeners(3);
    const pinged = new Promise((resolve) => {
      living.socket.once("ping", resolve);
    });
    await clock.advance(15_000);
    await pinged;
    // Its pong went out before this ping, so the answer to this one says that the pong has come.
    const answered = new Promise((resolve) => {
      living.socket.once("pong", resolve);
    });
    living.socket.ping();
    await answered;
    await clock.advance(15_000);
    await dead.closed;
    await listeners(2);
    commit("still here");
    expect(await living.came(1)).toEqual([1]);
  });

  test("ends with 1001 when the relay stops", async () => {
    const one = await client();
    await bench.close();
    expect(await one.closed).toBe(1001);
  });

  test("a message that is too long ends it", async () => {
    const one = await client();
    one.socket.send("x".repeat(10_000));
    expect(await one.closed).toBe(1009);
  });
});

describe("who may follow", () => {
  test("nobody from another site or another Host without a token", async () => {
    const host = { host: "relay.example.com" };
    expect(await refused("/api/stream", { origin: "https://evil.example" })).toBe(403);
    expect(await refused("/api/stream", { headers: { origin: "null" } })).toBe(403);
    expect(await refused("/api/stream", { headers: { "sec-fetch-site": "cross-site" } })).toBe(403);
    expect(await refused("/api/stream", { headers: host })).toBe(401);
    expect(await refused(`/api/stream?token=${TOKEN}`, { headers: host })).toBe(401);
    expect(bench.engine.listeners()).toBe(1);
  });

  test("the dashboard's own page, and whoever has the token", async () => {
    await client("", { origin: bench.url });
    await client("", { headers: { host: "relay.example.com", authorization: `Bearer ${TOKEN}` } });
    await listeners(3);
  });

  test("a bad after and any other path are refused before the upgrade", async () => {
    expect(await refused("/api/stream?after=x")).toBe(400);
    expect(await refused("/api/stream?after=-1")).toBe(400);
    expect(await refused("/api/issues")).toBe(400);
    expect(await refused("/webhooks/github")).toBe(400);
    expect(await refused("/nowhere")).toBe(400);
  });

  test("only so many at a time", async () => {
    const clients = await Promise.all(range(1, 64).map(async () => await client()));
    const late = await client();
    expect(await late.closed).toBe(1013);
    clients[0]?.socket.close();
    await listeners(64);
    const next = await client();
    await listeners(65);
    expect(next.socket.readyState).toBe(WebSocket.OPEN);
  });
});

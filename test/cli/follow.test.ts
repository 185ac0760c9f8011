import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import type { Engine } from "../../src/engines/engine.ts";
import type { StreamLine } from "../../src/engines/documents.ts";
import { issueOf } from "../engines/parts.ts";
import { script } from "../engines/scripted-factory.ts";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { cli, json } from "./fake-host.ts";
import { fill, FIRST, makePlace, openEngine, RUN, SECOND, told, until } from "./kept.ts";
import type { Place } from "./kept.ts";

const undo: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** Time in which the pauses between two looks pass at once, and deadlines as always. */
const hasty: Clock = {
  ...systemClock,
  after: (ms, fire) => systemClock.after(ms <= 2_000 ? 1 : ms, fire),
};

/** A running engine in a place, and its stream where the config says the relay is. */
async function running(): Promise<{
  engine: Engine;
  place: Place;
  sockets: Set<WebSocket>;
  asked: string[];
}> {
  const asked: string[] = [];
  const sockets = new Set<WebSocket>();
  const http: Server = createServer((_request, response) => response.end("{}"));
  const streams = new WebSocketServer({ server: http });
  await new Promise<void>((resolve) => {
    http.listen(0, "127.0.0.1", resolve);
  });
  const place = makePlace({ http: { port: (http.address() as AddressInfo).port } });
  undo.push(place.remove);
  await fill(place);
  const engine = openEngine(place);
  await engine.start();
  undo.push(async () => await engine.stop(5_000));
  undo.push(() => {
    for (const socket of sockets) socket.terminate();
    streams.close();
    http.closeAllConnections();
    http.close();
  });
  streams.on("connection", (socket, request) => {
    asked.push(request.url ?? "");
    sockets.add(socket);
    let after = Number(new URL(request.url ?? "", "http://relay").searchParams.get("after"));
    let sending: Promise<void> = Promise.resolve();
    const sendNew = async (): Promise<void> => {
      for (const line of await engine.views.stream(after, 100)) {
        after = line.seq;
        socket.send(JSON.stringify(line));
      }
    };
    const send = (): void => {
      sending = sending.then(sendNew).catch(() => socket.terminate());
    };
    const unsubscribe = engine.subscribe(send);
    socket.on("close", unsubscribe);
    send();
  });
  return { engine, place, sockets, asked };
}

const end = async (engine: Engine, id: string): Promise<unknown> =>
  await engine.record(issueOf(id), [script({ state: "done" })], { source: "test", delivery: null });

test("watch tells what comes from the relay's stream and ends with the issue", async () => {
  const { engine, place, asked } = await running();
  let sent = false;
  const { code, out } = await cli(["issue", "watch", "APP-2", "--json", "--config", place.config], {
    onOutput(written) {
      if (sent || !written.includes("awaiting_input")) return;
      sent = true;
      // Somebody else's news in between, which are none of this issue's.
      told(engine, FIRST, "APP-1", "other news", { state: "paused" })
        .then(() => end(engine, SECOND))
        .catch((error: unknown) => {
          throw error;
        });
    },
  });
  expect(code).toBe(0);
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => json<StreamLine>(line));
  expect(
    lines.every(
      ({ kind, line }) => kind === "journal" && "issue" in line && line.issue === `linear:${SECOND}`,
    ),
  ).toBe(true);
  expect(lines.at(-1)).toMatchObject({ kind: "journal", line: { to: "done" } });
  expect(asked[0]).toMatch(/^\/api\/stream\?after=\d+$/);
});

test("watch goes on after the stream broke, without losing or doubling a line", async () => {
  const { engine, place, sockets, asked } = await running();
  const watching = cli(["issue", "watch", "APP-2", "--json", "--config", place.config], { clock: hasty });
  await until(() => sockets.size === 1);
  for (const socket of sockets) socket.terminate();
  await told(engine, SECOND, "APP-2", "Ask me", { state: "paused" });
  await until(() => sockets.size === 2);
  await end(engine, SECOND);
  const { out, code } = await watching;
  expect(code).toBe(0);
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => json<{ seq: number; line: { to: string } }>(line));
  const seqs = lines.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  expect(lines.map(({ line }) => line.to).slice(-2)).toEqual(["paused", "done"]);
  expect(asked).toHaveLength(2);
});

test("with the relay down watch looks into the database, and Ctrl-C ends it with exit 0", async () => {
  const place = makePlace();
  undo.push(place.remove);
  await fill(place);
  const { code, out, err } = await cli(["issue", "watch", "APP-2", "--config", place.config], {
    onOutput: (_, host) => host.signal("SIGINT"),
  });
  expect(code).toBe(0);
  expect(out).toContain("awaiting_input");
  expect(err).not.toContain("Error");
});

test("with its API out of reach watch sees in the database what a running engine does", async () => {
  const place = makePlace();
  undo.push(place.remove);
  await fill(place);
  const engine = openEngine(place);
  await engine.start();
  undo.push(async () => await engine.stop(5_000));
  let ended = false;
  const { code, out, err } = await cli(["issue", "watch", "APP-2", "--config", place.config], {
    clock: hasty,
    onOutput() {
      if (ended) return;
      ended = true;
      end(engine, SECOND).catch((error: unknown) => {
        throw error;
      });
    },
  });
  expect(code).toBe(0);
  expect(out).toMatch(/→ done/);
  expect(err).toContain("cannot be reached");
});

test("run log --follow goes on until the run ends", async () => {
  const { engine, place } = await running();
  await until(() => engine.health().slots.used === 1);
  let stopped = false;
  const { code, out } = await cli(["run", "log", RUN, "--follow", "--json", "--config", place.config], {
    onOutput(written) {
      if (stopped || written.split("\n").length < 5) return;
      stopped = true;
      const run_ended = {
        kind: "run_ended" as const,
        at: 2,
        run: 1,
        fence: 1,
        question: null,
        spent: { input: 1, cached: 0, output: 1, usd: null },
        end: {
          outcome: "published" as const,
          failureClass: null,
          summary: "",
          retryAt: null,
          replies: [],
        },
      };
      engine
        .record(issueOf(FIRST), [run_ended], { source: "test", delivery: null })
        .catch((error: unknown) => {
          throw error;
        });
    },
  });
  expect(code).toBe(0);
  const lines = out
    .trimEnd()
    .split("\n")
    .map((line) => json<{ run: string; kind: string }>(line));
  // Twice the same log: the run went on after the engine's restart.
  expect(lines.map(({ kind }) => kind)).toEqual(["message", "command", "message", "command"]);
  expect(lines.every(({ run }) => run === RUN)).toBe(true);
});

import { connect } from "node:net";
import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { createByteBudget } from "../../src/http/webhooks/byte-budget.ts";
import { createLimitedServer } from "../../src/http/webhooks/server.ts";
import { firstBytes, githubHeaders, raw, request, serve } from "./bench.ts";
import type { AddressInfo } from "node:net";

const SHORT = { headersSeconds: 0.05, requestSeconds: 0.05 };

describe("who sends slowly", () => {
  test("headers that never end: the connection is closed", async () => {
    const bench = await serve({ http: SHORT });
    try {
      expect((await raw(bench.port, "POST /webhooks/github HTTP/1.1\r\nHost: x\r\n")).status).toBe(408);
    } finally {
      await bench.close();
    }
  });

  test("nothing at all: the connection is closed", async () => {
    const bench = await serve({ http: SHORT });
    try {
      expect((await raw(bench.port)).status).toBe(408);
    } finally {
      await bench.close();
    }
  });

  test("a body that never ends: the connection is closed and nothing is kept", async () => {
    const bench = await serve({ http: SHORT });
    try {
      const head = request("POST", "/webhooks/github", githubHeaders("x".repeat(1000)), "xxx");
      expect((await raw(bench.port, head)).status).toBe(408);
      const text = await (await fetch(`${bench.url}/metrics`)).text();
      expect(text).toContain('patchrelay_deliveries_refused_total{source="github",reason="gone"} 1');
      expect(bench.engine.accepted).toEqual([]);
    } finally {
      await bench.close();
    }
  });
});

test("what is no HTTP is answered with a problem", async () => {
  const bench = await serve();
  try {
    const answer = await raw(bench.port, "\u0016\u0003\u0001 hello\r\n\r\n");
    expect(answer.status).toBe(400);
    expect(answer.headers.get("content-type")).toContain("application/problem+json");
    const long = await raw(
      bench.port,
      `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"x".repeat(20_000)}\r\n\r\n`,
    );
    expect(long.status).toBe(431);
  } finally {
    await bench.close();
  }
});

test("connections beyond the limit are closed, and those within it live", async () => {
  const bench = await serve({ http: { maxConnections: 3 } });
  const sockets: Socket[] = [];
  try {
    for (let index = 0; index < 3; index += 1) {
      const socket = connect({ port: bench.port, host: "127.0.0.1" });
      sockets.push(socket);
      await new Promise((resolve) => {
        socket.once("data", resolve);
        socket.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
      });
    }
    expect(await firstBytes(bench.port, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n").catch(() => "")).toBe("");
  } finally {
    for (const socket of sockets) socket.destroy();
    await bench.close();
  }
});

test("loopback peers are not counted per address", async () => {
  const server = createLimitedServer(
    { headersMs: 1000, requestMs: 1000, connections: 10, connectionsPerAddress: 1 },
    (_request, response) => response.end("ok"),
  );
  try {
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    const ask = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const [one, two] = await Promise.all([firstBytes(port, ask), firstBytes(port, ask)]);
    expect([one.slice(0, 15), two.slice(0, 15)]).toEqual(["HTTP/1.1 200 OK", "HTTP/1.1 200 OK"]);
    // The peer's address cannot be forged on loopback, so the rule is shown sockets instead.
    const ended: string[] = [];
    const peer = (name: string): Socket =>
      Object.assign(connect({ port, host: "127.0.0.1" }), { destroy: () => ended.push(name) }) as never;
    for (const name of ["first", "second"]) {
      const socket = peer(name);
      Object.defineProperty(socket, "remoteAddress", { value: "203.0.113.9" });
      server.listeners("connection").at(-1)?.call(server, socket);
      socket.end();
    }
    expect(ended).toEqual(["second"]);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }
});

test("a byte budget gives no more than it has and takes back what was given", () => {
  const budget = createByteBudget(10);
  expect([budget.take(6), budget.take(5), budget.take(4), budget.used()]).toEqual([true, false, true, 10]);
  budget.give(6);
  expect([budget.take(6), budget.take(1)]).toEqual([true, false]);
});

describe("closing", () => {
  test("answers what is in flight, ends idle connections, and accepts nothing more", async () => {
    const bench = await serve();
    let open = (): void => undefined;
    bench.engine.gate = new Promise((resolve) => {
      open = resolve;
    });
    const idle = connect({ port: bench.port, host: "127.0.0.1" });
    await new Promise((resolve) => {
      idle.once("data", resolve);
      idle.write("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    });
    const ended = new Promise((resolve) => {
      idle.once("close", resolve);
    });
    const headers = githubHeaders("{}").filter(([name]) => name !== "Connection");
    const inFlight = raw(bench.port, request("POST", "/webhooks/github", headers, "{}"));
    const seen = async (): Promise<boolean> =>
      (await (await fetch(`${bench.url}/health`, { headers: { connection: "close" } })).text()) !== "";
    expect(await seen()).toBe(true);
    const closed = bench.close();
    await ended;
    await expect(seen()).rejects.toThrow();
    open();
    expect(JSON.parse((await inFlight).body)).toEqual({ ok: true, accepted: true });
    await closed;
    await bench.close();
  });

  test("cuts off after the grace what does not end", async () => {
    const bench = await serve();
    bench.engine.gate = new Promise(() => undefined);
    const stuck = raw(bench.port, request("POST", "/webhooks/github", githubHeaders("{}"), "{}"));
    const { health } = { health: await fetch(`${bench.url}/health`, { headers: { connection: "close" } }) };
    expect(health.status).toBe(200);
    await bench.close();
    expect((await stuck).raw).toBe("");
  });

  test("a port that is taken is said at listen", async () => {
    const bench = await serve();
    try {
      await expect(serve({ http: { port: bench.port } })).rejects.toThrow(/EADDRINUSE/);
    } finally {
      await bench.close();
    }
  });
});

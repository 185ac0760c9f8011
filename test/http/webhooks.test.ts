import { createServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  firstBytes,
  githubHeaders,
  githubSignature,
  linearSignature,
  raw,
  request,
  serve,
  served,
} from "./bench.ts";
import type { Answer, Bench } from "./bench.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { createByteBudget } from "../../src/http/webhooks/byte-budget.ts";
import { createWebhooks } from "../../src/http/webhooks/webhooks.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import type { Log } from "../../src/lib/log.ts";
import { createRefusals } from "../../src/http/webhooks/refusals.ts";
import { settingsOf } from "../settings/sources.ts";
import { fakeEngine, NOON } from "./fake-engine.ts";

let bench: Bench;
beforeEach(async () => {
  bench = await serve({ http: { githubBodyMiB: 1, linearBodyMiB: 1 } });
});
afterEach(async () => {
  await bench.close();
});

const BODY = '{"action":"opened","n":1.0,"s":"\\u00e9"}';
const MIB = 1024 * 1024;

type Header = readonly [string, string];

async function github(
  change: (headers: Header[]) => Header[],
  body: string | Buffer = BODY,
  path = "/webhooks/github",
  method = "POST",
): Promise<Answer> {
  return await raw(bench.port, request(method, path, change(githubHeaders(body)), body));
}

function without(name: string): (headers: Header[]) => Header[] {
  return (headers) => headers.filter(([each]) => each.toLowerCase() !== name.toLowerCase());
}
function replaced(name: string, value: string): (headers: Header[]) => Header[] {
  return (headers) => [...without(name)(headers), [name, value]];
}
function added(name: string, value: string): (headers: Header[]) => Header[] {
  return (headers) => [...headers, [name, value]];
}

function typeOf(answer: Answer): string {
  expect(answer.headers.get("content-type")).toBe("application/problem+json; charset=utf-8");
  const problem = JSON.parse(answer.body) as { type: string; status: number; title: string; detail: string };
  expect(problem.status).toBe(answer.status);
  expect(problem.title).not.toBe("");
  expect(problem.detail).not.toBe("");
  return problem.type.replace("urn:patchrelay:problem:", "");
}

describe("a genuine webhook", () => {
  test("is accepted under any Host and handed over byte for byte", async () => {
    const answer = await github((headers) => headers);
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json; charset=utf-8");
    expect(JSON.parse(answer.body)).toEqual({ ok: true, accepted: true });
    expect(bench.engine.accepted).toHaveLength(1);
    expect(bench.engine.accepted[0]).toMatchObject({ source: "github", event: "push", verified: true });
    expect(bench.engine.accepted[0]?.body.toString()).toBe(BODY);
  });

  test("is a duplicate the second time, by its id alone", async () => {
    await github((headers) => headers);
    const other = '{"action":"closed"}';
    const answer = await github((headers) => headers, other);
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ ok: true, duplicate: true });
    expect(bench.engine.accepted).toHaveLength(1);
  });

  test("may come in chunks, with a query, and on a connection that lives on", async () => {
    const headers = githubHeaders(BODY).filter(([name]) => !["Content-Length", "Connection"].includes(name));
    const chunked = [...headers, ["Transfer-Encoding", "chunked"] as const];
    const body = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
    const second = request("POST", "/webhooks/github", githubHeaders(BODY), BODY);
    const answer = await raw(bench.port, request("POST", "/webhooks/github?x=1", chunked, body), second);
    expect(answer.raw).toContain('{"ok":true,"accepted":true}');
    expect(answer.raw).toContain('{"ok":true,"duplicate":true}');
  });

  test("is accepted at exactly the limit and refused one byte beyond, by Content-Length", async () => {
    const atLimit = Buffer.alloc(MIB, 0x20);
    expect((await github((headers) => headers, atLimit)).status).toBe(200);
    const over = await github((headers) => headers, Buffer.alloc(MIB + 1, 0x20));
    expect(over.status).toBe(413);
    expect(typeOf(over)).toBe("too_large");
    expect(bench.engine.accepted).toHaveLength(1);
  });

  test("that is no JSON is accepted all the same", async () => {
    const answer = await github((headers) => headers, "\u0000 not json");
    expect(answer.status).toBe(200);
  });
});

describe("the order of the refusals", () => {
  const cases: readonly (readonly [string, (headers: Header[]) => Header[], number, string])[] = [
    ["no signature", without("x-hub-signature-256"), 401, "bad_signature"],
    ["another secret", replaced("X-Hub-Signature-256", githubSignature(BODY, "other")), 401, "bad_signature"],
    ["a signature twice", added("x-hub-signature-256", githubSignature(BODY)), 401, "bad_signature"],
    [
      "signatures joined by a comma",
      replaced("X-Hub-Signature-256", `${githubSignature(BODY)}, ${githubSignature(BODY)}`),
      401,
      "bad_signature",
    ],
    [
      "a signature with something after it",
      replaced("X-Hub-Signature-256", `${githubSignature(BODY)}zz`),
      401,
      "bad_signature",
    ],
    [
      "no signature, and compressed, and without an id",
      (headers) =>
        added(
          "Content-Encoding",
          "gzip",
        )(without("x-github-delivery")(without("x-hub-signature-256")(headers))),
      401,
      "bad_signature",
    ],
    ["no delivery id", without("x-github-delivery"), 400, "missing_header"],
    ["a delivery id twice", added("X-GitHub-Delivery", "another"), 400, "missing_header"],
    ["a delivery id that is too long", replaced("X-GitHub-Delivery", "x".repeat(201)), 400, "missing_header"],
    ["no event", without("x-github-event"), 400, "missing_header"],
    [
      "no event, and compressed",
      (headers) => added("Content-Encoding", "gzip")(without("x-github-event")(headers)),
      400,
      "missing_header",
    ],
    ["compressed", added("Content-Encoding", "gzip"), 415, "unsupported_body"],
    ["form-encoded", replaced("Content-Type", "application/x-www-form-urlencoded"), 415, "unsupported_body"],
    ["Host twice", added("Host", "localhost"), 400, "doubled_host"],
  ];
  test.each(cases)("%s", async (_name, change, status, type) => {
    const answer = await github(change);
    expect({ status: answer.status, type: typeOf(answer) }).toEqual({ status, type });
    expect(bench.engine.accepted).toEqual([]);
  });

  test.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])(
    "%s is answered 405 before all else",
    async (method) => {
      const answer = await github(without("x-hub-signature-256"), "", "/webhooks/github", method);
      expect(answer.status).toBe(405);
      expect(answer.headers.get("allow")).toBe("POST");
      expect(typeOf(answer)).toBe("method_not_allowed");
    },
  );

  test("HEAD is answered 405 without a body", async () => {
    const answer = await github(without("x-hub-signature-256"), "", "/webhooks/linear", "HEAD");
    expect(answer.status).toBe(405);
    expect(answer.body).toBe("");
  });

  test("a body larger than Content-Length may say is refused before a byte of it came, unsigned or not", async () => {
    const head = request("POST", "/webhooks/github", [
      ["Host", "x"],
      ["Content-Length", String(MIB + 1)],
    ]);
    // Only a part is ever sent: the answer must not wait for the rest.
    expect(await firstBytes(bench.port, head, "part")).toMatch(/^HTTP\/1\.1 413 /);
  });

  test("a chunked body is refused once it is over the limit, and the sender gets to see that", async () => {
    const chunk = Buffer.alloc(256 * 1024, 0x20);
    const head = request("POST", "/webhooks/linear", [
      ["Host", "x"],
      ["Transfer-Encoding", "chunked"],
    ]);
    const framed = Buffer.concat([
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from("\r\n"),
    ]);
    const sent = Array.from({ length: 12 }, () => framed);
    const answer = await raw(bench.port, head, ...sent, "0\r\n\r\n");
    expect(answer.status).toBe(413);
    expect(typeOf(answer)).toBe("too_large");
    expect(answer.headers.get("connection")).toBe("close");
  });

  test("an unsigned request is 401 also when nothing can be stored and when its id is known", async () => {
    await github((headers) => headers);
    bench.engine.broken = "the disk is full";
    expect((await github(without("x-hub-signature-256"))).status).toBe(401);
    bench.engine.broken = null;
    expect((await github(without("x-hub-signature-256"))).status).toBe(401);
  });

  test("a signed one is 503 with Retry-After when it cannot be stored, and may succeed later", async () => {
    bench.engine.broken = "SQLITE_FULL: /var/lib/secret/path";
    const answer = await github((headers) => headers);
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(typeOf(answer)).toBe("not_durable");
    expect(answer.raw).not.toMatch(/SQLITE|\/var/);
    bench.engine.broken = null;
    expect(JSON.parse((await github((headers) => headers)).body)).toEqual({ ok: true, accepted: true });
  });

  test("paths beside the two are nobody's", async () => {
    for (const path of ["/webhooks/gitlab", "/webhooks/github/", "/webhooks/"]) {
      const answer = await github((headers) => headers, BODY, path);
      expect([path, answer.status]).toEqual([path, 404]);
    }
    expect(bench.engine.accepted).toEqual([]);
  });
});

describe("where webhooks are off", () => {
  beforeEach(async () => {
    await bench.close();
    bench = await serve({ webhooks: "off" });
  });

  test("nothing is taken, and nothing is looked at: 404, whatever comes", async () => {
    for (const path of ["/webhooks/github", "/webhooks/linear", "/webhooks/x"]) {
      const answer = await github((headers) => headers, BODY, path);
      expect([path, answer.status]).toEqual([path, 404]);
      expect(JSON.parse(answer.body)).toMatchObject({ detail: "webhooks are off in the configuration" });
    }
    expect((await github(without("x-hub-signature-256"))).status).toBe(404);
    expect(bench.engine.accepted).toEqual([]);
  });

  test("the published document does not offer them", async () => {
    const { paths } = (await (await fetch(`${bench.url}/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(paths).filter((path) => path.startsWith("/webhooks"))).toEqual([]);
  });
});

describe("Linear's freshness", () => {
  const send = async (webhookTimestamp: unknown): Promise<Answer> => {
    const body = JSON.stringify({ action: "create", type: "Issue", webhookTimestamp });
    return await raw(
      bench.port,
      request(
        "POST",
        "/webhooks/linear",
        [
          ["Host", "x"],
          ["Content-Length", String(body.length)],
          ["Linear-Event", "Issue"],
          ["Linear-Delivery", `d-${String(webhookTimestamp)}`],
          ["Linear-Signature", linearSignature(body)],
          // Not signed, so it must not count.
          ["Linear-Timestamp", String(NOON)],
          ["Connection", "close"],
        ],
        body,
      ),
    );
  };
  const hour = 3_600_000;
  test.each([
    [NOON, 200],
    [NOON - 24 * hour, 200],
    [NOON - 24 * hour - 1, 401],
    [NOON + 5 * 60_000, 200],
    [NOON + 5 * 60_000 + 1, 401],
    [null, 401],
  ])("a webhookTimestamp of %s is answered %i", async (at, status) => {
    const answer = await send(at);
    expect(answer.status).toBe(status);
    if (status === 401) expect(typeOf(answer)).toBe("stale_timestamp");
  });

  test("is counted by reason in the metrics, as is every other refusal", async () => {
    await send(NOON - 25 * hour);
    await github(without("x-hub-signature-256"));
    await github((headers) => headers);
    const text = await (await fetch(`${bench.url}/metrics`)).text();
    expect(text).toContain('patchrelay_deliveries_refused_total{source="linear",reason="stale_timestamp"} 1');
    expect(text).toContain('patchrelay_deliveries_refused_total{source="github",reason="bad_signature"} 1');
    expect(text).toContain('patchrelay_deliveries_total{source="github",outcome="accepted"} 1');
    expect(text).toContain("patchrelay_delivery_mismatches 3");
  });
});

test("a source that throws costs one answer, not the process", async () => {
  const other = await serve({
    over: {
      sources: [
        served(settingsOf({}), "github", () => {
          throw new TypeError("a bug");
        }),
      ],
    },
  });
  try {
    const answer = await raw(other.port, request("POST", "/webhooks/github", githubHeaders(BODY), BODY));
    expect(answer.status).toBe(503);
    expect((await fetch(`${other.url}/health`)).status).toBe(200);
  } finally {
    await other.close();
  }
});

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

test("more bytes in flight than there is room for are 503, and the room comes back with each answer", async () => {
  const engine = fakeEngine();
  let open = (): void => undefined;
  engine.gate = new Promise((resolve) => {
    open = resolve;
  });
  const budget = createByteBudget(1_000);
  const webhooks = createWebhooks({
    sources: [
      served(settingsOf({}), "github", (headers, body) => ({
        verified: true,
        source: "github",
        deliveryId: headers.get("x-github-delivery") ?? "",
        event: "push",
        action: null,
        body,
        quarantine: null,
      })),
    ],
    engine,
    budget: budget,
    counts: createMetrics(engine, ["github"], silentLog).webhooks,
    clock: systemClock,
    log: silentLog,
  });
  const server = createServer((request, response) => {
    webhooks.take(request, response);
  });
  try {
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.address() as AddressInfo;
    const body = "x".repeat(700);
    const send = async (id: string): Promise<Answer> =>
      await raw(port, request("POST", "/webhooks/github", githubHeaders(body, id), body));
    const first = send("one");
    await until(() => budget.used() > 0);
    const second = await send("two");
    expect([second.status, typeOf(second)]).toEqual([503, "too_many_bytes_in_flight"]);
    expect(budget.used()).toBe(700);
    open();
    expect((await first).status).toBe(200);
    expect((await send("two")).status).toBe(200);
    expect(budget.used()).toBe(0);
    // A sender that hangs up half-way gives back what it took as well.
    const socket = connect({ port, host: "127.0.0.1" });
    socket.write(request("POST", "/webhooks/github", githubHeaders(body, "three"), "half"));
    await until(() => budget.used() === 4);
    socket.destroy();
    await until(() => budget.used() === 0);
  } finally {
    server.closeAllConnections();
    await new Promise((resolve) => {
      server.close(resolve);
    });
  }
});

test("a refusal is in the log once a minute, with nothing of the request in it", () => {
  const lines: string[] = [];
  const log: Log = {
    ...silentLog,
    warn: (message, fields) => lines.push(`${message} ${JSON.stringify(fields)}`),
  };
  let now = 0;
  const counts = createMetrics(fakeEngine(), ["linear", "github"], silentLog).webhooks;
  const refused = createRefusals(counts, { ...systemClock, monotonic: () => now }, log);
  for (const at of [0, 1, 59_999]) {
    now = at;
    refused("github", "bad_signature");
  }
  refused("linear", "bad_signature");
  expect(lines).toHaveLength(2);
  now = 60_000;
  refused("github", "bad_signature");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toContain('{"source":"github","reason":"bad_signature"}');
});

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent } from "node:http";
import { Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { issueId } from "../../src/factory/facts/ids.ts";
import { systemClock, type Clock } from "../../src/lib/clock.ts";
import { QUICK } from "./linear-support.ts";
import { silentLog } from "../../src/lib/log.ts";
import { ExternalError } from "../../src/lib/external.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { authWith } from "../../src/trackers/linear/client/credential.ts";
import { createClient } from "../../src/trackers/linear/client/client.ts";
import type { LinearClient, Operation } from "../../src/trackers/linear/client/client.ts";
import { createLinearTracker } from "../../src/trackers/linear/linear.ts";
import type { LinearTracker } from "../../src/trackers/linear/linear.ts";
import { httpTransport } from "../../src/trackers/linear/client/transport.ts";

const KEY = "lin_api_not_to_be_seen";
const NOW = Date.UTC(2026, 10, 20, 12);
const ASK: Operation<{ viewer: { id: string } }> = {
  name: "Ask",
  kind: "read",
  document: "query Ask { viewer { id } }",
  answer: z.object({ viewer: z.object({ id: z.string() }) }),
};
const SAY: Operation<{ viewer: { id: string } }> = { ...ASK, name: "Say", kind: "write" };
const signal = new AbortController().signal;

let now = NOW;
const clock: Clock = {
  now: () => now,
  monotonic: () => now,
  after: (ms, fire) => systemClock.after(ms, fire),
};
let answer: (request: IncomingMessage, response: ServerResponse, body: string) => void;
let asked = 0;
let url = "";
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    asked += 1;
    answer(request, response, Buffer.concat(chunks).toString("utf8"));
  });
});

beforeEach(async () => {
  now = NOW;
  asked = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
});

function client(change: { totalMs?: number; connectMs?: number; agent?: Agent } = {}): LinearClient {
  const { totalMs = 5_000, connectMs = 5_000, agent } = change;
  const transport = httpTransport({
    clock: systemClock,
    connectMs,
    ...(agent === undefined ? {} : { agent }),
  });
  const calling = { apiUrl: url, transport, totalMs, clock, log: silentLog };
  return createClient({
    ...calling,
    auth: authWith({ kind: "apiKey", key: new Secret(KEY), quick: QUICK }, calling),
  });
}

/** A tracker that knows its key to be an application's token. */
async function trackerOfApp(): Promise<LinearTracker> {
  const linear = tracker();
  const viewer = { id: "u1", name: "us", app: true };
  reply(200, { data: { viewer, organization: { id: "w", name: "W" } } });
  await linear.whoAmI(signal);
  return linear;
}

function tracker(): LinearTracker {
  return createLinearTracker({
    apiUrl: url,
    installing: { lacks: [], kept: null },
    webhookSecrets: [],
    auth: { kind: "apiKey", key: new Secret(KEY), quick: QUICK },
    clock,
    log: silentLog,
    limits: { connectMs: 5_000, totalMs: 5_000 },
  });
}

function reply(status: number, body: unknown, headers: Record<string, string> = {}): void {
  answer = (_request, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

const FINE = { data: { viewer: { id: "u1" } } };

function errors(extensions: Record<string, unknown>, message = "no"): unknown {
  return { errors: [{ message, extensions }] };
}

async function fault(from: Promise<unknown>): Promise<ExternalError> {
  const thrown: unknown = await from.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ExternalError)) throw new Error(`not an ExternalError: ${String(thrown)}`);
  expect(`${thrown.message} ${String(thrown.stack)}`).not.toContain(KEY);
  return thrown;
}

describe("a call to Linear", () => {
  test("carries a token that is no personal key as Bearer", async () => {
    const transport = httpTransport({ clock, connectMs: 5_000 });
    const calling = { apiUrl: url, transport, totalMs: 5_000, clock, log: silentLog };
    const header = async (key: string): Promise<string> =>
      authWith({ kind: "apiKey", key: new Secret(key), quick: QUICK }, calling).header(signal);
    expect(await header("lin_oauth_token")).toBe("Bearer lin_oauth_token");
    expect(await header(KEY)).toBe(KEY);
  });

  test("is one POST of JSON to /graphql with the bare API key", async () => {
    let seen: { request: IncomingMessage; body: string } | null = null;
    answer = (request, response, body) => {
      seen = { request, body };
      response.end(JSON.stringify(FINE));
    };
    expect(await client().call(ASK, { a: 1 }, signal)).toEqual({ viewer: { id: "u1" } });
    const { request, body } = seen as unknown as { request: IncomingMessage; body: string };
    expect([request.method, request.url]).toEqual(["POST", "/graphql"]);
    expect(request.headers).toMatchObject({ authorization: KEY, "content-type": "application/json" });
    expect(JSON.parse(body)).toEqual({ operationName: "Ask", query: ASK.document, variables: { a: 1 } });
    expect(asked).toBe(1);
  });

  test.each<[string, number, unknown, string]>([
    ["RATELIMITED in HTTP 400", 400, errors({ code: "RATELIMITED", type: "ratelimited" }), "rate_limited"],
    ["ratelimited by type alone", 400, errors({ type: "ratelimited" }), "rate_limited"],
    ["HTTP 429 in words", 429, "slow down", "rate_limited"],
    ["AUTHENTICATION_ERROR", 401, errors({ code: "AUTHENTICATION_ERROR" }), "unauthorized"],
    [
      "authentication error by type in HTTP 200",
      200,
      errors({ type: "authentication error" }),
      "unauthorized",
    ],
    ["HTTP 401 without a body", 401, "", "unauthorized"],
    ["HTTP 403 without a body", 403, "", "refused"],
    ["FORBIDDEN", 403, errors({ code: "FORBIDDEN" }), "refused"],
    ["INPUT_ERROR", 400, errors({ code: "INPUT_ERROR" }, "Argument Validation Error"), "refused"],
    ["invalid input by type", 200, errors({ type: "invalid input" }), "refused"],
    [
      "an entity that is not there",
      400,
      errors({ code: "INPUT_ERROR" }, "Entity not found: Issue"),
      "not_found",
    ],
    [
      "a missing entity told by a failing server",
      500,
      errors({ code: "INTERNAL_SERVER_ERROR" }, "Entity not found: Issue"),
      "unavailable",
    ],
    ["an error without a type in HTTP 400", 400, errors({}), "refused"],
    ["an error without a type in HTTP 200", 200, errors({}), "unavailable"],
    ["errors without extensions", 200, { errors: [{ message: "?" }] }, "unavailable"],
    ["an internal error in HTTP 200", 200, errors({ type: "internal error" }), "unavailable"],
    ["LOCK_TIMEOUT", 200, errors({ code: "LOCK_TIMEOUT" }), "unavailable"],
    ["partial data beside errors", 200, { ...FINE, errors: [{ message: "half" }] }, "unavailable"],
    [
      "several errors, one of them the rate limit",
      400,
      {
        errors: [
          { message: "a", extensions: { code: "INPUT_ERROR" } },
          { message: "b", extensions: { code: "RATELIMITED" } },
        ],
      },
      "rate_limited",
    ],
    ["HTML with 502", 502, "<html>Bad Gateway</html>", "unavailable"],
    ["HTML with 200", 200, "<html>Log in</html>", "unavailable"],
    ["HTML with 404", 404, "<html>?</html>", "unavailable"],
    ["broken JSON", 200, '{"data":', "unavailable"],
    ["a JSON list", 200, "[]", "unavailable"],
    ["no data", 200, { data: null }, "unavailable"],
    ["an empty object", 200, {}, "unavailable"],
    ["errors that are no list", 200, { errors: "many" }, "unavailable"],
    ["HTTP 503 in JSON", 503, { message: "Service Unavailable" }, "unavailable"],
    ["data of another shape", 200, { data: { viewer: { id: 7 } } }, "unavailable"],
    ["HTTP 500 with data", 500, FINE, "unavailable"],
  ])("answered with %s is a fault of the right kind", async (_name, status, body, kind) => {
    reply(status, body);
    const thrown = await fault(client().call(ASK, {}, signal));
    expect(thrown.kind).toBe(kind);
    expect(thrown.message).toContain("Ask");
    expect(thrown.message.length).toBeLessThan(600);
  });

  test("that is redirected is a fault, and the other place is never asked", async () => {
    reply(302, "", { location: `${url}/elsewhere` });
    const thrown = await fault(client().call(ASK, {}, signal));
    expect(thrown.kind).toBe("unavailable");
    expect(thrown.message).toContain("linear.apiUrl");
    expect(asked).toBe(1);
  });

  test("whose answer breaks off is unavailable", async () => {
    answer = (_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"data":', () => response.destroy());
    };
    expect((await fault(client().call(ASK, {}, signal))).kind).toBe("unavailable");
  });

  test("whose connection is reset is unavailable, and the next one works", async () => {
    const linear = client();
    answer = (request) => request.socket.resetAndDestroy();
    expect((await fault(linear.call(ASK, {}, signal))).kind).toBe("unavailable");
    reply(200, FINE);
    expect(await linear.call(ASK, {}, signal)).toEqual(FINE.data);
  });

  test("that nobody answers ends at its deadline", async () => {
    answer = () => undefined;
    const thrown = await fault(client({ totalMs: 50 }).call(ASK, {}, signal));
    expect(thrown).toMatchObject({ kind: "unavailable" });
    expect(thrown.message).toContain("50 ms");
  });

  test("whose answer never ends is over at its deadline", async () => {
    answer = (_request, response) => {
      response.writeHead(200);
      response.write("{");
    };
    const thrown = await fault(client({ totalMs: 50 }).call(ASK, {}, signal));
    expect(thrown).toMatchObject({ kind: "unavailable" });
    expect(thrown.message).toContain("50 ms");
  });

  test("that cannot connect ends at the shorter deadline for connecting", async () => {
    class Nowhere extends Agent {
      override createConnection(): Socket {
        const socket = new Socket();
        Object.assign(socket, { connecting: true });
        return socket;
      }
    }
    const agent = new Nowhere();
    const thrown = await fault(client({ connectMs: 20, agent }).call(ASK, {}, signal));
    agent.destroy();
    expect(thrown).toMatchObject({ kind: "unavailable" });
    expect(thrown.message).toMatch(/^127\.0\.0\.1:\d+ accepted no connection within 20 ms$/);
  });

  test("to a port where nobody listens is unavailable", async () => {
    const linear = client();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
    expect((await fault(linear.call(ASK, {}, signal))).kind).toBe("unavailable");
  });

  test.each(["http://api.linear.app", "ftp://127.0.0.1", "api.linear.app", "http://127.0.0.1.evil.example"])(
    "to %s is refused before anything is sent",
    (apiUrl) => {
      expect(() =>
        createLinearTracker({
          apiUrl,
          installing: { lacks: [], kept: null },
          webhookSecrets: [],
          auth: { kind: "apiKey", key: new Secret(KEY), quick: QUICK },
          clock,
          log: silentLog,
          limits: { connectMs: 1, totalMs: 1 },
        }),
      ).toThrow("linear.apiUrl");
    },
  );
});

describe("Linear's allowances", () => {
  const limits = (remaining: number, resetAt: number | null, what = "Requests"): Record<string, string> => ({
    [`X-RateLimit-${what}-Limit`]: "1000",
    [`X-RateLimit-${what}-Remaining`]: String(remaining),
    ...(resetAt === null ? {} : { [`X-RateLimit-${what}-Reset`]: String(resetAt) }),
  });

  test("are known from the headers of the last answer that told them", async () => {
    const linear = client();
    expect(linear.rateLimit()).toEqual({ requests: null, complexity: null, at: null });
    reply(200, FINE, { ...limits(900, NOW + 5), ...limits(800, NOW + 6, "Complexity") });
    await linear.call(ASK, {}, signal);
    reply(200, FINE);
    await linear.call(ASK, {}, signal);
    expect(linear.rateLimit()).toEqual({
      requests: { limit: 1000, remaining: 900, resetAt: NOW + 5 },
      complexity: { limit: 1000, remaining: 800, resetAt: NOW + 6 },
      at: NOW,
    });
  });

  test("keep more than half for what somebody waits for: the sweep steps back once 40 % are used", async () => {
    const linear = client();
    const sweep = { ...ASK, kind: "background" } as const;
    reply(200, FINE, limits(600, NOW + 60_000));
    await linear.call(sweep, {}, signal);
    reply(200, FINE, limits(599, NOW + 60_000));
    await linear.call(sweep, {}, signal);
    expect(await fault(linear.call(sweep, {}, signal))).toMatchObject({ retryAt: NOW + 60_000 });
    await linear.call(ASK, {}, signal);
    expect(asked).toBe(3);
  });

  test("leave out words that matter only now before anybody waits for a reading", async () => {
    const linear = client();
    const passing = { ...SAY, kind: "fleeting" } as const;
    reply(200, FINE, limits(300, NOW + 60_000));
    await linear.call(passing, {}, signal);
    reply(200, FINE, limits(299, NOW + 60_000));
    await linear.call(passing, {}, signal);
    expect(await fault(linear.call(passing, {}, signal))).toMatchObject({ kind: "rate_limited" });
    await linear.call(ASK, {}, signal);
    expect(asked).toBe(3);
  });

  test.each(["Requests", "Complexity"])(
    "make reads wait once less than a tenth of the %s is left, writes never, until the reset",
    async (what) => {
      const linear = client();
      reply(200, FINE, limits(100, NOW + 60_000, what));
      await linear.call(ASK, {}, signal);
      reply(200, FINE, limits(99, NOW + 60_000, what));
      await linear.call(ASK, {}, signal);
      expect(await fault(linear.call(ASK, {}, signal))).toMatchObject({
        kind: "rate_limited",
        retryAt: NOW + 60_000,
      });
      expect(asked).toBe(2);
      await linear.call(SAY, {}, signal);
      expect(asked).toBe(3);
      now = NOW + 60_000;
      await linear.call(ASK, {}, signal);
      expect(asked).toBe(4);
    },
  );

  test.each<[string, Record<string, string>, number | null]>([
    [
      "the reset of what is used up",
      { ...limits(0, NOW + 9_000), ...limits(5, NOW + 99_000, "Complexity") },
      NOW + 9_000,
    ],
    [
      "the later of two that are used up",
      { ...limits(0, NOW + 9_000), ...limits(0, NOW + 99_000, "Complexity") },
      NOW + 99_000,
    ],
    [
      "the endpoint's own reset",
      { ...limits(500, NOW + 9_000), "X-RateLimit-Endpoint-Requests-Reset": String(NOW + 7_000) },
      NOW + 7_000,
    ],
    ["Retry-After in seconds", { "Retry-After": "30" }, NOW + 30_000],
    ["an hour at most, whatever the header says", limits(0, NOW + 99_000_000), NOW + 3_600_000],
    ["nothing when the reset has passed", limits(0, NOW - 1), null],
    ["nothing when no header says", {}, null],
  ])("give the time to try again: %s", async (_name, headers, retryAt) => {
    reply(400, errors({ code: "RATELIMITED" }), headers);
    const thrown = await fault(client().call(SAY, {}, signal));
    expect(thrown).toMatchObject({ kind: "rate_limited", retryAt });
  });
});

test("an id that Linear refuses counts as posted only if the activity is there in our session", async () => {
  const linear = await trackerOfApp();
  const post = (found: unknown): Promise<void> => {
    answer = (_request, response, body) => {
      const create = body.includes("CreateActivity");
      response.end(JSON.stringify(create ? errors({ code: "INPUT_ERROR" }, "conflict on insert") : found));
    };
    return linear.in(null).tell("s1", "key", { type: "thought", body: "hm" }, signal);
  };
  const inSession = (id: string): unknown => ({ data: { agentActivity: { agentSession: { id } } } });
  await post(inSession("s1"));
  expect(await fault(post(inSession("s2")))).toMatchObject({ kind: "refused" });
  const missing = errors({ code: "INPUT_ERROR" }, "Entity not found: AgentActivity");
  expect((await fault(post(missing))).message).toContain("conflict on insert");
  expect(await fault(post(errors({ type: "internal error" })))).toMatchObject({ kind: "unavailable" });
});

test("a mutation that answers success: false is refused", async () => {
  const linear = await trackerOfApp();
  reply(200, { data: { agentSessionUpdate: { success: false } } });
  expect(await fault(linear.in(null).showPlan("s1", [], signal))).toMatchObject({ kind: "refused" });
});

test("losing the permission to see an issue's answer is not the issue being gone", async () => {
  const linear = tracker();
  reply(200, { data: { viewer: { id: "u1", name: "us", app: true }, organization: { id: "w", name: "W" } } });
  await linear.whoAmI(signal);
  for (const [status, extensions] of [
    [401, { code: "AUTHENTICATION_ERROR" }],
    [403, { code: "FORBIDDEN" }],
    [400, { code: "INPUT_ERROR" }],
  ] as const) {
    reply(status, errors(extensions));
    const thrown = await fault(linear.in(null).readTicket(issueId("linear", "i1"), signal));
    expect(["unauthorized", "refused"]).toContain(thrown.kind);
  }
});

test("somebody else's delegation is left alone", async () => {
  const linear = tracker();
  const sent: string[] = [];
  answer = (_request, response, body) => {
    const { operationName } = JSON.parse(body) as { operationName: string };
    sent.push(operationName);
    const data =
      operationName === "Viewer"
        ? { viewer: { id: "u1", name: "us", app: true }, organization: { id: "w", name: "W" } }
        : { issue: { delegate: { id: "other" } } };
    response.end(JSON.stringify({ data }));
  };
  await linear.in(null).takeDelegation(issueId("linear", "i1"), signal);
  expect(sent).toEqual(["Viewer", "FindDelegate"]);
});

test("who we are is asked until it is answered, and then no more", async () => {
  const linear = tracker();
  reply(503, "");
  expect(await fault(linear.whoAmI(signal))).toMatchObject({ kind: "unavailable" });
  reply(200, { data: { viewer: { id: "u1", name: "us", app: true }, organization: { id: "w", name: "W" } } });
  const us = { id: "u1", name: "us", workspace: "w", workspaceName: "W", inert: null, quick: null };
  expect(await linear.whoAmI(signal)).toEqual([us]);
  expect(asked).toBe(2);
  // Whether it still holds is asked again each time; what only needs to know takes the last answer.
  await linear.whoAmI(signal);
  expect(asked).toBe(3);
});

test("a look for lost issues ends, even when Linear always has another page, and the next goes on there", async () => {
  const linear = tracker();
  const begun: unknown[] = [];
  answer = (_request, response, body) => {
    const { operationName, variables } = JSON.parse(body) as {
      operationName: string;
      variables: { after?: string | null };
    };
    if (operationName !== "Viewer" && variables.after !== "again")
      begun.push([operationName, variables.after]);
    const pageInfo = { hasNextPage: operationName === "Delegated", endCursor: "again" };
    const updatedAt = new Date(NOW).toISOString();
    const session = { updatedAt, appUser: { id: "u1" }, creator: null, issue: { id: "i1" } };
    const answers: Record<string, unknown> = {
      Viewer: { viewer: { id: "u1", name: "us", app: true }, organization: { id: "w", name: "W" } },
      Sessions: { agentSessions: { nodes: [session], pageInfo } },
      Delegated: { issues: { nodes: [{ id: "i2", updatedAt }], pageInfo } },
    };
    response.end(JSON.stringify({ data: answers[operationName] }));
  };
  const found = await linear.discover(0, null, signal);
  expect(found.issues.map((one) => one.issue).toSorted()).toEqual(["linear:i1", "linear:i2"]);
  expect(asked).toBe(1 + 1 + 20);
  const next = await linear.discover(0, found.rest, signal);
  expect(next.issues.map((one) => one.issue)).toEqual(["linear:i2"]);
  expect(asked).toBe(1 + 1 + 20 + 20);
  expect(begun).toEqual([
    ["Sessions", null],
    ["Delegated", null],
  ]);
});

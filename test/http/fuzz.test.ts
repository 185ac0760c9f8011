import { Agent, request as send } from "node:http";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { githubSignature, linearSignature, serve } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { deliveryDocument, effectDocument, runDocument } from "./fake-engine.ts";

let bench: Bench;
const agent = new Agent({ keepAlive: true, maxSockets: 16 });
beforeAll(async () => {
  bench = await serve();
  bench.engine.runs.push(runDocument());
  bench.engine.deliveries.push(deliveryDocument());
  bench.engine.effects.push(effectDocument());
});
afterAll(async () => {
  agent.destroy();
  await bench.close();
});

const REQUESTS = 3_000;

const word = fc.oneof(
  fc.constantFrom(
    "APP-1",
    "app-1",
    "linear:0a1b2c3d",
    "linear-0a1b2c3d.1",
    "d-1",
    "1",
    "x",
    "..",
    "%2f",
    "%00",
    "%zz",
  ),
  fc.string({ maxLength: 20 }).map(encodeURIComponent),
);
const path = fc.oneof(
  fc.constantFrom(
    "/",
    "/health",
    "/ready",
    "/metrics",
    "/openapi.json",
    "/deliveries",
    "/session",
    "/webhooks/github",
    "/webhooks/linear",
    "/assets/dashboard.js",
    "/api/stream",
    "/api/queue",
    "/api/budget",
    "*",
    "http://localhost/api/issues",
  ),
  fc
    .tuple(
      fc.constantFrom(
        "/api/issues/",
        "/api/runs/",
        "/api/deliveries/",
        "/api/outbox/",
        "/issues/",
        "/runs/",
        "/webhooks/",
      ),
      word,
      fc.constantFrom(
        "",
        "/journal",
        "/why",
        "/runs",
        "/events",
        "/stop",
        "/prompt",
        "/answer",
        "/replay",
        "/retry",
      ),
    )
    .map((parts) => parts.join("")),
);
const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.tuple(fc.constantFrom("limit", "cursor", "state", "at", "q", "__proto__", "after"), word), {
        maxLength: 3,
      })
      .map((pairs) => `?${pairs.map((pair) => pair.join("=")).join("&")}`),
  },
);
const header = fc.oneof(
  fc.tuple(
    fc.constantFrom(
      "Host",
      "Origin",
      "Authorization",
      "Cookie",
      "Content-Type",
      "Content-Encoding",
      "Idempotency-Key",
      "Accept",
      "Sec-Fetch-Site",
      "X-GitHub-Event",
      "X-GitHub-Delivery",
      "Linear-Event",
      "Linear-Delivery",
      "X-Hub-Signature-256",
      "Linear-Signature",
      "If-None-Match",
    ),
    fc.oneof(
      fc.constantFrom(
        "application/json",
        "text/html",
        "gzip",
        "null",
        "localhost",
        "cross-site",
        "issues",
        "abc",
        "",
      ),
      fc.string({
        maxLength: 30,
        unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
      }),
    ),
  ),
);
const body = fc.oneof(
  fc.constant(""),
  fc.json().map((text) => text),
  fc.string({ maxLength: 200 }),
  fc.constantFrom('{"text":"go on"}', '{"token":"x"}', '{"text":"a","question":"q"}', "[".repeat(5_000)),
);

interface Fuzzed {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly signed: boolean;
}
const fuzzed: fc.Arbitrary<Fuzzed> = fc.record({
  method: fc.constantFrom("GET", "GET", "POST", "POST", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"),
  path: fc.tuple(path, query).map((parts) => parts.join("")),
  headers: fc.array(header, { maxLength: 6 }),
  body,
  signed: fc.boolean(),
});

async function statusOf({
  method,
  path,
  headers,
  body,
  signed,
}: Fuzzed): Promise<{ status: number; type: string }> {
  const all: [string, string][] = [
    ["Host", "localhost"],
    ...headers.map(([name, value]) => [name, value] as [string, string]),
  ];
  if (body !== "") all.push(["Content-Length", String(Buffer.byteLength(body))]);
  if (signed) {
    all.push(["X-Hub-Signature-256", githubSignature(body)], ["Linear-Signature", linearSignature(body)]);
    all.push(["X-GitHub-Event", "push"], ["X-GitHub-Delivery", "d"], ["Linear-Event", "Issue"]);
  }
  return await new Promise((resolve, reject) => {
    const request = send(
      { agent, port: bench.port, host: "127.0.0.1", method, path, headers: all.flat(), setHost: false },
      (response) => {
        response.resume();
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, type: response.headers["content-type"] ?? "" }),
        );
        response.on("error", reject);
      },
    );
    // A refusal may close the connection while the rest of a body is still on its way.
    request.on("error", (error: NodeJS.ErrnoException) =>
      error.code === "ECONNRESET" || error.code === "EPIPE"
        ? resolve({ status: 0, type: "" })
        : reject(error),
    );
    request.end(body);
  });
}

test(`${REQUESTS} random requests: never a 5xx other than 503, every error a problem, no row without a signature`, async () => {
  let answered = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(fuzzed, { minLength: 10, maxLength: 10 }), async (requests) => {
      const before = bench.engine.accepted.length;
      const answers = await Promise.all(requests.map(statusOf));
      for (const [index, { status, type }] of answers.entries()) {
        const story = JSON.stringify(requests[index]);
        if (status !== 0) answered += 1;
        expect(status < 500 || status === 503, `${status} for ${story}`).toBe(true);
        if (status >= 400 && !type.startsWith("text/html"))
          expect(type, story).toContain("application/problem+json");
      }
      if (requests.every(({ signed }) => !signed)) expect(bench.engine.accepted.length).toBe(before);
    }),
    { numRuns: REQUESTS / 10 },
  );
  expect(answered).toBeGreaterThan(REQUESTS * 0.9);
  expect((await fetch(`${bench.url}/health`)).status).toBe(200);
}, 120_000);

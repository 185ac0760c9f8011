import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readyDocument, serve } from "./bench.ts";
import type { Bench } from "./bench.ts";
import {
  APP_1,
  deliveryDocument,
  effectDocument,
  issueDocument,
  journalLine,
  NOON,
  runDocument,
  runLine,
} from "./fake-engine.ts";

interface Described {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly paths: Record<string, Record<string, Operation>>;
  readonly components: { readonly schemas: Record<string, { properties: object; required: string[] }> };
}
interface Operation {
  readonly responses: Record<string, { content?: Record<string, { schema: { $ref?: string } }> }>;
}

let bench: Bench;
let described: Described;
beforeEach(async () => {
  bench = await serve();
  described = (await (await fetch(`${bench.url}/openapi.json`)).json()) as Described;
});
afterEach(async () => {
  await bench.close();
});

/** The documents and their fields. */
const FIELDS: Readonly<Record<string, string>> = {
  Delivery: "seq source deliveryId event action receivedAt state why issues attempts bytes",
  Issue:
    "id key title url project repository branch state since rule why waitsFor until pullRequest run budgets question queue spent worktree createdAt updatedAt version",
  Why: "issue at state rule why waitsFor until evidence",
  JournalEntry: "seq at issue observation rule why from to effects",
  Run: "id issue number type state outcome failureClass startedAt endedAt headBefore headAfter thread turn tokens usd why",
  Effect: "id key kind issue state attempts nextAt error",
  Ready: "ready previousSecrets parts",
  Queue: "slots items",
  Accepted: "accepted seq",
  Problem: "type title status detail",
};

const ROUTES: readonly (readonly [string, string, string, number])[] = [
  ["get", "/health", "/health", 200],
  ["get", "/ready", "/ready", 200],
  ["get", "/api/issues", "/api/issues", 200],
  ["get", "/api/issues/{key}", "/api/issues/APP-1", 200],
  ["get", "/api/issues/{key}", "/api/issues/APP-2", 200],
  ["get", "/api/issues/{key}", "/api/issues/APP-9", 404],
  ["get", "/api/issues/{key}/journal", "/api/issues/APP-1/journal", 200],
  ["get", "/api/issues/{key}/runs", "/api/issues/APP-1/runs", 200],
  ["get", "/api/issues/{key}/why", "/api/issues/APP-1/why", 200],
  ["get", "/api/runs", "/api/runs", 200],
  ["get", "/api/runs", "/api/runs?limit=0", 400],
  ["get", "/api/runs/{id}", "/api/runs/linear-0a1b2c3d.1", 200],
  ["get", "/api/runs/{id}/events", "/api/runs/linear-0a1b2c3d.1/events", 200],
  ["get", "/api/queue", "/api/queue", 200],
  ["get", "/api/agents", "/api/agents", 200],
  ["get", "/api/budget", "/api/budget", 200],
  ["get", "/api/deliveries", "/api/deliveries", 200],
  ["get", "/api/deliveries/{id}", "/api/deliveries/d-1", 200],
  ["get", "/api/outbox", "/api/outbox", 200],
  ["get", "/api/stream", "/api/stream", 426],
  ["post", "/api/issues/{key}/stop", "/api/issues/APP-1/stop", 202],
  ["post", "/api/issues/{key}/resume", "/api/issues/APP-1/resume", 409],
  ["post", "/api/deliveries/{id}/replay", "/api/deliveries/d-1/replay", 202],
  ["post", "/api/outbox/{id}/retry", "/api/outbox/1/retry", 202],
];

function validator(): Ajv {
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema(described, "api");
  return ajv;
}

test.each(Object.entries(FIELDS))("%s is described with its fields, all of them required", (name, fields) => {
  const schema = described.components.schemas[name];
  const missing = fields.split(" ").filter((field) => !Object.hasOwn(schema?.properties ?? {}, field));
  expect(missing).toEqual([]);
  expect(new Set(schema?.required)).toEqual(new Set(fields.split(" ")));
});

test("it is OpenAPI 3.1, carries the version, and describes every route", () => {
  expect(described.openapi).toBe("3.1.0");
  expect(described.info.version).toBe("0.0.0-test");
  const commands = ["retry", "stop", "pause", "resume", "prompt", "answer", "cancel", "close"];
  const expected = [
    ...new Set(ROUTES.map(([method, path]) => `${method} ${path}`)),
    ...commands.map((command) => `post /api/issues/{key}/${command}`),
    "post /webhooks/linear",
    "post /webhooks/github",
    "get /metrics",
    "get /openapi.json",
  ];
  const described_ = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method} ${path}`),
  );
  expect(expected.filter((route) => !described_.includes(route))).toEqual([]);
});

test("every reference in it leads somewhere", () => {
  const ajv = validator();
  const references = [...JSON.stringify(described).matchAll(/"\$ref":"#([^"]+)"/g)].map(([, path]) => path);
  expect(references.length).toBeGreaterThan(20);
  for (const path of new Set(references)) {
    expect(() => ajv.compile({ $ref: `api#${path}` }), path).not.toThrow();
  }
});

describe("what is answered is what is described", () => {
  beforeEach(() => {
    const { engine } = bench;
    engine.issues.push(
      issueDocument({
        id: "linear:2",
        key: "APP-2",
        url: null,
        until: "2026-01-05T13:00:00.000Z",
        run: null,
        pullRequest: { number: 7, url: "https://example.com/7", head: "abc", state: "open", merged: false },
        question: { id: "q", text: "Which?", options: ["a"], askedAt: "2026-01-05T12:00:00.000Z" },
        queue: { position: 1, reason: "waits for a slot" },
      }),
    );
    engine.runs.push(runDocument());
    engine.deliveries.push(deliveryDocument());
    engine.effects.push(effectDocument());
    engine.commit(journalLine({ issue: APP_1, kind: "delegated" }));
    engine.commit(runLine("linear-0a1b2c3d.1", "hello"));
  });

  test.each(ROUTES)("%s %s (%s: %i)", async (method, path, url, status) => {
    const answer = await fetch(`${bench.url}${url}`, { method: method.toUpperCase() });
    expect(answer.status).toBe(status);
    const pointer = [path, method, "responses", String(status)].map((part) =>
      part.replaceAll("~", "~0").replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D"),
    );
    const content = described.paths[path]?.[method]?.responses[status]?.content;
    const type = Object.keys(content ?? {})[0]?.replaceAll("/", "~1");
    const ajv = validator();
    const validate = ajv.compile({
      $ref: `api#/paths/${pointer.join("/")}/content/${type}/schema`,
    });
    expect(validate(await answer.json()), JSON.stringify(validate.errors)).toBe(true);
  });

  test("a field that a later version adds is answered as well", async () => {
    bench.engine.issues[0] = { ...issueDocument(), added: "later" } as ReturnType<typeof issueDocument>;
    const answer = await fetch(`${bench.url}/api/issues/APP-1`);
    expect(await answer.json()).toMatchObject({ added: "later" });
  });

  test("a stream line and a ready document of a sick relay too", () => {
    const ajv = validator();
    const fits = (name: string, document: unknown): boolean =>
      ajv.validate({ $ref: `api#/components/schemas/${name}` }, document);
    expect(bench.engine.lines.map((line) => fits("StreamLine", line))).toEqual([true, true]);
    expect(fits("Ready", readyDocument(false))).toBe(true);
    expect(fits("Issue", { ...issueDocument(), since: NOON })).toBe(false);
    const { why: _why, ...rest } = issueDocument();
    expect(fits("Issue", rest)).toBe(false);
  });
});

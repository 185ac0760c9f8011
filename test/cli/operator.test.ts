import { createServer } from "node:http";
import type { IncomingMessage, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { StatusDocument } from "../../src/engines/documents.ts";
import { cli, json } from "./fake-host.ts";
import { makePlace } from "./kept.ts";

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0)) step();
});

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** Something that answers where the config says the relay is. */
async function standIn(answer: (request: Request) => readonly [status: number, document: unknown]) {
  const seen: Request[] = [];
  const server: Server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => {
      body += chunk.toString();
    });
    request.on("end", () => {
      const { method = "", url: path = "", headers } = request;
      const one = { method, path, headers, body };
      seen.push(one);
      const [status, document] = answer(one);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(typeof document === "string" ? document : JSON.stringify(document));
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const place = makePlace({ http: { port } });
  undo.push(
    place.remove,
    () => server.closeAllConnections(),
    () => server.close(),
  );
  const run = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    cli([...args, "--config", place.config], { env });
  return { seen, run, port, place };
}

const accepted = () => [202, { accepted: true, seq: 7 }] as const;

test.each([
  ["issue retry APP-1", "/api/issues/APP-1/retry", ""],
  ["issue stop APP-1", "/api/issues/APP-1/stop", ""],
  ["issue pause APP-1", "/api/issues/APP-1/pause", ""],
  ["issue resume APP-1", "/api/issues/APP-1/resume", ""],
  ["issue close APP-1", "/api/issues/APP-1/close", ""],
  ["issue prompt APP-1 hello", "/api/issues/APP-1/prompt", '{"text":"hello"}'],
  ["issue answer APP-1 yes", "/api/issues/APP-1/answer", '{"text":"yes"}'],
  ["issue answer APP-1 yes --question q1", "/api/issues/APP-1/answer", '{"text":"yes","question":"q1"}'],
  ["issue stop linear:abc-12345678", "/api/issues/linear%3Aabc-12345678/stop", ""],
  ["delivery replay github:id/1", "/api/deliveries/github%3Aid%2F1/replay", ""],
  ["outbox retry 17", "/api/outbox/17/retry", ""],
])("%s is one request", async (line, path, body) => {
  const { seen, run } = await standIn(accepted);
  const { code, out } = await run([...line.split(" "), "--json"]);
  expect(code).toBe(0);
  expect(json(out)).toEqual({ accepted: true, seq: 7 });
  expect(seen.map(({ method, path, body }) => [method, path, body])).toEqual([["POST", path, body]]);
  expect(seen[0]?.headers["idempotency-key"]).toMatch(/^[0-9a-f-]{36}$/);
  expect(seen[0]?.headers["authorization"]).toBeUndefined();
  expect(seen[0]?.headers["origin"]).toBeUndefined();
});

test("the token goes along, from the variable or its file, and nowhere into the output", async () => {
  const token = "t".repeat(24);
  const { seen, run } = await standIn(accepted);
  const { out, err } = await run(["issue", "stop", "APP-1"], { PATCHRELAY_API_TOKEN: token });
  expect(seen[0]?.headers["authorization"]).toBe(`Bearer ${token}`);
  expect(out + err).not.toContain(token);
});

test("a text that begins with a dash goes after --", async () => {
  const { seen, place } = await standIn(accepted);
  const { code } = await cli(["issue", "prompt", "--config", place.config, "--", "APP-1", "--force it"]);
  expect([code, seen[0]?.body]).toEqual([0, '{"text":"--force it"}']);
});

test.each([
  [404, "not_found", 3],
  [409, "conflict", 1],
  [400, "bad_value", 2],
  [401, "unauthorized", 1],
  [503, "not_durable", 1],
])("a refusal of %i (%s) is told in the relay's words, exit %i", async (status, code, exit) => {
  const detail = `because \u202eof ${code}`;
  const { run } = await standIn(() => [
    status,
    { type: `urn:patchrelay:problem:${code}`, detail, hint: "do so" },
  ]);
  const human = await run(["issue", "retry", "APP-1"]);
  expect([human.code, human.out]).toEqual([exit, ""]);
  expect(human.err).toContain(`because \\u{202e}of ${code}`);
  const document = await run(["issue", "retry", "APP-1", "--json"]);
  expect(json(document.err)).toMatchObject({ type: `urn:patchrelay:problem:${code}`, status, detail });
});

test("a delivery id that two sources have is wrong usage for replay too", async () => {
  const detail = 'more than one delivery has the id "same"';
  const { run } = await standIn(() => [
    409,
    { type: "urn:patchrelay:problem:conflict", detail, hint: "name one: github:same, linear:same" },
  ]);
  const { code, err } = await run(["delivery", "replay", "same"]);
  expect(code).toBe(2);
  expect(err).toContain("name one: github:same, linear:same");
});

test("something else on the relay's port is told as that", async () => {
  const { run } = await standIn(() => [200, "<html>hello</html>"]);
  const { code, err } = await run(["issue", "retry", "APP-1"]);
  expect(code).toBe(1);
  expect(err).toContain("without saying why");
  const status = await run(["status", "--json"]);
  expect(json(status.out)).toMatchObject({
    relay: "down",
    detail: expect.stringContaining("other than patchrelay"),
  });
});

test.each([
  ["issue retry NOPE-1"],
  ["issue stop NOPE-1"],
  ["issue pause NOPE-1"],
  ["issue resume NOPE-1"],
  ["issue close NOPE-1"],
  ["issue prompt NOPE-1 hello"],
  ["issue answer NOPE-1 yes"],
  ["delivery replay nope"],
  ["outbox retry 99"],
])("%s with the relay down is exit 4, before an unknown name", async (line) => {
  const { place } = await standIn(accepted);
  // The port of a server that has gone: nobody listens there.
  for (const step of undo.splice(1)) step();
  const { code, out, err } = await cli([...line.split(" "), "--config", place.config, "--json"]);
  place.remove();
  expect([code, out]).toEqual([4, ""]);
  expect(json(err)).toMatchObject({ status: 503, type: "urn:patchrelay:problem:relay_not_reachable" });
});

test("with port 0 and no relay there is no address, exit 4", async () => {
  const place = makePlace();
  undo.push(place.remove);
  const { code, err } = await cli(["issue", "stop", "APP-1", "--config", place.config]);
  expect(code).toBe(4);
  expect(err).toContain("patchrelay serve");
});

test("status tells the parts of a relay that is up, and its version", async () => {
  const part = { ok: true, detail: "runs", ageMs: 1_000, pending: 0 };
  const agent = { ...part, ok: false, detail: "codex: not logged in" };
  const parts = { database: part, inbox: part, outbox: part, sweep: part, agent };
  const { run } = await standIn(({ path }) =>
    path === "/ready"
      ? [503, { ready: false, parts, previousSecrets: { github: "2026-01-05T09:00:00.000Z", linear: null } }]
      : [200, { info: { version: "9.9.9" } }],
  );
  const document = await run(["status", "--json"]);
  expect(json(document.out)).toMatchObject({
    relay: "up",
    relayVersion: "9.9.9",
    ready: { ready: false, parts },
  });
  expect(StatusDocument.strict().parse(json(document.out))).toEqual(json(document.out));
  const { code, out } = await run(["status"]);
  expect(code).toBe(0);
  expect(out).toMatch(/^relay +up, not ready$/m);
  expect(out).toMatch(/agent +not ok: codex: not logged in/);
  expect(out).toMatch(/previous github secret +last needed 2026-01-05/);
  expect(out).not.toContain("previous linear secret");
  expect(out).toContain("the relay 9.9.9");
});

test("agents asks the relay that is up", async () => {
  const items = [{ name: "codex", ready: false, detail: "not \u001blogged in" }];
  const { run, seen } = await standIn(() => [200, { items, nextCursor: null }]);
  expect(json((await run(["agents", "--json"])).out)).toEqual({ items, nextCursor: null });
  expect((await run(["agents"])).out).toBe("codex\tno\tnot \\u{1b}logged in\n");
  expect(seen[0]?.path).toBe("/api/agents");
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { NOBODY, operator } from "../../src/factory/facts/actor.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import { ExternalError } from "../../src/lib/external.ts";
import { silentLog } from "../../src/lib/log.ts";
import { readyDocument, serve } from "./bench.ts";
import type { Bench } from "./bench.ts";
import type { DeliveryDocument } from "../../src/engines/documents.ts";
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

let bench: Bench;
beforeEach(async () => {
  bench = await serve();
});
afterEach(async () => {
  await bench.close();
});

interface Reply {
  readonly status: number;
  readonly type: string | null;
  readonly body: Record<string, unknown>;
}

async function ask(method: string, path: string, init: RequestInit = {}): Promise<Reply> {
  const answer = await fetch(`${bench.url}${path}`, { method, ...init });
  const text = await answer.text();
  return {
    status: answer.status,
    type: answer.headers.get("content-type"),
    body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}
const get = async (path: string): Promise<Reply> => await ask("GET", path);
const post = async (path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
  await ask("POST", path, {
    headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

function problem(reply: Reply): [number, unknown] {
  expect(reply.type).toBe("application/problem+json; charset=utf-8");
  expect(reply.body).toMatchObject({ type: expect.stringMatching(/^urn:/), title: expect.any(String) });
  expect(reply.body["status"]).toBe(reply.status);
  return [reply.status, reply.body["detail"]];
}

describe("lists", () => {
  test("a filter that names nothing is refused with what there is, not answered with an empty list", async () => {
    const refusal = async (path: string) => {
      const reply = await get(path);
      const [status, detail] = problem(reply);
      return [status, `${String(detail)}; ${String(reply.body["hint"])}`];
    };
    expect(await refusal("/api/deliveries?source=bogus")).toEqual([
      400,
      expect.stringContaining("one of: linear, github, observation"),
    ]);
    expect(await refusal("/api/issues?repo=example/bogus")).toEqual([
      400,
      expect.stringMatching(/"example\/bogus"; one of: \S+/),
    ]);
    for (const list of ["runs", "outbox"])
      expect(await refusal(`/api/${list}?issue=APP-77`)).toEqual([
        404,
        expect.stringContaining('there is no issue "APP-77"'),
      ]);
    expect(await refusal("/api/issues?status=done")).toEqual([
      400,
      expect.stringMatching(/unknown field "status"; one of: state, repo, q, limit, cursor/),
    ]);
    for (const path of [
      "/api/deliveries?source=observation",
      "/api/runs?issue=app-1",
      "/api/outbox?issue=APP-1",
    ])
      expect((await get(path)).status, path).toBe(200);
    bench.engine.issues.push(issueDocument({ id: "linear:9", key: "OLD-1", repository: "example/left" }));
    expect((await get("/api/issues?repo=example/left")).status).toBe(200);
  });

  test("come in pages: 50 by default, as many as asked for, until there is no cursor", async () => {
    for (let number = 2; number <= 120; number += 1) {
      bench.engine.issues.push(issueDocument({ id: `linear:${number}`, key: `APP-${number}` }));
    }
    const first = await get("/api/issues");
    expect(first.body["items"]).toHaveLength(50);
    const keys: string[] = [];
    let path: string | null = "/api/issues?limit=33";
    while (path !== null) {
      const { body } = await get(path);
      keys.push(...(body["items"] as { key: string }[]).map(({ key }) => key));
      const cursor = body["nextCursor"] as string | null;
      path = cursor === null ? null : `/api/issues?limit=33&cursor=${cursor}`;
    }
    expect(new Set(keys).size).toBe(120);
    expect(keys).toHaveLength(120);
  });

  test.each([
    ["limit=0", "limit"],
    ["limit=501", "limit"],
    ["limit=x", "limit"],
    ["limit=1.5", "limit"],
    ["limit=", "limit"],
    ["limit=1&limit=2", "limit"],
    ["cursor=nonsense", "cursor"],
    ["cursor=", "cursor"],
    ["state=sleeping", "state"],
  ])("?%s is a 400 that names %s", async (query, name) => {
    const [status, detail] = problem(await get(`/api/issues?${query}`));
    expect(status).toBe(400);
    expect(detail).toContain(name);
  });

  test("a wrong state is told the right ones", async () => {
    expect((await get("/api/issues?state=sleeping")).body["hint"]).toContain("implementing");
  });

  test("are filtered", async () => {
    bench.engine.issues.push(
      issueDocument({ id: "linear:2", key: "APP-2", state: "done", repository: "a/b" }),
    );
    bench.engine.deliveries.push(
      deliveryDocument(),
      deliveryDocument({ deliveryId: "d-2", state: "ignored" }),
    );
    bench.engine.effects.push(effectDocument(), effectDocument({ id: "2", state: "done" }));
    const count = async (path: string): Promise<number> =>
      ((await get(path)).body["items"] as unknown[]).length;
    expect(await count("/api/issues?state=done")).toBe(1);
    expect(await count("/api/issues?repo=a/b")).toBe(1);
    expect(await count("/api/issues?q=app-2")).toBe(1);
    expect(await count("/api/issues?q=sortable")).toBe(2);
    expect(await count("/api/deliveries?state=ignored")).toBe(1);
    expect(await count("/api/deliveries?source=linear")).toBe(0);
    expect(await count("/api/outbox?state=failed")).toBe(1);
  });
});

describe("single documents", () => {
  test("an issue is found by its key in any case and by its id, with all below it", async () => {
    bench.engine.runs.push(runDocument());
    bench.engine.commit(journalLine({ issue: APP_1, kind: "delegated" }));
    bench.engine.commit(runLine("linear-0a1b2c3d.1", "hello"));
    for (const key of ["APP-1", "app-1", APP_1, encodeURIComponent(APP_1)]) {
      expect((await get(`/api/issues/${key}`)).body["key"]).toBe("APP-1");
      for (const below of ["journal", "runs"]) {
        expect((await get(`/api/issues/${key}/${below}`)).body["items"]).toHaveLength(1);
      }
      expect((await get(`/api/issues/${key}/why`)).body["issue"]).toBe("APP-1");
    }
    expect((await get("/api/runs?issue=app-1")).body["items"]).toHaveLength(1);
    expect((await get("/api/runs/linear-0a1b2c3d.1")).body["number"]).toBe(1);
    expect((await get("/api/runs/linear-0a1b2c3d.1/events")).body["items"]).toHaveLength(1);
    expect((await get("/api/queue")).body["slots"]).toEqual({ total: 4, used: 1 });
    expect((await get("/api/agents")).body["items"]).toEqual([{ name: "codex", ready: true, detail: null }]);
    expect((await get("/api/budget")).body["day"]).toBe("2026-01-05");
  });

  test("why looks into the past by seq and by time", async () => {
    expect((await get("/api/issues/APP-1/why?at=12")).status).toBe(200);
    expect((await get("/api/issues/APP-1/why?at=2026-01-05T12:00:00Z")).status).toBe(200);
    expect(problem(await get("/api/issues/APP-1/why?at=2020-01-01"))[0]).toBe(404);
    expect(problem(await get("/api/issues/APP-1/why?at=yesterday"))[0]).toBe(400);
  });

  test.each([
    "/api/issues/APP-9",
    "/api/issues/APP-9/journal",
    "/api/issues/APP-9/runs",
    "/api/issues/APP-9/why",
    "/api/issues/%00",
    "/api/issues/..%2f..%2fetc%2fpasswd",
    "/api/runs/x",
    "/api/runs/x/events",
    "/api/deliveries/x",
    "/api/nothing",
    "/nothing",
  ])("%s is a 404", async (path) => {
    expect(problem(await get(path))[0]).toBe(404);
  });

  test("a delivery is shown by id; one of two sources by source:id", async () => {
    bench.engine.deliveries.push(
      deliveryDocument({ deliveryId: "a/b c" }),
      deliveryDocument({ deliveryId: "both" }),
      deliveryDocument({ deliveryId: "both", source: "linear" }),
    );
    expect((await get(`/api/deliveries/${encodeURIComponent("a/b c")}`)).body["deliveryId"]).toBe("a/b c");
    const both = await get("/api/deliveries/both");
    expect(problem(both)[0]).toBe(409);
    expect(both.body["hint"]).toContain("linear:both");
    expect((await get("/api/deliveries/linear:both")).body["source"]).toBe("linear");
  });
});

describe("commands", () => {
  const facts = (change: Partial<Facts>): void => {
    const before = bench.engine.known.get(APP_1);
    if (before === undefined) throw new Error("the fake engine keeps APP-1");
    bench.engine.known.set(APP_1, { ...before, ...change });
  };
  const shows = (change: Parameters<typeof issueDocument>[0]): void => {
    bench.engine.issues[0] = issueDocument(change);
  };
  const asks = (id: string, answered = false): Facts["questions"][string] => ({
    id,
    about: "work",
    afterRun: 1 as const,
    askedAt: NOON,
    run: 1,
    text: "Which one?",
    options: [],
    known: [],
    dueAt: null,
    answer: answered ? { at: NOON, by: operator("x"), text: "that", prompt: null } : null,
  });

  test("become observations of an operator and answer the journal's seq", async () => {
    for (const [nth, command] of ["stop", "pause", "cancel"].entries()) {
      const reply = await post(`/api/issues/app-1/${command}`);
      expect(reply.status).toBe(202);
      expect(reply.body).toEqual({ accepted: true, seq: bench.engine.lines.length });
      expect(bench.engine.observed.at(-1)).toMatchObject({
        issue: APP_1,
        observation: { kind: "commanded", command, at: NOON + nth, by: { kind: "operator" }, text: null },
      });
    }
    const prompt = await post("/api/issues/APP-1/prompt", { text: "Use tabs" });
    expect(prompt.status).toBe(202);
    const last = bench.engine.observed.at(-1);
    expect(last?.observation).toMatchObject({ kind: "prompted", from: "operator", text: "Use tabs" });
    expect(last?.key).toMatch(/^command:[0-9a-f-]{36}$/);
  });

  test("are later than every word they answer, however far the tracker's clock is ahead of ours", async () => {
    const ahead = NOON + 60_000;
    facts({
      delegation: { value: { granted: true, by: { ...NOBODY, kind: "person" } }, at: ahead, read: true },
    });
    for (const [command, body] of [["stop"], ["resume"], ["prompt", { text: "Use tabs" }]] as const) {
      shows({ state: command === "stop" ? "implementing" : "paused" });
      expect((await post(`/api/issues/APP-1/${command}`, body)).status, command).toBe(202);
    }
    const said = bench.engine.observed.map(({ observation }) => observation.at);
    expect(said).toEqual([ahead + 1, ahead + 2, ahead + 3]);
  });

  test("with the same Idempotency-Key happen once, even when they would make no sense any more", async () => {
    const key = { "idempotency-key": "one" };
    const first = await post("/api/issues/APP-1/stop", undefined, key);
    shows({ state: "paused", run: null });
    bench.engine.commit(journalLine({ issue: APP_1, kind: "run_ended" }));
    const second = await post("/api/issues/APP-1/stop", undefined, key);
    expect(second).toEqual(first);
    expect(bench.engine.observed).toHaveLength(1);
    expect(problem(await post("/api/issues/APP-1/stop"))[0]).toBe(409);
    const other = await post("/api/issues/APP-1/pause", undefined, key);
    expect(other.status).toBe(202);
    expect(bench.engine.observed).toHaveLength(2);
  });

  test("a malformed Idempotency-Key is 400", async () => {
    const reply = await post("/api/issues/APP-1/stop", undefined, { "idempotency-key": "x".repeat(201) });
    expect(problem(reply)[0]).toBe(400);
  });

  test.each<readonly [string, Parameters<typeof issueDocument>[0], Partial<Facts>, string | RegExp]>([
    ["stop", { state: "done", run: null, why: "Merged." }, {}, "has ended (done): Merged."],
    ["pause", { state: "failed", run: null }, {}, "has ended (failed)"],
    ["close", { state: "done", run: null }, {}, "has ended"],
    ["cancel", { state: "failed", run: null }, {}, "has ended"],
    ["resume", {}, {}, "is not paused (implementing)"],
    ["resume", { state: "done", run: null }, {}, "has ended (done)"],
    ["resume", { state: "failed", run: null }, {}, "`patchrelay issue retry APP-1` starts it again"],
    [
      "resume",
      {
        state: "done",
        run: null,
        pullRequest: { number: 1, url: "u", head: "h", state: "closed", merged: true },
      },
      {},
      "To have more done, say what: `patchrelay issue prompt APP-1 TEXT`.",
    ],
    [
      "resume",
      { state: "failed", run: null, rule: "removed", why: "It was removed." },
      {},
      /: It was removed\.$/,
    ],
    ["pause", {}, { paused: { value: true, at: NOON, read: false } }, "is already paused"],
    ["retry", {}, {}, "APP-1 has a run in progress"],
    [
      "retry",
      {
        state: "done",
        run: null,
        pullRequest: { number: 1, url: "u", head: "h", state: "closed", merged: true },
      },
      {},
      "is merged",
    ],
    [
      "retry",
      {
        state: "awaiting_input",
        run: null,
        rule: "question_open",
        why: 'The agent asks: "Which?"',
        waitsFor: "an answer, on the issue or with `patchrelay issue answer APP-1`",
      },
      {},
      'a retry would change nothing for APP-1. The agent asks: "Which?" It waits for an answer, on the issue or with `patchrelay issue answer APP-1`.',
    ],
    [
      "retry",
      { state: "failed", run: null, rule: "removed", why: "It was removed.", waitsFor: null },
      {},
      "a retry would change nothing for APP-1. It was removed.",
    ],
    ["retry", { state: "paused", run: null, rule: "paused", waitsFor: "`resume`" }, {}, "waits for `resume`"],
  ])("%s is 409 with the reason when %j %j", async (command, shown, known, reason) => {
    shows(shown);
    facts(known);
    const [status, detail] = problem(await post(`/api/issues/APP-1/${command}`));
    expect(status).toBe(409);
    expect(detail).toEqual(
      typeof reason === "string" ? expect.stringContaining(reason) : expect.stringMatching(reason),
    );
    expect(bench.engine.observed).toEqual([]);
  });

  test("resume makes sense while held, even if a run goes on, and when stopped", async () => {
    facts({ paused: { value: true, at: NOON, read: false } });
    expect((await post("/api/issues/APP-1/resume")).status).toBe(202);
    shows({ state: "paused", run: null });
    expect((await post("/api/issues/APP-1/resume")).status).toBe(202);
  });

  test("retry makes sense once no run is under way, on a failed issue too", async () => {
    shows({ state: "failed", run: null });
    expect((await post("/api/issues/APP-1/retry")).status).toBe(202);
  });

  test("an answer goes to the open question, or to the named one", async () => {
    const answer = async (body: object): Promise<Reply> => await post("/api/issues/APP-1/answer", body);
    expect(problem(await answer({ text: "this" }))).toEqual([
      409,
      expect.stringContaining("no open question"),
    ]);
    facts({ questions: { q1: asks("q1"), q0: asks("q0", true) } });
    expect(problem(await answer({ text: "this", question: "q9" }))[1]).toContain("has no question");
    expect(problem(await answer({ text: "this", question: "q0" }))[1]).toContain("already answered");
    expect(problem(await answer({ text: " " }))).toEqual([409, expect.stringContaining("empty")]);
    expect((await answer({ text: "this" })).status).toBe(202);
    expect(bench.engine.observed.at(-1)?.observation).toMatchObject({
      kind: "commanded",
      command: "answer",
      text: "this",
      question: "q1",
    });
    expect(bench.engine.known.get(APP_1)?.questions["q1"]?.answer?.text).toBe("this");
  });

  test("an answer must name one of several open questions", async () => {
    facts({ questions: { q1: asks("q1"), q2: asks("q2") } });
    const [status, detail] = problem(await post("/api/issues/APP-1/answer", { text: "this" }));
    expect(status).toBe(409);
    expect(detail).toContain("q1, q2");
    expect((await post("/api/issues/APP-1/answer", { text: "this", question: "q2" })).status).toBe(202);
  });

  test.each([
    ["no body", undefined, 400],
    ["no text", {}, 400],
    ["a number", { text: 5 }, 400],
    ["an unknown field", { text: "x", force: true }, 400],
    ["a list", ["x"], 400],
    ["an empty text", { text: "" }, 409],
  ])("prompt with %s is refused", async (_name, body, status) => {
    expect(problem(await post("/api/issues/APP-1/prompt", body))[0]).toBe(status);
    expect(bench.engine.observed).toEqual([]);
  });

  test("only JSON of at most 64 KiB is read", async () => {
    const send = async (body: string, type = "application/json", more: Record<string, string> = {}) =>
      problem(
        await ask("POST", "/api/issues/APP-1/prompt", { body, headers: { "content-type": type, ...more } }),
      )[0];
    expect(await send("{")).toBe(400);
    expect(await send('{"text":"x","__proto__":{"a":1}}')).toBe(400);
    expect(await send(`{"text":"x","deep":${"[".repeat(20_000)}${"]".repeat(20_000)}}`)).toBe(400);
    expect(await send("text=x", "application/x-www-form-urlencoded")).toBe(415);
    expect(await send("x", "text/plain")).toBe(415);
    expect(await send('{"text":"x"}', "application/json", { "content-encoding": "gzip" })).toBe(415);
    expect(await send(`{"text":"${"x".repeat(64 * 1024)}"}`)).toBe(413);
    expect(bench.engine.observed).toEqual([]);
  });

  test("of an unknown issue are 404, and unknown commands too", async () => {
    expect(problem(await post("/api/issues/APP-9/stop"))[0]).toBe(404);
    expect(problem(await post("/api/issues/APP-1/explode"))[0]).toBe(404);
  });

  test("are 503 when they cannot be made durable", async () => {
    bench.engine.broken = "SQLITE_FULL /var/lib/x";
    const reply = await post("/api/issues/APP-1/stop");
    expect(problem(reply)[0]).toBe(503);
    expect(JSON.stringify(reply.body)).not.toMatch(/SQLITE|\/var/);
  });

  test("replay a delivery whose body is kept", async () => {
    bench.engine.deliveries.push(deliveryDocument(), deliveryDocument({ deliveryId: "pruned-1" }));
    expect(await post("/api/deliveries/github:d-1/replay")).toMatchObject({
      status: 202,
      body: { accepted: true, seq: null },
    });
    expect(problem(await post("/api/deliveries/pruned-1/replay"))[0]).toBe(409);
    expect(problem(await post("/api/deliveries/x/replay"))[0]).toBe(404);
  });

  test("observations are replayed while they are quarantined; else it is said what became of them", async () => {
    const shown = { source: "observation", deliveryId: "5" };
    const told = async (change: Partial<DeliveryDocument>) => {
      bench.engine.deliveries.splice(0, 9, deliveryDocument({ ...shown, ...change }));
      return await post("/api/deliveries/observation:5/replay");
    };
    expect((await told({ state: "quarantined", why: "a bug" })).status).toBe(202);
    const applied = await told({ state: "applied", why: "applied at 2026-01-05T12:00:00.000Z" });
    expect(problem(applied)).toEqual([409, "observation:5 was applied at 2026-01-05T12:00:00.000Z"]);
    expect(applied.body["hint"]).toBe("only quarantined observations can be replayed");
    expect(problem(await told({ state: "pending", why: "a bug" }))).toEqual([
      409,
      "observation:5 is tried again by itself (last: a bug)",
    ]);
  });

  test("retry a failed effect", async () => {
    bench.engine.effects.push(effectDocument());
    expect((await post("/api/outbox/1/retry")).status).toBe(202);
    expect(problem(await post("/api/outbox/2/retry"))[0]).toBe(404);
    bench.engine.effects.push(effectDocument({ id: "3", state: "done" }));
    expect(problem(await post("/api/outbox/3/retry"))).toEqual([409, "effect 3 is done: it was carried out"]);
  });
});

describe("watching", () => {
  test("ready tells its parts, 503 while one is not", async () => {
    expect(await get("/ready")).toMatchObject({ status: 200, body: { ready: true } });
    const other = await serve({ over: { ready: async () => readyDocument(false) } });
    try {
      const answer = await fetch(`${other.url}/ready`);
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({ parts: { database: { ok: false } } });
      expect((await fetch(`${other.url}/health`)).status).toBe(200);
    } finally {
      await other.close();
    }
  });

  test("ready is 503 when a part fails to say how it is, without its words", async () => {
    const other = await serve({
      over: { ready: async () => await Promise.reject(new Error("secret-canary")) },
    });
    try {
      const answer = await fetch(`${other.url}/ready`);
      expect(answer.status).toBe(503);
      expect(await answer.text()).not.toContain("canary");
    } finally {
      await other.close();
    }
  });

  test("metrics count ended runs once, by outcome", async () => {
    bench.engine.runs.push(
      runDocument({ id: "linear-0a1b2c3d.2", number: 2, state: "queued", startedAt: null }),
      runDocument({ state: "ended", outcome: "published", endedAt: "2026-01-05T12:02:00.000Z" }),
    );
    bench.engine.commit(journalLine({ issue: APP_1, kind: "run_ended" }));
    bench.engine.commit(journalLine({ issue: APP_1, kind: "run_ended, time_passed" }));
    const text = await (await fetch(`${bench.url}/metrics`)).text();
    expect(text).toContain(
      'patchrelay_runs_total{type="implementation",outcome="published",failure_class="none"} 1',
    );
    expect(text).toContain('patchrelay_run_seconds_sum{type="implementation"} 120');
    for (const line of [
      "patchrelay_inbox_pending 2",
      "patchrelay_inbox_oldest_seconds 1.5",
      "patchrelay_outbox_pending 4",
      'patchrelay_issues{state="delegated"} 1',
      "patchrelay_slots_used 1",
      "patchrelay_sweep_age_seconds 2",
      "process_resident_memory_bytes",
      "nodejs_eventloop_lag_seconds",
    ]) {
      expect(text).toContain(line);
    }
  });

  test("metrics that cannot be read are left out, the others are told", async () => {
    const { engine } = bench;
    engine.views.counts = async () => await Promise.reject(new Error("SQLITE_IOERR"));
    const healthy = engine.health();
    engine.health = () => ({
      ...healthy,
      database: { ok: false, detail: "gone" },
      inbox: { pending: null, oldestMs: null, quarantined: null, mismatches: 3 },
    });
    const answer = await fetch(`${bench.url}/metrics`);
    expect(answer.status).toBe(200);
    const text = await answer.text();
    for (const line of [
      "patchrelay_database_ok 0",
      "patchrelay_outbox_pending 4",
      "patchrelay_delivery_mismatches 3",
    ])
      expect(text).toContain(line);
    expect(text).not.toMatch(
      /^patchrelay_(issues|deliveries_kept|effects_kept|inbox_(pending|oldest_seconds))\b/m,
    );
    engine.health = () => {
      throw new Error("a bug");
    };
    expect((await fetch(`${bench.url}/metrics`)).status).toBe(200);
  });

  test("ready says whether a part was late or failed", async () => {
    const told = async (fault: Error) => {
      const ready = async (): Promise<never> => await Promise.reject(fault);
      const other = await serve({ over: { ready } });
      try {
        return ((await (await fetch(`${other.url}/ready`)).json()) as { detail: string }).detail;
      } finally {
        await other.close();
      }
    };
    expect(await told(new ExternalError("unavailable", "too slow"))).toContain("in time");
    expect(await told(new Error("a bug"))).toContain("its log says why");
  });

  test("an error inside is 500 and tells nothing of it", async () => {
    const broken = await serve({ over: { agents: async () => await Promise.reject(new Error("canary")) } });
    try {
      bench.engine.views.queue = () => {
        throw new Error("SQLITE_CORRUPT canary at /var/lib");
      };
      const reply = await get("/api/queue");
      expect(problem(reply)[0]).toBe(500);
      expect(JSON.stringify(reply.body)).not.toMatch(/canary|SQLITE|at /);
      expect((await fetch(`${broken.url}/api/agents`)).status).toBe(503);
    } finally {
      await broken.close();
    }
  });

  test.each([
    ["/api/agents", "agents"],
    ["/ready", "ready"],
  ])("what %s is still asking when the relay stops has not failed", async (path, part) => {
    const logged: string[] = [];
    const note = (message: string): void => {
      logged.push(message);
    };
    let asked: () => void = () => undefined;
    const asking = new Promise<void>((resolve) => {
      asked = resolve;
    });
    const unending = async (): Promise<never> => {
      asked();
      return await new Promise(() => undefined);
    };
    const stopping = await serve({
      over: { [part]: unending, log: { ...silentLog, warn: note, error: note } },
    });
    const reply = fetch(`${stopping.url}${path}`);
    await asking;
    await stopping.close();
    expect((await reply).status).toBe(503);
    expect(logged).toEqual([]);
  });
});

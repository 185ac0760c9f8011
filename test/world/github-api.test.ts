import { createPrivateKey, sign } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { loadSchemas } from "../../world/github/schemas.ts";
import { APP, handClock, stage } from "./github-fixture.ts";
import type { Stage } from "./github-fixture.ts";

let open: Stage | null = null;
const begin = async (...given: Parameters<typeof stage>): Promise<Stage> => (open = await stage(...given));

afterEach(async () => {
  await open?.close();
  open = null;
});

interface Got {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function call(
  stage: Stage,
  authorization: string | null,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Got> {
  const answer = await fetch(stage.world.url + path, {
    method,
    redirect: "manual",
    headers: { ...(authorization === null ? {} : { authorization }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return {
    status: answer.status,
    headers: answer.headers,
    body: text.startsWith("{") || text.startsWith("[") ? (JSON.parse(text) as unknown) : text,
  };
}

const jwt = (stage: Stage, claims: Record<string, unknown>, alter = ""): string => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iss: stage.world.credentials.appId, ...claims })}`;
  const signature = sign(
    "sha256",
    Buffer.from(text + alter),
    createPrivateKey(stage.world.credentials.privateKey.reveal()),
  );
  return `Bearer ${text}.${signature.toString("base64url")}`;
};

async function pullRequest(stage: Stage): Promise<number> {
  await stage.world.pushAs("alice", "acme/app", "topic", { "a.txt": "a\n" });
  const number = await stage.world.openPullRequest("alice", "acme/app", { title: "A", head: "topic" });
  await stage.world.settled();
  return number;
}

test("what real GitHub would refuse is refused: routes, parameters, fields, types", async () => {
  const stage = await begin();
  const token = `token ${stage.world.tokenFor("carol").reveal()}`;
  const refused = async (method: string, path: string, body?: unknown): Promise<[number, string]> => {
    const got = await call(stage, token, method, path, body);
    return [got.status, (got.body as { message: string }).message.split("\n").at(-1) ?? ""];
  };
  expect(await refused("GET", "/repos/acme/app/nonsense")).toEqual([404, "Not Found"]);
  expect(stage.world.problems).toEqual([
    "GET /repos/acme/app/nonsense is no operation that the stand-in knows",
  ]);
  expect(await refused("GET", "/repos/acme/other")).toEqual([404, "Not Found"]);
  expect(await refused("GET", "/repos/acme/app/pulls?sate=open")).toEqual([
    422,
    '"sate" is not a permitted query parameter.',
  ]);
  expect((await refused("GET", "/repos/acme/app/pulls?state=merged"))[0]).toBe(422);
  expect(await refused("GET", "/repos/acme/app/pulls/seven")).toEqual([404, "Not Found"]);
  expect(
    await refused("POST", "/repos/acme/app/pulls", { head: "a", base: "main", title: "t", drift: true }),
  ).toEqual([422, '"drift" is not a permitted key.']);
  expect((await refused("POST", "/repos/acme/app/pulls", { head: "a", title: "t" }))[0]).toBe(422);
  expect((await refused("POST", "/repos/acme/app/pulls", { head: "a", base: 7, title: "t" }))[0]).toBe(422);
  expect(
    await refused("POST", "/repos/acme/app/pulls", { head: "nowhere", base: "main", title: "t" }),
  ).toEqual([422, "Validation Failed"]);
  await stage.world.pushAs("alice", "acme/app", "topic", { "a.txt": "a" });
  expect(
    (await call(stage, token, "POST", "/repos/acme/app/pulls", { head: "topic", base: "main", title: "t" }))
      .status,
  ).toBe(201);
  const twin = await call(stage, token, "POST", "/repos/acme/app/pulls", {
    head: "topic",
    base: "main",
    title: "t",
  });
  expect(twin).toMatchObject({
    status: 422,
    body: { errors: [{ message: "A pull request already exists for acme:topic." }] },
  });
});

test("credentials are judged as GitHub judges them, and installation tokens end after an hour", async () => {
  const clock = handClock(systemClock.now());
  const stage = await begin({ private: true }, clock);
  const now = Math.floor(clock.now() / 1000);
  const message = async (authorization: string): Promise<unknown> => {
    const { status, body } = await call(stage, authorization, "GET", "/app");
    return status === 200 ? 200 : (body as { message: string }).message;
  };
  expect(await message(jwt(stage, { iat: now - 30, exp: now + 570 }))).toBe(200);
  expect(await message(jwt(stage, { iat: now - 30, exp: now + 700 }))).toMatch(/too far in the future/);
  expect(await message(jwt(stage, { iat: now + 90, exp: now + 300 }))).toMatch(/Issued at/);
  expect(await message(jwt(stage, { iat: now - 600, exp: now - 1 }))).toMatch(/Expiration time/);
  expect(await message(jwt(stage, { iat: now - 30, exp: now + 570 }, "!"))).toMatch(/could not be decoded/);
  expect(await message("Bearer ghs_nonsense")).toBe("Bad credentials");

  const good = jwt(stage, { iat: now - 30, exp: now + 570 });
  const installation = await call(stage, good, "GET", "/repos/acme/app/installation");
  const { id } = installation.body as { id: number };
  const { body } = await call(stage, good, "POST", `/app/installations/${id}/access_tokens`);
  const { token } = body as { token: string };
  expect((await call(stage, `Bearer ${token}`, "GET", "/repos/acme/app")).status).toBe(200);
  expect((await call(stage, `Bearer ${token}`, "GET", "/user")).status).toBe(403);
  expect((await call(stage, null, "GET", "/repos/acme/app")).status).toBe(404);
  const person = stage.world.tokenFor("alice").reveal();
  expect((await call(stage, `token ${person}`, "GET", "/user")).body).toMatchObject({
    login: "alice",
    type: "User",
  });
  clock.advance(61 * 60_000);
  expect((await call(stage, `Bearer ${token}`, "GET", "/repos/acme/app")).status).toBe(401);
  stage.world.revokeTokens();
  expect((await call(stage, `token ${person}`, "GET", "/user")).status).toBe(401);
});

test("limits, conditional requests and pages are told in the headers", async () => {
  const stage = await begin();
  const number = await pullRequest(stage);
  for (let count = 0; count < 5; count += 1) await stage.world.comment("bob", number, `comment ${count}`);
  const token = `token ${stage.world.tokenFor("carol").reveal()}`;
  const path = `/repos/acme/app/issues/${number}/comments?per_page=2`;
  const first = await call(stage, token, "GET", path);
  expect(first.headers.get("link")).toContain('page=2>; rel="next"');
  const all = await stage.octokit.paginate(stage.octokit.issues.listComments, {
    ...APP,
    issue_number: number,
    per_page: 2,
  });
  expect(all.map((comment) => comment.body)).toEqual([0, 1, 2, 3, 4].map((count) => `comment ${count}`));
  const again = await call(stage, token, "GET", path, undefined, {
    "if-none-match": first.headers.get("etag") ?? "",
  });
  expect([again.status, again.body]).toEqual([304, ""]);

  stage.world.faults.rateLimitNext = 1;
  const primary = await call(stage, token, "GET", path);
  expect([primary.status, primary.headers.get("x-ratelimit-remaining")]).toEqual([403, "0"]);
  stage.world.rateLimitKind = "secondary";
  stage.world.faults.rateLimitNext = 1;
  const secondary = await call(stage, token, "GET", path);
  expect([secondary.status, secondary.headers.get("retry-after")]).toEqual([403, "60"]);
  stage.world.requestsPerHour = 3;
  const statuses = [];
  for (let count = 0; count < 3; count += 1) statuses.push((await call(stage, token, "GET", path)).status);
  expect(statuses).toEqual([200, 403, 403]);
  expect((await call(stage, token, "GET", "/rate_limit")).body).toMatchObject({
    resources: { core: { limit: 3, remaining: 0 } },
  });
});

test("outages look like outages, and a lost reply was carried out", async () => {
  const stage = await begin();
  const number = await pullRequest(stage);
  const token = `token ${stage.world.tokenFor("bob").reveal()}`;
  const path = `/repos/acme/app/issues/${number}/comments`;
  const { faults } = stage.world;
  faults.outage = "html502";
  expect(await call(stage, token, "GET", path)).toMatchObject({
    status: 502,
    body: expect.stringContaining("<html>") as string,
  });
  faults.outage = "status503";
  expect((await call(stage, token, "GET", path)).status).toBe(503);
  for (const outage of ["refused", "reset"] as const) {
    faults.outage = outage;
    await expect(call(stage, token, "POST", path, { body: "unheard" })).rejects.toThrow();
  }
  faults.outage = "silent";
  const patience = new AbortController();
  const unanswered = fetch(stage.world.url + path, {
    headers: { authorization: token },
    signal: patience.signal,
  });
  const arrived = (): boolean =>
    stage.world.requests.at(-1)?.method === "GET" && stage.world.requests.at(-1)?.status === 0;
  for (let round = 0; round < 10_000 && !arrived(); round += 1)
    await new Promise<void>((resolve) => setImmediate(resolve));
  patience.abort();
  await expect(unanswered).rejects.toThrow();
  expect(arrived()).toBe(true);
  faults.outage = "lost_reply";
  await expect(call(stage, token, "POST", path, { body: "said once" })).rejects.toThrow();
  faults.outage = "none";
  const { body } = await call(stage, token, "GET", path);
  expect((body as { body: string }[]).map((comment) => comment.body)).toEqual(["said once"]);
});

test("reads may be stale: the state as it was", async () => {
  const clock = handClock(systemClock.now());
  const stage = await begin({}, clock);
  const number = await pullRequest(stage);
  const token = `token ${stage.world.tokenFor("bob").reveal()}`;
  const old = stage.world.pullRequest(number).fields.headSha;
  clock.advance(60_000);
  await stage.world.pushAs("alice", "acme/app", "topic", { "a.txt": "b\n" });
  await stage.world.review("bob", number, { state: "APPROVED" });
  stage.world.faults.staleReadsMs = 5_000;
  const head = async (): Promise<unknown> =>
    ((await call(stage, token, "GET", `/repos/acme/app/pulls/${number}`)).body as { head: { sha: string } })
      .head.sha;
  const reviews = async (): Promise<number> =>
    ((await call(stage, token, "GET", `/repos/acme/app/pulls/${number}/reviews`)).body as unknown[]).length;
  expect([await head(), await reviews()]).toEqual([old, 0]);
  clock.advance(6_000);
  expect([await head(), await reviews()]).toEqual([stage.world.pullRequest(number).fields.headSha, 1]);
});

test("a failed delivery is listed, readable and redelivered with the same id", async () => {
  const stage = await begin();
  stage.answer = 500;
  await stage.world.pushAs("alice", "acme/app", "topic", { "a.txt": "a\n" });
  await stage.world.settled();
  stage.answer = 200;
  const now = Math.floor(systemClock.now() / 1000);
  const app = jwt(stage, { iat: now - 30, exp: now + 300 });
  const { body } = await call(stage, app, "GET", "/app/hook/deliveries?status=failure");
  const failed = (body as { id: number; guid: string; event: string; status_code: number }[])[0];
  expect(failed).toMatchObject({ event: "push", status_code: 500 });
  const single = await call(stage, app, "GET", `/app/hook/deliveries/${failed?.id}`);
  expect(single.body).toMatchObject({
    request: { payload: { ref: "refs/heads/topic" }, headers: { "x-github-delivery": failed?.guid } },
  });
  expect((await call(stage, app, "POST", `/app/hook/deliveries/${failed?.id}/attempts`)).status).toBe(202);
  await stage.world.settled();
  expect(stage.received.map(({ delivery }) => delivery)).toEqual([failed?.guid, failed?.guid]);
  const after = (await call(stage, app, "GET", "/app/hook/deliveries")).body as {
    guid: string;
    redelivery: boolean;
    status: string;
  }[];
  expect(after.map(({ redelivery, status }) => [redelivery, status])).toEqual([
    [true, "OK"],
    [false, "Invalid HTTP Response"],
  ]);
  expect(
    (await call(stage, `token ${stage.world.tokenFor("carol").reveal()}`, "GET", "/app/hook/deliveries"))
      .status,
  ).toBe(401);
});

test("webhooks are lost, doubled and sent again as the faults say", async () => {
  const stage = await begin();
  stage.world.faults.lose = 1;
  await stage.world.pushAs("alice", "acme/app", "lost", { "a.txt": "a\n" });
  stage.world.faults.lose = 0;
  stage.world.faults.duplicate = 1;
  await stage.world.pushAs("alice", "acme/app", "doubled", { "a.txt": "a\n" });
  await stage.world.settled();
  const refs = (): unknown[] => stage.received.map(({ payload }) => payload["ref"]);
  expect(refs()).toEqual(["refs/heads/doubled", "refs/heads/doubled"]);
  expect(new Set(stage.received.map(({ delivery }) => delivery)).size).toBe(1);
  const lost = stage.world.sent.find(({ answers }) => answers.length === 0);
  expect(await stage.world.resend(lost?.id ?? "")).toBe(200);
  expect(refs().at(-1)).toBe("refs/heads/lost");
});

test("GraphQL refuses what the schema does not have, and names what the stand-in does not model", async () => {
  const stage = await begin();
  const number = await pullRequest(stage);
  const ask = async (field: string): Promise<unknown> => {
    const token = `bearer ${stage.world.tokenFor("alice").reveal()}`;
    const query = `{ rateLimit { remaining } repository(owner: "acme", name: "app") { pullRequest(number: ${number}) { ${field} } } }`;
    const { body } = await call(stage, token, "POST", "/graphql", { query });
    return (body as { errors?: { message: string; type?: string }[] }).errors?.[0] ?? null;
  };
  expect(await ask("isDraft")).toBeNull();
  expect(await ask("isDraught")).toMatchObject({
    message: expect.stringContaining('Cannot query field "isDraught"') as string,
  });
  expect(await ask("reviews { totalCount }")).toMatchObject({ type: "MISSING_PAGINATION_BOUNDARIES" });
  expect(await ask("reviews(first: 101) { totalCount }")).toMatchObject({ type: "EXCESSIVE_PAGINATION" });
  expect(await ask("milestone { title }")).toBeNull();
  expect(await ask("titleHTML")).toMatchObject({
    message: "the stand-in does not model PullRequest.titleHTML",
  });
  await expect(stage.graphql(`{ repository(owner: "acme", name: "none") { id } }`)).rejects.toThrow(
    /Could not resolve to a Repository/,
  );
});

test("the main answers satisfy GitHub's own response schemas", async () => {
  const stage = await begin({
    protection: { requiredChecks: ["test"], requiredApprovals: 1, mergeQueue: true },
  });
  const number = await pullRequest(stage);
  await stage.world.review("bob", number, {
    state: "CHANGES_REQUESTED",
    body: "no",
    comments: [{ path: "a.txt", line: 1, body: "why" }],
  });
  await stage.world.comment("bob", number, "hello");
  const sha = stage.world.pullRequest(number).fields.headSha;
  await stage.world.setStatus("acme/app", sha, "deploy", "pending");
  const check = await stage.world.startCheck("acme/app", sha, "by hand");
  await stage.world.finishCheck("acme/app", check, "failure");
  await stage.world.settled();
  const token = `token ${stage.world.tokenFor("carol").reveal()}`;
  const schemas = loadSchemas(stage.world.url);
  const run =
    (await stage.octokit.actions.listWorkflowRunsForRepo({ ...APP })).data.workflow_runs[0]?.id ?? 0;
  const repo = "/repos/acme/app";
  const faults: Record<string, string | null> = {};
  for (const path of [
    "/user",
    "/rate_limit",
    "/meta",
    repo,
    `${repo}/branches/main`,
    `${repo}/rules/branches/main`,
    `${repo}/git/ref/heads%2Fmain`,
    `${repo}/commits/main`,
    `${repo}/compare/main...topic`,
    `${repo}/contents/README.md`,
    `${repo}/collaborators/bob/permission`,
    `${repo}/pulls`,
    `${repo}/pulls/${number}`,
    `${repo}/pulls/${number}/commits`,
    `${repo}/pulls/${number}/files`,
    `${repo}/pulls/${number}/reviews`,
    `${repo}/pulls/${number}/comments`,
    `${repo}/issues/${number}/comments`,
    `${repo}/commits/${sha}/pulls`,
    `${repo}/commits/${sha}/check-runs`,
    `${repo}/commits/${sha}/check-suites`,
    `${repo}/commits/${sha}/status`,
    `${repo}/commits/${sha}/statuses`,
    `${repo}/actions/runs`,
    `${repo}/actions/runs/${run}`,
    `${repo}/actions/runs/${run}/jobs`,
  ]) {
    const { status, body } = await call(stage, token, "GET", path);
    const asked = schemas.find("GET", path.split("?")[0] ?? "");
    faults[path] =
      status === 200 ? schemas.responseFault(asked?.operation.id ?? "", 200, body) : `status ${status}`;
  }
  expect(Object.fromEntries(Object.entries(faults).filter(([, fault]) => fault !== null))).toEqual({});
  expect(stage.world.problems).toEqual([]);
  expect((await call(stage, token, "GET", `${repo}/branches/main/protection`)).body).toMatchObject({
    message: "Branch not protected",
  });
  expect((await call(stage, token, "GET", `${repo}/rules/branches/main`)).body).toMatchObject([
    { type: "required_status_checks" },
    { type: "pull_request" },
    { type: "merge_queue" },
  ]);
});

test("the webhook checks themselves can fail", () => {
  const schemas = loadSchemas("http://127.0.0.1");
  expect(schemas.webhookFault("merge-group-destroyed", { action: "destroyed", reason: "bored" })).toMatch(
    /required/,
  );
  const filled = schemas.webhook("merge-group-destroyed", { action: "destroyed", reason: "bored" });
  expect(schemas.webhookFault("merge-group-destroyed", filled)).toMatch(/reason/);
});

// docs.github.com, "Rate limits and node limits for the GraphQL API": requests to fill each connection, by the hundred.
test("GraphQL charges by connections, refuses what could be too many nodes, and gives up on what takes too long", async () => {
  const stage = await begin();
  const token = `bearer ${stage.world.tokenFor("alice").reveal()}`;
  const ask = async (query: string) => {
    const { status, body } = await call(stage, token, "POST", "/graphql", { query });
    return { status, ...(body as { data?: unknown; errors?: unknown[] }) };
  };
  const repository = (fields: string): string =>
    `{ rateLimit { cost nodeCount } repository(owner: "acme", name: "app") { ${fields} } }`;
  const cost = async (fields: string): Promise<unknown> => {
    const { data } = await ask(repository(fields));
    return (data as { rateLimit: unknown }).rateLimit;
  };
  const threads = "pullRequests(first: 100) { nodes { reviewThreads(last: 50) { nodes { id } } } }";
  expect(await cost("id")).toEqual({ cost: 1, nodeCount: 0 });
  expect(await cost(threads)).toEqual({ cost: 1, nodeCount: 5_100 });
  expect(await cost(`a: ${threads} b: ${threads}`)).toEqual({ cost: 2, nodeCount: 10_200 });
  const deep = `pullRequests(first: 100) { nodes { reviewThreads(last: 100) { nodes { comments(last: 100) { totalCount } } } } }`;
  expect((await ask(repository(deep))).errors).toMatchObject([{ type: "MAX_NODE_LIMIT_EXCEEDED" }]);
  stage.world.habits.graphqlRequests = 100;
  expect((await ask(repository(threads))).status).toBe(502);
  stage.world.habits.graphqlRequests = Infinity;
  const many = Array.from({ length: 101 }, (_, index) => `"${index}"`).join(",");
  expect((await ask(`{ nodes(ids: [${many}]) { id } }`)).errors).toMatchObject([{ type: "ARGUMENT_LIMIT" }]);
});

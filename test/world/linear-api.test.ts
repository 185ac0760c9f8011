import { afterEach, beforeEach, expect, test } from "vitest";
import type { LinearWorld } from "../../world/linear/world.ts";
import { ask, at, handWorld, type HandClock } from "./linear-support.ts";

let world: LinearWorld;
let clock: HandClock;

beforeEach(async () => {
  ({ world, clock } = await handWorld({ limits: { requests: 10, complexity: 100_000 } }));
  world.createIssue({ team: "APP", title: "Fix the login" });
});
afterEach(() => world.close());

const COMMENT = `mutation { commentCreate(input: { issueId: "APP-1", body: "Hello" }) { success } }`;

test("an API key goes bare, a token with Bearer; all else is an authentication error", async () => {
  expect((await ask(world, "{ viewer { id } }", {}, world.apiKey)).status).toBe(200);
  expect((await ask(world, "{ viewer { id } }", {}, `Bearer ${world.accessToken}`)).status).toBe(200);
  for (const wrong of [null, "nonsense", world.accessToken, `Bearer ${world.apiKey}`]) {
    const answer = await ask(world, "{ viewer { id } }", {}, wrong);
    expect(answer.status).toBe(401);
    expect(answer.errors[0]?.extensions).toMatchObject({
      code: "AUTHENTICATION_ERROR",
      type: "authentication error",
    });
  }
});

test("a document that does not fit the schema and a wrong variable are refused with 400", async () => {
  const field = await ask(world, "{ viewer { shoeSize } }");
  expect(field.status).toBe(400);
  expect(field.errors[0]?.message).toContain("shoeSize");
  const variable = await ask(world, "query($id: String!) { issue(id: $id) { id } }", { id: 5 });
  expect(variable.status).toBe(400);
  expect(variable.errors[0]?.extensions["code"]).toBe("INPUT_ERROR");
  expect((await ask(world, "{ viewer {")).status).toBe(400);
});

test("a failing part leaves the rest: 200 with data and errors", async () => {
  const answer = await ask(
    world,
    `{ issueVcsBranchSearch(branchName: "ada/app-1-fix") { identifier attachments(first: 500) { nodes { id } } } viewer { id } }`,
  );
  expect(answer.status).toBe(200);
  expect(answer.data).toMatchObject({
    issueVcsBranchSearch: null,
    viewer: { id: world.installation.appUserId },
  });
  expect(answer.errors[0]?.message).toContain("first and last must be 1 to 250");
});

test("an unpaged nest of connections is too complex", async () => {
  const answer = await ask(
    world,
    "{ issues { nodes { id comments { nodes { id body children { nodes { id } } } } } } }",
  );
  expect(answer.status).toBe(400);
  expect(answer.errors[0]?.message).toBe("Query too complex");
});

test("the hourly limit answers 400 RATELIMITED with headers, and leaks away", async () => {
  const first = await ask(world, "{ viewer { id } }");
  expect(first.headers.get("x-ratelimit-requests-limit")).toBe("10");
  expect(first.headers.get("x-ratelimit-requests-remaining")).toBe("9");
  expect(Number(first.headers.get("x-ratelimit-requests-reset"))).toBe(clock.now() + 360_000);
  expect(first.headers.get("x-complexity")).toBe("2");
  for (let number = 0; number < 9; number += 1) await ask(world, "{ viewer { id } }");
  const limited = await ask(world, "{ viewer { id } }");
  expect(limited.status).toBe(400);
  expect(limited.errors[0]?.extensions["code"]).toBe("RATELIMITED");
  clock.advance(360_000);
  expect((await ask(world, "{ viewer { id } }")).status).toBe(200);
});

test("asked to, it rate limits the next requests and carries none of them out", async () => {
  world.faults.rateLimitNext = 2;
  for (const expected of ["RATELIMITED", "RATELIMITED", undefined]) {
    expect((await ask(world, COMMENT)).errors[0]?.extensions["code"]).toBe(expected);
  }
  expect(world.issue("APP-1").comments.length).toBe(1);
});

test("a lost reply was carried out, a refused or reset one was not", async () => {
  for (const outage of ["lost_reply", "refused", "reset"] as const) {
    world.faults.outage = outage;
    await expect(ask(world, COMMENT)).rejects.toThrow("fetch failed");
  }
  world.faults.outage = "html502";
  await expect(ask(world, COMMENT)).rejects.toThrow("JSON");
  world.faults.outage = "none";
  expect(world.issue("APP-1").comments.length).toBe(1);
});

test("a silent outage holds the request until the caller gives up", async () => {
  world.faults.outage = "silent";
  const asked = fetch(`${world.url}/graphql`, {
    method: "POST",
    body: "{}",
    signal: AbortSignal.timeout(50),
  });
  await expect(asked).rejects.toThrow("timeout");
});

test("stale reads show an earlier state, writes and fresh reads do not", async () => {
  const session = world.delegate("APP-1", "ada");
  clock.advance(60_000);
  world.setState("APP-1", "completed", "ada");
  world.stop(session.id, "ada");
  world.createIssue({ team: "APP", title: "Newer" });
  const query = `{ issues(first: 10) { nodes { identifier state { type } } } }`;
  world.faults.staleReadsMs = 5_000;
  expect(at((await ask(world, query)).data, "issues.nodes")).toEqual([
    { identifier: "APP-1", state: { type: "unstarted" } },
  ]);
  const unborn = await ask(world, `{ issue(id: "APP-2") { id } }`);
  expect(unborn.errors[0]?.message).toBe("Entity not found: Issue");
  const one = await ask(world, `query($id: String!) { agentSession(id: $id) { status updatedAt } }`, {
    id: session.id,
  });
  expect(one.data).toEqual({
    agentSession: { status: "pending", updatedAt: new Date(session.updatedAt).toISOString() },
  });
  const written = await ask(
    world,
    `mutation { issueUpdate(id: "APP-2", input: { priority: 2 }) { issue { priority } } }`,
  );
  expect(at(written.data, "issueUpdate.issue.priority")).toBe(2);
  clock.advance(5_000);
  expect(at((await ask(world, query)).data, "issues.nodes")).toEqual([
    { identifier: "APP-2", state: { type: "unstarted" } },
    { identifier: "APP-1", state: { type: "completed" } },
  ]);
});

test("missed prompts can be found by paging sessions by their last change", async () => {
  const session = world.delegate("APP-1", "ada");
  clock.advance(1_000);
  world.createIssue({ team: "APP", title: "Other" });
  world.delegate("APP-2", "ada");
  clock.advance(1_000);
  world.prompt(session.id, "You missed this", "grace");
  const answer = await ask(
    world,
    `{ agentSessions(orderBy: updatedAt, first: 50) { nodes { issue { identifier }
      activities(first: 5, filter: { type: { eq: "prompt" } }) { nodes { user { displayName } content { ... on AgentActivityPromptContent { body } } } } } } }`,
  );
  expect(at(answer.data, "agentSessions.nodes")).toEqual([
    {
      issue: { identifier: "APP-1" },
      activities: { nodes: [{ user: { displayName: "grace" }, content: { body: "You missed this" } }] },
    },
    { issue: { identifier: "APP-2" }, activities: { nodes: [] } },
  ]);
});

test("filters combine and, or, comparators and relations", async () => {
  world.addLabel("bug");
  world.createIssue({ team: "APP", title: "Fix the search", labels: ["bug"] });
  world.createIssue({ team: "APP", title: "Write docs", assignee: "grace" });
  world.addBlocker("APP-1", "APP-3", "ada");
  const keys = async (filter: unknown): Promise<unknown> => {
    const answer = await ask(
      world,
      "query($filter: IssueFilter) { issues(first: 9, filter: $filter) { nodes { identifier } } }",
      { filter },
    );
    expect(answer.errors).toEqual([]);
    return (at(answer.data, "issues.nodes") as { identifier: string }[]).map((issue) => issue.identifier);
  };
  expect(await keys({ title: { startsWith: "Fix" } })).toEqual(["APP-2", "APP-1"]);
  expect(await keys({ labels: { name: { eq: "bug" } } })).toEqual(["APP-2"]);
  expect(await keys({ assignee: { null: true } })).toEqual(["APP-2", "APP-1"]);
  expect(await keys({ or: [{ number: { eq: 1 } }, { assignee: { isMe: { eq: false } } }] })).toEqual([
    "APP-3",
    "APP-1",
  ]);
  expect(await keys({ hasBlockedByRelations: { eq: true } })).toEqual(["APP-1"]);
  expect(await keys({ updatedAt: { gt: "-PT1H" }, createdAt: { lt: "2026-01-01T00:00:00Z" } })).toEqual([]);
});

test("calls are kept for tests, with what went wrong", async () => {
  await ask(world, COMMENT);
  await ask(world, `mutation { commentCreate(input: { issueId: "APP-9", body: "Hello" }) { success } }`);
  expect(world.calls.map(({ fields, kind, error }) => [fields, kind, error])).toEqual([
    [["commentCreate"], "mutation", null],
    [["commentCreate"], "mutation", "INPUT_ERROR"],
  ]);
});

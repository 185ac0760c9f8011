import { ForbiddenLinearError, InvalidInputLinearError, LinearClient } from "@linear/sdk";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LinearWorld } from "../../world/linear/world.ts";
import { ask, handWorld } from "./linear-support.ts";

let world: LinearWorld;
let app: LinearClient;
let person: LinearClient;

function clientWith(auth: { apiKey: string } | { accessToken: string }): LinearClient {
  return new LinearClient({ ...auth, apiUrl: `${world.url}/graphql` });
}

async function tokenFor(scope: string): Promise<string> {
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    scope,
    client_id: world.oauth.clientId,
    client_secret: world.oauth.clientSecret,
  });
  const answer = await fetch(`${world.url}/oauth/token`, { method: "POST", body });
  return ((await answer.json()) as { access_token: string }).access_token;
}

beforeEach(async () => {
  ({ world } = await handWorld());
  world.createIssue({ team: "APP", title: "Fix the login" });
  app = clientWith({ accessToken: world.accessToken });
  person = clientWith({ apiKey: world.apiKey });
});
afterEach(() => world.close());

const events = (): string[] => world.sent.map(({ event }) => event);

test("a personal key is a person, who writes as such and gets no agent's rights", async () => {
  const ada = await person.viewer;
  expect(ada).toMatchObject({ displayName: "ada", app: false, isMe: true, supportsAgentSessions: false });
  await person.createComment({ issueId: "APP-1", body: "Mine" });
  expect(world.issue("APP-1").comments.map(({ userId }) => userId)).toEqual([ada.id]);

  await expect(person.updateIssue("APP-1", { delegateId: ada.id })).rejects.toBeInstanceOf(
    InvalidInputLinearError,
  );
  expect(world.issue("APP-1").delegateId).toBeNull();
});

test("a person opens, writes in and shows nothing on an agent session", async () => {
  const { id, commentId } = world.delegate("APP-1", "ada");
  const content = { type: "thought", body: "Reading" };
  const attempts = [
    person.createAgentActivity({ agentSessionId: id, content }),
    person.updateAgentSession(id, { plan: [] }),
    person.agentSessionCreateOnIssue({ issueId: "APP-1" }),
    person.agentSessionCreateOnComment({ commentId: commentId ?? "" }),
  ];
  for (const attempt of attempts) await expect(attempt).rejects.toBeInstanceOf(ForbiddenLinearError);
  expect(world.activities(id)).toEqual([]);
  expect(world.issue("APP-1").sessions.length).toBe(1);
  expect((await app.createAgentActivity({ agentSessionId: id, content })).success).toBe(true);
});

test("a person's own issue opens no session and no inbox notice; giving it to the app does both", async () => {
  const { id } = await person.viewer;
  await person.updateIssue("APP-1", { assigneeId: id });
  expect(events()).toEqual(["Issue", "Issue"]);
  await person.updateIssue("APP-1", { delegateId: world.installation.appUserId });
  expect(events().slice(2)).toEqual(["Issue", "Comment", "AgentSessionEvent", "AppUserNotification"]);
  expect(world.issue("APP-1").sessions.map(({ creatorId }) => creatorId)).toEqual([id]);
});

test("a webhook of the workspace hears of issues and comments, never of sessions and the inbox", async () => {
  await world.close();
  ({ world } = await handWorld({ webhookOf: "workspace" }));
  world.createIssue({ team: "APP", title: "Fix the login" });
  const session = world.delegate("APP-1", "ada");
  world.prompt(session.id, "Please", "grace");
  world.changeAccess(["APP"], []);
  world.oauth.uninstall();
  expect(new Set(events())).toEqual(new Set(["Issue", "Comment"]));
});

test("without agent session events a delegation is a badge, an inbox notice and no session", async () => {
  world.setAgentSessionEvents(false);
  world.giveTo("APP-1", "ada");
  expect(world.issue("APP-1")).toMatchObject({ delegateId: world.installation.appUserId, sessions: [] });
  expect(events()).toEqual(["Issue", "Issue", "AppUserNotification"]);
  expect((await app.viewer).supportsAgentSessions).toBe(false);
  await expect(app.agentSessionCreateOnIssue({ issueId: "APP-1" })).rejects.toThrow("Forbidden");
  expect(() => world.mention("APP-1", "@patchrelay please", "ada")).toThrow("not enabled");
});

test("switching agent session events on counts from the next consent, not from another client credential", async () => {
  world.setAgentSessionEvents(false);
  world.setAgentSessionEvents(true);
  await tokenFor("read,write,app:assignable,app:mentionable");
  world.giveTo("APP-1", "ada");
  expect(world.issue("APP-1").sessions).toEqual([]);
  world.undelegate("APP-1", "ada");

  const redirect_uri = world.oauth.settings.redirectUris[0] ?? "";
  const wish = { client_id: world.oauth.clientId, redirect_uri, response_type: "code", actor: "app" };
  const asked = new URLSearchParams({ ...wish, scope: "write,app:assignable,app:mentionable" });
  const back = await fetch(`${world.url}/oauth/authorize?${asked.toString()}`, { redirect: "manual" });
  const code = new URL(back.headers.get("location") ?? "").searchParams.get("code") ?? "";
  const client = { client_id: world.oauth.clientId, client_secret: world.oauth.clientSecret };
  const body = new URLSearchParams({ grant_type: "authorization_code", code, redirect_uri, ...client });
  expect((await fetch(`${world.url}/oauth/token`, { method: "POST", body })).status).toBe(200);
  expect(world.delegate("APP-1", "ada").appUserId).toBe(world.installation.appUserId);
});

test("scopes narrowed by a later grant: no agent any more, then no writing", async () => {
  const assignable = clientWith({ accessToken: await tokenFor("read,write,app:assignable") });
  await assignable.updateIssue("APP-1", { delegateId: world.installation.appUserId });
  expect(() => world.mention("APP-1", "@patchrelay please", "ada")).toThrow("not granted");

  const plain = clientWith({ accessToken: await tokenFor("read,write") });
  await plain.updateIssue("APP-1", { delegateId: null });
  expect(() => world.giveTo("APP-1", "ada")).toThrow("app:assignable");
  await expect(plain.updateIssue("APP-1", { delegateId: world.installation.appUserId })).rejects.toThrow(
    "app:assignable",
  );

  const reader = clientWith({ accessToken: await tokenFor("read") });
  expect((await reader.issue("APP-1")).title).toBe("Fix the login");
  await expect(reader.updateIssue("APP-1", { priority: 1 })).rejects.toBeInstanceOf(ForbiddenLinearError);
});

test("a narrow scope allows its one mutation", async () => {
  const bearer = `Bearer ${await tokenFor("comments:create")}`;
  const comment = `mutation { commentCreate(input: { issueId: "APP-1", body: "Hello" }) { success } }`;
  expect((await ask(world, comment, {}, bearer)).status).toBe(200);
  const create = `mutation { issueCreate(input: { teamId: "x", title: "Hello" }) { success } }`;
  const refused = await ask(world, create, {}, bearer);
  expect(refused.status).toBe(403);
  expect(refused.errors[0]?.extensions).toMatchObject({
    code: "FORBIDDEN",
    userPresentableMessage: "Invalid scope: `write` or `issues:create` required",
  });
});

test("key and app have hourly allowances of their own", async () => {
  const limit = async (authorization: string): Promise<string | null> =>
    (await ask(world, "{ viewer { id } }", {}, authorization)).headers.get("x-ratelimit-requests-limit");
  expect(await limit(world.apiKey)).toBe("2500");
  expect(await limit(`Bearer ${world.accessToken}`)).toBe("5000");
});

import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemRandomness } from "../../src/lib/ids.ts";
import { Tokens } from "../../world/linear/tokens.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import { ask, handWorld, type HandClock } from "./linear-support.ts";

let world: LinearWorld;
let clock: HandClock;

beforeEach(async () => {
  ({ world, clock } = await handWorld());
});
afterEach(() => world.close());

const FULL = "read,write,app:assignable,app:mentionable";
const REDIRECT = "http://127.0.0.1:8787/oauth/linear/callback";

async function consent(extra: Record<string, string> = {}): Promise<URL> {
  const asked = new URLSearchParams({
    client_id: world.oauth.clientId,
    redirect_uri: REDIRECT,
    response_type: "code",
    scope: FULL,
    actor: "app",
    state: "s1",
    ...extra,
  });
  const answer = await fetch(`${world.url}/oauth/authorize?${asked.toString()}`, { redirect: "manual" });
  expect(answer.status).toBe(302);
  return new URL(answer.headers.get("location") ?? "");
}

async function token(
  fields: Record<string, string>,
  secret = true,
): Promise<[number, Record<string, unknown>]> {
  const answer = await fetch(`${world.url}/oauth/token`, {
    method: "POST",
    body: new URLSearchParams({
      client_id: world.oauth.clientId,
      ...(secret ? { client_secret: world.oauth.clientSecret } : {}),
      ...fields,
    }),
  });
  return [answer.status, (await answer.json()) as Record<string, unknown>];
}

async function works(accessToken: unknown): Promise<number> {
  return (await ask(world, "{ viewer { id } }", {}, `Bearer ${String(accessToken)}`)).status;
}

test("a code becomes a token for a day, once", async () => {
  const back = await consent();
  expect(back.searchParams.get("state")).toBe("s1");
  const fields = {
    grant_type: "authorization_code",
    code: back.searchParams.get("code") ?? "",
    redirect_uri: REDIRECT,
  };
  const [status, granted] = await token(fields);
  expect(status).toBe(200);
  expect(granted).toMatchObject({
    token_type: "Bearer",
    expires_in: 86_399,
    scope: "read write app:assignable app:mentionable",
  });
  expect((await token(fields))[0]).toBe(400);
  expect(await works(granted["access_token"])).toBe(200);
  clock.advance(86_400_000);
  expect(await works(granted["access_token"])).toBe(401);
});

test("PKCE needs the right verifier and no secret", async () => {
  const verifier = "a".repeat(43);
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const grant = async (codeVerifier: string): Promise<number> => {
    const back = await consent({ code_challenge: challenge, code_challenge_method: "S256" });
    const fields = {
      grant_type: "authorization_code",
      code: back.searchParams.get("code") ?? "",
      redirect_uri: REDIRECT,
      code_verifier: codeVerifier,
    };
    return (await token(fields, false))[0];
  };
  expect(await grant("b".repeat(43))).toBe(400);
  expect(await grant(verifier)).toBe(200);
});

test("a refresh rotates; the same one again gives the same answer for half an hour", async () => {
  const back = await consent();
  const [, granted] = await token({
    grant_type: "authorization_code",
    code: back.searchParams.get("code") ?? "",
    redirect_uri: REDIRECT,
  });
  const refresh = { grant_type: "refresh_token", refresh_token: String(granted["refresh_token"]) };
  const [, second] = await token(refresh);
  expect(second["refresh_token"]).not.toBe(granted["refresh_token"]);
  expect(await works(second["access_token"])).toBe(200);
  expect((await token(refresh))[1]).toEqual(second);
  clock.advance(30 * 60_000 + 1);
  expect((await token(refresh))[0]).toBe(400);
});

test("nobody is sent to an address that is not the application's own; a wrong wish goes back as an error", async () => {
  const asked = async (extra: Record<string, string>): Promise<Response> => {
    const fields = {
      client_id: world.oauth.clientId,
      redirect_uri: REDIRECT,
      response_type: "code",
      actor: "app",
    };
    return fetch(
      `${world.url}/oauth/authorize?${new URLSearchParams({ ...fields, state: "s1", ...extra }).toString()}`,
      {
        redirect: "manual",
      },
    );
  };
  for (const extra of [
    { redirect_uri: `${REDIRECT}/` },
    { redirect_uri: "https://evil.example/" },
    { client_id: "x" },
  ]) {
    const answer = await asked(extra);
    expect([answer.status, answer.headers.get("location")]).toEqual([400, null]);
  }
  const sentBack = async (extra: Record<string, string>): Promise<unknown> => {
    const back = new URL((await asked(extra)).headers.get("location") ?? "");
    return [back.searchParams.get("error"), back.searchParams.get("state"), back.searchParams.get("code")];
  };
  expect(await sentBack({ scope: "read,everything" })).toEqual(["invalid_scope", "s1", null]);
  expect(await sentBack({ scope: "admin" })).toEqual(["invalid_scope", "s1", null]);
  expect(await sentBack({ actor: "robot" })).toEqual(["invalid_request", "s1", null]);
  expect(await sentBack({ response_type: "token" })).toEqual(["unsupported_response_type", "s1", null]);
  world.oauth.consent = "denied";
  expect(await sentBack({})).toEqual(["access_denied", "s1", null]);
});

test("a code waits ten minutes and belongs to its redirect_uri; without PKCE the secret is needed", async () => {
  const exchange = async (redirectUri: string, secret = true): Promise<number> => {
    const code = (await consent()).searchParams.get("code") ?? "";
    return (
      await token(
        { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: "v" },
        secret,
      )
    )[0];
  };
  expect(await exchange("http://127.0.0.1:8787/elsewhere")).toBe(400);
  expect(await exchange(REDIRECT, false)).toBe(401);
  expect(await exchange(REDIRECT)).toBe(200);
  const code = (await consent()).searchParams.get("code") ?? "";
  clock.advance(10 * 60_000);
  expect((await token({ grant_type: "authorization_code", code, redirect_uri: REDIRECT }))[0]).toBe(400);
});

test("without actor=app the token is the consenting person's", async () => {
  const back = await consent({ actor: "user", scope: "read,write" });
  const code = back.searchParams.get("code") ?? "";
  const [, granted] = await token({ grant_type: "authorization_code", code, redirect_uri: REDIRECT });
  const answer = await ask(
    world,
    "{ viewer { displayName app } }",
    {},
    `Bearer ${String(granted["access_token"])}`,
  );
  expect(answer.data).toEqual({ viewer: { displayName: "ada", app: false } });
  expect(await works(world.accessToken)).toBe(200);
});

test("client credentials are refused where the application does not allow them", async () => {
  world.oauth.settings.clientCredentials = false;
  expect(await token({ grant_type: "client_credentials", scope: FULL })).toEqual([
    400,
    { error: "Error", error_description: "Client does not support the client_credentials grant type" },
  ]);
});

test("client credentials give many tokens of the app side by side; other scopes end all of them", async () => {
  const next = async (scope: string): Promise<unknown> =>
    (await token({ grant_type: "client_credentials", scope }))[1]["access_token"];
  const [one, two] = [await next(FULL), await next(FULL.split(",").toReversed().join(" "))];
  expect([await works(one), await works(two), await works(world.accessToken)]).toEqual([200, 200, 200]);
  const answer = await ask(world, "{ viewer { id app } }", {}, `Bearer ${String(one)}`);
  expect(answer.data).toEqual({ viewer: { id: world.installation.appUserId, app: true } });
  const fewer = await next("read,write");
  expect([await works(one), await works(two), await works(world.accessToken)]).toEqual([401, 401, 401]);
  expect(await works(fewer)).toBe(200);
  clock.advance(2_591_999_000);
  expect(await works(fewer)).toBe(401);
});

test("at most a thousand tokens live at once, the oldest goes first", () => {
  const tokens = new Tokens(clock, systemRandomness);
  const first = tokens.endless(["read"]);
  for (let more = 0; more < 999; more += 1) tokens.byClientCredentials(["read"]);
  expect(tokens.find(first)).not.toBeNull();
  tokens.byClientCredentials(["read"]);
  expect(tokens.find(first)).toBeNull();
});

test("a new client secret ends what client credentials gave, and the old one is wrong", async () => {
  const [, granted] = await token({ grant_type: "client_credentials", scope: FULL });
  const old = world.oauth.clientSecret;
  expect(world.oauth.rotateSecret()).not.toBe(old);
  expect(await works(granted["access_token"])).toBe(401);
  expect((await token({ grant_type: "client_credentials", client_secret: old }))[0]).toBe(401);
  expect((await token({ grant_type: "client_credentials", scope: FULL }))[0]).toBe(200);
});

test("a consent ends the app's earlier tokens, client credentials those of a consent", async () => {
  const code = (await consent()).searchParams.get("code") ?? "";
  const [, granted] = await token({ grant_type: "authorization_code", code, redirect_uri: REDIRECT });
  expect([await works(world.accessToken), await works(granted["access_token"])]).toEqual([401, 200]);
  await token({ grant_type: "client_credentials", scope: FULL });
  expect(await works(granted["access_token"])).toBe(401);
  const refresh = { grant_type: "refresh_token", refresh_token: String(granted["refresh_token"]) };
  expect((await token(refresh))[0]).toBe(400);
});

test("the client may also name itself by HTTP Basic", async () => {
  const basic = (secret: string): string =>
    `Basic ${Buffer.from(`${world.oauth.clientId}:${secret}`).toString("base64")}`;
  const status = async (secret: string): Promise<number> =>
    (
      await fetch(`${world.url}/oauth/token`, {
        method: "POST",
        headers: { authorization: basic(secret) },
        body: new URLSearchParams({ grant_type: "client_credentials", scope: FULL }),
      })
    ).status;
  expect([await status(world.oauth.clientSecret), await status("wrong")]).toEqual([200, 401]);
});

test("client credentials give a month, a wrong secret gives nothing", async () => {
  const [status, granted] = await token({ grant_type: "client_credentials", scope: "read write" });
  expect([status, granted["expires_in"]]).toEqual([200, 2_591_999]);
  expect(granted["refresh_token"]).toBeUndefined();
  const [refused, body] = await token({ grant_type: "client_credentials", client_secret: "wrong" });
  expect([refused, body["error"]]).toEqual([401, "invalid_client"]);
});

async function revoke(fields: Record<string, string>, headers: Record<string, string> = {}): Promise<number> {
  const body = new URLSearchParams(fields);
  return (await fetch(`${world.url}/oauth/revoke`, { method: "POST", headers, body })).status;
}

test("revoking the app's last token removes the app, which is told", async () => {
  const client = { client_id: world.oauth.clientId, client_secret: world.oauth.clientSecret };
  const [, other] = await token({ grant_type: "client_credentials", scope: FULL });
  expect(await revoke({ token: world.accessToken })).toBe(401);
  expect(await revoke({ ...client, client_secret: "wrong", token: world.accessToken })).toBe(401);
  expect(await revoke({ ...client, token: world.accessToken, access_token: world.accessToken })).toBe(400);
  expect(await revoke({ ...client, token: world.accessToken })).toBe(200);
  expect(await revoke({ ...client, token: world.accessToken })).toBe(400);
  expect(await works(world.accessToken)).toBe(401);
  expect(world.sent).toEqual([]);
  const bearer = { authorization: `Bearer ${String(other["access_token"])}` };
  expect(await revoke({}, bearer)).toBe(200);
  expect(
    world.sent.map(({ event, body }) => [event, (JSON.parse(body) as { action: string }).action]),
  ).toEqual([["OAuthApp", "revoked"]]);
});

test("revoking a refresh token ends its access token too", async () => {
  const code = (await consent()).searchParams.get("code") ?? "";
  const [, granted] = await token({ grant_type: "authorization_code", code, redirect_uri: REDIRECT });
  const client = { client_id: world.oauth.clientId, client_secret: world.oauth.clientSecret };
  expect(await revoke({ ...client, token: String(granted["refresh_token"]) })).toBe(200);
  expect(await works(granted["access_token"])).toBe(401);
});

test("an app that was removed is told once, has no token left, and cannot be delegated to", async () => {
  world.createIssue({ team: "APP", title: "Fix the login" });
  const before = world.sent.length;
  world.oauth.uninstall();
  expect(world.sent.slice(before).map(({ event }) => event)).toEqual(["OAuthApp"]);
  expect(await works(world.accessToken)).toBe(401);
  expect(() => world.giveTo("APP-1", "ada")).toThrow("app:assignable");
  await token({ grant_type: "client_credentials", scope: FULL });
  expect(world.delegate("APP-1", "ada").appUserId).toBe(world.installation.appUserId);
});

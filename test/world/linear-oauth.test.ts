import { createHash } from "node:crypto";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LinearWorld } from "../../world/linear/world.ts";
import { ask, handWorld, type HandClock } from "./linear-support.ts";

let world: LinearWorld;
let clock: HandClock;

beforeEach(async () => {
  ({ world, clock } = await handWorld());
});
afterEach(() => world.close());

const REDIRECT = "http://127.0.0.1:8787/oauth/linear/callback";

async function consent(extra: Record<string, string> = {}): Promise<URL> {
  const asked = new URLSearchParams({
    client_id: world.oauth.clientId,
    redirect_uri: REDIRECT,
    response_type: "code",
    scope: "read,write,app:assignable,app:mentionable",
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

test("client credentials give a month, a wrong secret gives nothing", async () => {
  const [status, granted] = await token({ grant_type: "client_credentials", scope: "read write" });
  expect([status, granted["expires_in"]]).toEqual([200, 2_591_999]);
  expect(granted["refresh_token"]).toBeUndefined();
  const [refused, body] = await token({ grant_type: "client_credentials", client_secret: "wrong" });
  expect([refused, body["error"]]).toEqual([401, "invalid_client"]);
});

test("a revoked token no longer works, and the app is told", async () => {
  const revoke = async (): Promise<number> =>
    (
      await fetch(`${world.url}/oauth/revoke`, {
        method: "POST",
        body: new URLSearchParams({
          client_id: world.oauth.clientId,
          client_secret: world.oauth.clientSecret,
          token: world.accessToken,
        }),
      })
    ).status;
  expect(await revoke()).toBe(200);
  expect(await revoke()).toBe(400);
  expect(await works(world.accessToken)).toBe(401);
  expect(world.sent.map((webhook) => webhook.event)).toEqual(["OAuthApp"]);
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ExternalError } from "../../src/lib/external.ts";
import type { Log } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { httpTransport } from "../../src/trackers/linear/client/transport.ts";
import type { Transport } from "../../src/trackers/linear/client/transport.ts";
import { createLinearTracker } from "../../src/trackers/linear/linear.ts";
import type { LinearTracker } from "../../src/trackers/linear/linear.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import { passUntilOver } from "../virtual-clock.ts";
import { handWorld, type HandClock } from "../world/linear-support.ts";

const HOUR_MS = 3_600_000;
const LIFE_MS = 2_591_999_000;
const signal = new AbortController().signal;

let world: LinearWorld;
let clock: HandClock;
/** Paths of what was asked, in order. */
let asked: string[];
/** What the token endpoint answers instead of the stand-in; null = the stand-in. */
let instead: ((body: string, signal: AbortSignal) => Promise<{ status: number; body: string }>) | null;
let logged: string[];

const write = (...line: readonly unknown[]): void => {
  logged.push(JSON.stringify(line));
};
const log: Log = { debug: write, info: write, warn: write, error: write, with: () => log };

beforeEach(async () => {
  ({ world, clock } = await handWorld());
  world.createIssue({ team: "APP", title: "Fix the login" });
  asked = [];
  instead = null;
  logged = [];
});
afterEach(() => world.close());

function tracker(secret = world.oauth.clientSecret, clientId = world.oauth.clientId): LinearTracker {
  const through = httpTransport({ clock, connectMs: 5_000 });
  const transport: Transport = async (call) => {
    asked.push(call.url.pathname);
    if (instead === null || call.url.pathname === "/graphql") return through(call);
    return { ...(await instead(call.body, call.signal)), header: () => null };
  };
  return createLinearTracker({
    apiUrl: world.url,
    installing: { lacks: [], kept: null },
    webhookSecrets: [],
    auth: {
      kind: "clientCredentials",
      clientId: new Secret(clientId),
      clientSecret: new Secret(secret),
    },
    clock,
    log,
    limits: { connectMs: 5_000, totalMs: 5_000 },
    transport,
  });
}

const say = (linear: LinearTracker, session: string, key: string, until = signal): Promise<void> =>
  linear.in(null).tell(session, key, { type: "thought", body: "Reading" }, until);

async function fault(from: Promise<unknown>): Promise<ExternalError> {
  const thrown: unknown = await from.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ExternalError)) throw new Error(`not an ExternalError: ${String(thrown)}`);
  return thrown;
}

const tokens = (): number => asked.filter((path) => path === "/oauth/token").length;

describe("acting by client credentials", () => {
  test("is being the app, which is delegated to and speaks in its sessions", async () => {
    const linear = tracker();
    const [us] = await linear.whoAmI(signal);
    expect(us?.id).toBe(world.installation.appUserId);
    const session = world.delegate("APP-1", "ada");
    await say(linear, session.id, "k1");
    expect(world.activities(session.id).map(({ userId }) => userId)).toEqual([us?.id]);
    expect(tokens()).toBe(1);
  });

  test("asks for every scope an agent needs, in a form, without a word of it in the log", async () => {
    let sent = "";
    instead = (body) => {
      sent = body;
      return Promise.resolve({ status: 200, body: `{"access_token":"lin_oauth_canary","expires_in":60}` });
    };
    await fault(tracker().whoAmI(signal));
    expect(Object.fromEntries(new URLSearchParams(sent))).toEqual({
      grant_type: "client_credentials",
      scope: "read,write,app:assignable,app:mentionable",
      client_id: world.oauth.clientId,
      client_secret: world.oauth.clientSecret,
    });
    expect(logged.join()).toContain("token");
    expect(logged.join()).not.toContain("lin_oauth_canary");
    expect(logged.join()).not.toContain(world.oauth.clientSecret);
  });

  test("begins with one token for all that wait for it", async () => {
    const linear = tracker();
    const session = world.delegate("APP-1", "ada");
    await Promise.all(["k1", "k2", "k3"].map((key) => say(linear, session.id, key)));
    expect(tokens()).toBe(1);
    expect(world.activities(session.id).length).toBe(3);
  });

  test("gets another token when the old one is refused, once per call", async () => {
    const linear = tracker();
    const session = world.delegate("APP-1", "ada");
    await say(linear, session.id, "k1");
    world.oauth.expireTokens();
    await Promise.all([say(linear, session.id, "k2"), say(linear, session.id, "k3")]);
    expect(tokens()).toBe(2);
    expect(world.activities(session.id).length).toBe(3);
  });

  test("does not follow a token that never worked with the next at once", async () => {
    const linear = tracker();
    instead = () =>
      Promise.resolve({ status: 200, body: `{"access_token":"nonsense","expires_in":2591999}` });
    expect((await fault(linear.whoAmI(signal))).kind).toBe("unauthorized");
    expect((await fault(linear.whoAmI(signal))).kind).toBe("unauthorized");
    expect([tokens(), asked.length]).toEqual([1, 3]);
    instead = null;
    clock.advance(60_000);
    await linear.whoAmI(signal);
    expect(tokens()).toBe(2);
  });

  test("renews an hour ahead of expiry, and not before", async () => {
    const linear = tracker();
    const session = world.delegate("APP-1", "ada");
    await say(linear, session.id, "k1");
    clock.advance(LIFE_MS - HOUR_MS - 1);
    await say(linear, session.id, "k2");
    expect(tokens()).toBe(1);
    clock.advance(1);
    await say(linear, session.id, "k3");
    expect(tokens()).toBe(2);
    expect(asked.at(-1)).toBe("/graphql");
  });

  test("goes on with the token at hand while no new one is available, asking again each minute", async () => {
    const linear = tracker();
    const session = world.delegate("APP-1", "ada");
    await say(linear, session.id, "k1");
    clock.advance(LIFE_MS - HOUR_MS);
    instead = () => Promise.resolve({ status: 502, body: "<html>" });
    await say(linear, session.id, "k2");
    await say(linear, session.id, "k3");
    expect(tokens()).toBe(2);
    clock.advance(60_000);
    await say(linear, session.id, "k4");
    expect([tokens(), world.activities(session.id).length]).toEqual([3, 4]);
    clock.advance(HOUR_MS);
    expect((await fault(say(linear, session.id, "k5"))).kind).toBe("unavailable");
  });

  test("ends with the caller's signal, and takes the fetch along", async () => {
    const linear = tracker();
    let heard: AbortSignal | null = null;
    let begin: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    instead = (_body, within) =>
      new Promise((_, reject) => {
        heard = within;
        begin();
        within.addEventListener("abort", () => reject(within.reason as Error));
      });
    const stopping = new AbortController();
    const waiting = linear.whoAmI(stopping.signal);
    await begun;
    stopping.abort(new Error("the relay stops"));
    await expect(waiting).rejects.toThrow("the relay stops");
    expect((heard as AbortSignal | null)?.aborted).toBe(true);
    instead = null;
    await linear.whoAmI(signal);
  });
});

describe("what Linear refuses for good", () => {
  const kept = async (linear: LinearTracker): Promise<string> => {
    const first = await fault(linear.whoAmI(signal));
    expect([first.kind, first.retryAt]).toEqual(["unauthorized", clock.now() + 300_000]);
    expect((await fault(linear.whoAmI(signal))).message).toBe(first.message);
    expect(tokens()).toBe(1);
    clock.advance(300_000);
    await fault(linear.whoAmI(signal));
    expect(tokens()).toBe(2);
    expect(first.message).not.toContain(world.oauth.clientSecret);
    return first.message;
  };

  test("client credentials that are not enabled: says where, asks again after five minutes, recovers", async () => {
    world.oauth.settings.clientCredentials = false;
    const linear = tracker();
    expect(await kept(linear)).toContain("client credentials are not enabled for it; turn them on");
    world.oauth.settings.clientCredentials = true;
    clock.advance(300_000);
    expect((await linear.whoAmI(signal))[0]?.id).toBe(world.installation.appUserId);
  });

  test("a secret that is not the application's: names both variables", async () => {
    const message = await kept(tracker("wrong"));
    expect(message).toContain("LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET are not a pair");
  });

  test("a secret that was rotated away: what works goes on, then says so", async () => {
    const linear = tracker();
    const session = world.delegate("APP-1", "ada");
    await say(linear, session.id, "k1");
    world.oauth.rotateSecret();
    expect((await fault(say(linear, session.id, "k2"))).message).toContain(
      "a new secret revokes the old one",
    );
    expect((await fault(say(linear, session.id, "k2"))).kind).toBe("unauthorized");
    expect(tokens()).toBe(2);
  });

  test("anything else is told in Linear's words, never with the secret", async () => {
    instead = (body) =>
      Promise.resolve({
        status: 400,
        body: JSON.stringify({
          error: "invalid_scope",
          error_description: `not for you (${body.split("client_secret=")[1] ?? ""})`,
        }),
      });
    const message = await kept(tracker());
    expect(message).toContain("invalid_scope: not for you");
    expect(message).toContain("[secret]");
  });
});

describe("what passes", () => {
  test.each([
    ["a proxy's page", { status: 502, body: "<html>Bad gateway</html>" }, "unavailable"],
    ["a redirect", { status: 302, body: "" }, "unavailable"],
    ["an answer without a token", { status: 200, body: `{"access_token":7}` }, "unavailable"],
    [
      "a token that fits in no header",
      { status: 200, body: `{"access_token":"a b","expires_in":9}` },
      "unavailable",
    ],
    ["too many requests", { status: 429, body: "" }, "rate_limited"],
    [
      "Linear's rate limit",
      { status: 400, body: `{"errors":[{"message":"no","extensions":{"code":"RATELIMITED"}}]}` },
      "rate_limited",
    ],
  ])("%s is asked about again at once", async (_what, answer, kind) => {
    instead = () => Promise.resolve(answer);
    const linear = tracker();
    expect((await fault(linear.whoAmI(signal))).kind).toBe(kind);
    instead = null;
    await linear.whoAmI(signal);
    expect(tokens()).toBe(2);
  });

  test("a silent token endpoint: the deadline of a call ends it", async () => {
    world.faults.outage = "silent";
    const linear = createLinearTracker({
      apiUrl: world.url,
      installing: { lacks: [], kept: null },
      webhookSecrets: [],
      auth: { kind: "clientCredentials", clientId: new Secret("a"), clientSecret: new Secret("b") },
      clock,
      log,
      limits: { connectMs: 5_000, totalMs: 100 },
    });
    const asking = fault(linear.whoAmI(signal));
    await passUntilOver((ms) => clock.advance(ms), asking);
    expect((await asking).kind).toBe("unavailable");
  });
});

test("the token goes to this machine or over TLS only", () => {
  const auth = {
    kind: "clientCredentials",
    clientId: new Secret("a"),
    clientSecret: new Secret("b"),
  } as const;
  const open = {
    installing: { lacks: [], kept: null },
    webhookSecrets: [],
    auth,
    clock,
    log,
    limits: { connectMs: 1, totalMs: 1 },
  };
  expect(() => createLinearTracker({ ...open, apiUrl: "http://api.linear.app" })).toThrow("unencrypted");
});

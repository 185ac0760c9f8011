import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { issueId } from "../../src/factory/facts/ids.ts";
import { ExternalError } from "../../src/lib/external.ts";
import { arm, disarmAll } from "../../src/lib/failpoints.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { sealedVault } from "../../src/lib/secrets/vault.ts";
import { httpTransport } from "../../src/trackers/linear/client/transport.ts";
import type { Transport } from "../../src/trackers/linear/client/transport.ts";
import { createLinearTracker } from "../../src/trackers/linear/linear.ts";
import type { LinearTracker } from "../../src/trackers/linear/linear.ts";
import type { Installing } from "../../src/trackers/tracker.ts";
import { startLinearWorld } from "../../world/linear/world.ts";
import type { LinearWorld } from "../../world/linear/world.ts";
import { memoryVault } from "../memory-vault.ts";
import type { MemoryVault } from "../memory-vault.ts";
import { HandClock } from "../world/linear-support.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const REDIRECT = "http://127.0.0.1:8787/oauth/linear/callback";
const APPLICATION = { clientId: "client-id-0123456789", clientSecret: "client-secret-canary" };
const signal = new AbortController().signal;

let clock: HandClock;
let one: LinearWorld;
let two: LinearWorld;
let vault: MemoryVault;
/** Where each code and token is good, as Linear would know by itself. */
let home: Map<string, LinearWorld>;
let refreshes: number;
let relay: LinearTracker;

beforeEach(async () => {
  clock = new HandClock();
  const parts = { clock, randomness: systemRandomness, application: APPLICATION };
  one = await startLinearWorld(parts);
  two = await startLinearWorld({ ...parts, teams: { OPS: "Operations" } });
  for (const world of [one, two]) world.oauth.settings.clientCredentials = false;
  vault = memoryVault();
  home = new Map();
  refreshes = 0;
  relay = tracker();
});
afterEach(async () => {
  disarmAll();
  await one.close();
  await two.close();
});

// One Linear, two workspaces: each stand-in is one of them, and what it gave is sent back to it.
const transport: Transport = async (call) => {
  const form = new URLSearchParams(call.body);
  const shown =
    call.headers["authorization"]?.replace(/^Bearer /, "") ??
    form.get("code") ??
    form.get("refresh_token") ??
    "";
  const world = home.get(shown) ?? one;
  if (form.get("grant_type") === "refresh_token") refreshes += 1;
  const answer = await httpTransport({ clock, connectMs: 5_000 })({
    ...call,
    url: new URL(world.url + call.url.pathname),
  });
  for (const [, token = ""] of answer.body.matchAll(/"(?:access|refresh)_token":"([^"]+)"/g))
    home.set(token, world);
  return answer;
};

/** A relay's tracker on the vault as it is: another one is a restart. */
function tracker(key = "a", previous: string | null = null, writable = true): LinearTracker {
  const application = {
    clientId: new Secret(APPLICATION.clientId),
    clientSecret: new Secret(APPLICATION.clientSecret),
  };
  const keys = {
    current: new Secret(key.repeat(64)),
    previous: previous === null ? null : new Secret(previous.repeat(64)),
  };
  return createLinearTracker({
    apiUrl: one.url,
    webhookSecrets: [],
    auth: { kind: "clientCredentials", ...application },
    installing: {
      application,
      vault: sealedVault(writable ? vault : { list: (owner) => vault.list(owner) }, keys, systemRandomness),
      authorizeUrl: "https://linear.app/oauth/authorize",
      randomness: systemRandomness,
    },
    clock,
    log: silentLog,
    limits: { connectMs: 5_000, totalMs: 5_000 },
    transport,
  });
}

function installing(): Installing {
  if (relay.installing === null) throw new Error("it cannot be installed");
  return relay.installing;
}

/** What an admin's browser does: opens the address, approves, and is sent back with these parameters. */
async function approve(address: string, world: LinearWorld): Promise<{ state: string; code: string }> {
  const url = new URL(address);
  const answer = await fetch(`${world.url}${url.pathname}${url.search}`, { redirect: "manual" });
  const back = new URL(answer.headers.get("location") ?? "about:blank").searchParams;
  const [state, code] = [back.get("state") ?? "", back.get("code") ?? ""];
  home.set(code, world);
  return { state, code };
}

async function connect(world: LinearWorld) {
  const { state, code } = await approve(await installing().begin(REDIRECT, signal), world);
  return await installing().finish(state, code, signal);
}

async function fault(from: Promise<unknown>): Promise<ExternalError> {
  const thrown: unknown = await from.then(
    () => null,
    (error: unknown) => error,
  );
  if (!(thrown instanceof ExternalError)) throw new Error(`not an ExternalError: ${String(thrown)}`);
  return thrown;
}

const say = (workspace: string, session: string, key: string): Promise<void> =>
  relay.in(workspace).tell(session, key, { type: "thought", body: "Reading" }, signal);

function delegated(world: LinearWorld, team: string) {
  const { id } = world.createIssue({ team, title: "Fix the login" });
  return { id, session: world.delegate(id, "Ada Lovelace").id, workspace: world.installation.organizationId };
}

describe("a consent", () => {
  test("is asked for as Linear documents it, and asks again only for a further workspace", async () => {
    const url = new URL(await installing().begin(REDIRECT, signal));
    expect(url.origin + url.pathname).toBe("https://linear.app/oauth/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: APPLICATION.clientId,
      redirect_uri: REDIRECT,
      response_type: "code",
      scope: "read,write,app:assignable,app:mentionable",
      state: expect.stringMatching(/^[\w-]{43}$/),
      actor: "app",
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: "S256",
    });
    await connect(one);
    expect(new URL(await installing().begin(REDIRECT, signal)).searchParams.get("prompt")).toBe("consent");
  });

  test("makes the relay the app of that workspace, and keeps no token in the clear", async () => {
    const us = await connect(one);
    expect(us).toMatchObject({
      id: one.installation.appUserId,
      workspace: one.installation.organizationId,
      inert: null,
    });
    const { session, workspace } = delegated(one, "APP");
    await say(workspace, session, "k1");
    expect(one.activities(session).map(({ userId }) => userId)).toEqual([us.id]);
    const kept = vault
      .rows()
      .map((bytes) => Buffer.from(bytes).toString("latin1"))
      .join();
    for (const secret of [...home.keys(), APPLICATION.clientSecret]) expect(kept).not.toContain(secret);
  });

  test("survives a restart before the person comes back, and after", async () => {
    const address = await installing().begin(REDIRECT, signal);
    relay = tracker();
    const { state, code } = await approve(address, one);
    await installing().finish(state, code, signal);
    relay = tracker();
    expect(await relay.whoAmI(signal)).toMatchObject([{ id: one.installation.appUserId, inert: null }]);
  });

  test("is good for one return; a state that is forged, used, or late is refused, and nothing is kept", async () => {
    const { state, code } = await approve(await installing().begin(REDIRECT, signal), one);
    const both = await Promise.allSettled([1, 2].map(() => installing().finish(state, code, signal)));
    expect(both.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const before = vault.rows().length;
    const late = await approve(await installing().begin(REDIRECT, signal), two);
    clock.advance(15 * 60_000);
    for (const attempt of [{ state, code }, { state: "x".repeat(43), code }, late]) {
      const thrown = await fault(installing().finish(attempt.state, attempt.code, signal));
      expect([thrown.kind, thrown.message]).toEqual(["refused", expect.stringContaining("linear connect")]);
    }
    expect(vault.rows()).toHaveLength(before);
    expect(await relay.whoAmI(signal)).toHaveLength(1);
  });

  test("that a person declined is ended", async () => {
    const address = await installing().begin(REDIRECT, signal);
    const { state, code } = await approve(address, one);
    await installing().decline(state);
    expect((await fault(installing().finish(state, code, signal))).kind).toBe("refused");
    expect((await fault(installing().decline(state))).kind).toBe("refused");
  });

  test("changed on its way to make us a person is refused", async () => {
    const address = (await installing().begin(REDIRECT, signal)).replace("actor=app", "actor=user");
    const { state, code } = await approve(address, one);
    const thrown = await fault(installing().finish(state, code, signal));
    expect([thrown.kind, thrown.message]).toEqual(["refused", expect.stringContaining("a person")]);
    expect(vault.rows()).toEqual([]);
  });

  test("for less than we need says what is missing", async () => {
    const address = (await installing().begin(REDIRECT, signal)).replace("%2Capp%3Aassignable", "");
    const { state, code } = await approve(address, one);
    await installing().finish(state, code, signal);
    const [us] = await relay.whoAmI(signal);
    expect(us?.inert?.why).toContain("lacks app:assignable");
    expect(us?.inert?.remedy).toContain("linear connect");
  });

  test("that the process died over can be begun again", async () => {
    const first = await approve(await installing().begin(REDIRECT, signal), one);
    arm("linear.exchanged", { kind: "throw" });
    await expect(installing().finish(first.state, first.code, signal)).rejects.toThrow("linear.exchanged");
    disarmAll();
    relay = tracker();
    expect((await fault(installing().finish(first.state, first.code, signal))).kind).toBe("refused");
    expect(await connect(one)).toMatchObject({ inert: null });
  });

  test("never fills the vault: at most twenty are open", async () => {
    for (let count = 0; count < 30; count += 1) {
      clock.advance(1);
      await installing().begin(REDIRECT, signal);
    }
    expect(vault.rows()).toHaveLength(20);
  });
});

describe("the tokens of an installation", () => {
  test("are refreshed ahead of their end, once for all who call, and both are kept", async () => {
    await connect(one);
    const { session, workspace } = delegated(one, "APP");
    clock.advance(DAY_MS - HOUR_MS);
    await Promise.all(Array.from({ length: 10 }, (_, index) => say(workspace, session, `k${index}`)));
    expect(refreshes).toBe(1);
    relay = tracker();
    await say(workspace, session, "again");
    expect(refreshes).toBe(1);
    for (let day = 0; day < 3; day += 1) {
      clock.advance(DAY_MS);
      relay = tracker();
      await say(workspace, session, `day ${day}`);
    }
    expect([refreshes, one.activities(session).length]).toEqual([4, 14]);
  });

  test("are refreshed when Linear takes the old one no more", async () => {
    await connect(one);
    const { session, workspace } = delegated(one, "APP");
    await say(workspace, session, "k1");
    one.oauth.expireTokens();
    await say(workspace, session, "k2");
    expect([refreshes, one.activities(session).length]).toEqual([1, 2]);
  });

  test("are not lost when the process dies between Linear's answer and the disk", async () => {
    await connect(one);
    const { session, workspace } = delegated(one, "APP");
    clock.advance(DAY_MS);
    arm("linear.refreshed", { kind: "throw" });
    await expect(say(workspace, session, "k1")).rejects.toThrow("linear.refreshed");
    disarmAll();
    relay = tracker();
    clock.advance(29 * 60_000);
    await say(workspace, session, "k2");
    expect(one.activities(session)).toHaveLength(1);
  });

  test("are not lost when the disk takes nothing for a while", async () => {
    await connect(one);
    const { session, workspace } = delegated(one, "APP");
    clock.advance(DAY_MS);
    vault.full = true;
    await expect(say(workspace, session, "k1")).rejects.toThrow("no space");
    vault.full = false;
    clock.advance(60_000);
    await say(workspace, session, "k2");
    relay = tracker();
    await say(workspace, session, "k3");
    expect(one.activities(session)).toHaveLength(2);
  });

  test("are never renewed by a process that only reads: it would use up the token of the one that runs", async () => {
    await connect(one);
    clock.advance(DAY_MS - HOUR_MS / 2);
    relay = tracker("a", null, false);
    expect((await relay.whoAmI(signal))[0]?.inert).toBeNull();
    clock.advance(HOUR_MS);
    expect((await relay.whoAmI(signal))[0]?.inert?.why).toContain("only the running relay");
    expect(refreshes).toBe(0);
    relay = tracker("b", "a", false);
    expect((await relay.whoAmI(signal))[0]?.inert?.why).toContain("only the running relay");
    relay = tracker();
    expect((await relay.whoAmI(signal))[0]?.inert).toBeNull();
    expect(refreshes).toBe(1);
  });

  test("can be read after the key was rotated, and without their key the workspace says so", async () => {
    await connect(one);
    relay = tracker("b");
    expect((await relay.whoAmI(signal))[0]?.inert?.remedy).toContain("PATCHRELAY_ENCRYPTION_KEY_PREVIOUS");
    const workspace = one.installation.organizationId;
    expect((await fault(relay.in(workspace).readTicket(issueId("linear", "i"), signal))).kind).toBe(
      "unauthorized",
    );
    relay = tracker("b", "a");
    expect((await relay.whoAmI(signal))[0]?.inert).toBeNull();
    relay = tracker("b");
    expect((await relay.whoAmI(signal))[0]?.inert).toBeNull();
  });
});

describe("an installation that has ended", () => {
  test("says so with the remedy, lets nothing be written, and goes on once it is connected again", async () => {
    await connect(one);
    const { session, workspace } = delegated(one, "APP");
    await say(workspace, session, "k1");
    one.oauth.uninstall();
    const [us] = await relay.whoAmI(signal);
    expect(us?.inert?.why).toContain("linear connect");
    expect(us?.inert?.remedy).toContain("kept");
    expect((await fault(say(workspace, session, "k2"))).kind).toBe("unauthorized");
    const asked = refreshes;
    for (let call = 0; call < 5; call += 1) await fault(say(workspace, session, "k2"));
    expect(refreshes).toBe(asked);
    await connect(one);
    await say(workspace, session, "k2");
    expect(one.activities(session)).toHaveLength(2);
  });
});

describe("an application without agent session events", () => {
  test("shows by its first delegation, with the remedy, and no more once a session was opened", async () => {
    one.setAgentSessionEvents(false);
    await connect(one);
    const { id } = one.createIssue({ team: "APP", title: "Fix the login" });
    expect(() => one.delegate(id, "Ada Lovelace")).toThrow("has no session of issue");
    const { organizationId } = one.installation;
    const read = () => relay.in(organizationId).readTicket(issueId("linear", id), signal);
    await read();
    expect((await relay.whoAmI(signal))[0]?.inert).toBeNull();
    clock.advance(61_000);
    await read();
    const inert = (await relay.whoAmI(signal))[0]?.inert;
    expect([inert?.why, inert?.remedy]).toEqual([
      expect.stringMatching(/^APP-1 was delegated .* agent session events are off$/),
      expect.stringContaining("Agent session events"),
    ]);
    one.setAgentSessionEvents(true);
    await connect(one);
    const next = delegated(one, "APP");
    await relay.in(organizationId).readTicket(issueId("linear", next.id), signal);
    expect((await relay.whoAmI(signal))[0]?.inert).toBeNull();
  });
});

describe("where Linear no longer lists the sessions of an issue", () => {
  test("those that are known are read one by one, and the list is tried again after an hour", async () => {
    await connect(one);
    const { id, session, workspace } = delegated(one, "APP");
    one.prompt(session, "with tests, please", "Ada Lovelace");
    const read = async () => {
      const reading = await relay
        .in(workspace)
        .readTicket(issueId("linear", id), signal, { sessions: [session, "gone"] });
      if (reading.kind !== "ticket_read") throw new Error(`not a reading: ${reading.kind}`);
      // Time passes here, and what says nothing goes stale.
      return { ...reading, at: 0, sessions: reading.sessions.map((each) => ({ ...each, staleAt: null })) };
    };
    const whole = await read();
    expect(whole.prompts.map(({ text }) => text)).toEqual(["with tests, please"]);
    one.withheld.add("Issue.agentSessions");
    expect(await read()).toEqual(whole);
    const calls = one.calls.length;
    await read();
    // The field is not asked for in vain each time.
    expect(one.calls.slice(calls).map(({ error }) => error)).toEqual([null, null, "INPUT_ERROR"]);
    // One that nobody knew of is not found then, and not taken for one that Linear never opened.
    clock.advance(61_000);
    await relay.in(workspace).readTicket(issueId("linear", id), signal);
    expect((await relay.whoAmI(signal))[0]?.inert).toBeNull();
    one.withheld.clear();
    clock.advance(HOUR_MS);
    const before = one.calls.length;
    expect(await read()).toEqual(whole);
    expect(one.calls).toHaveLength(before + 1);
  });
});

describe("several workspaces", () => {
  test("are each read, written and searched with their own tokens", async () => {
    await connect(one);
    await connect(two);
    const [here, there] = [delegated(one, "APP"), delegated(two, "OPS")];
    await say(here.workspace, here.session, "k1");
    await say(there.workspace, there.session, "k1");
    expect([one.activities(here.session).length, two.activities(there.session).length]).toEqual([1, 1]);
    const identities = await relay.whoAmI(signal);
    expect(new Set(identities.map(({ workspace }) => workspace))).toEqual(
      new Set([here.workspace, there.workspace]),
    );
    expect(await found()).toEqual(
      new Set([here, there].map(({ id, workspace }) => `linear:${id} ${workspace}`)),
    );
    const reading = await relay.in(there.workspace).readTicket(issueId("linear", there.id), signal);
    expect(reading).toMatchObject({ kind: "ticket_read", core: { workspace: there.workspace } });
    expect((await fault(relay.in(null).readTicket(issueId("linear", there.id), signal))).kind).toBe(
      "unauthorized",
    );
  });

  test("do not stop one another, and what one missed is looked for when it is back", async () => {
    await connect(one);
    await connect(two);
    const started = clock.now();
    const [here, there] = [delegated(one, "APP"), delegated(two, "OPS")];
    two.oauth.uninstall();
    expect(await found()).toEqual(new Set([`linear:${here.id} ${here.workspace}`]));
    const identities = await relay.whoAmI(signal);
    expect(identities.filter(({ inert }) => inert !== null).map(({ workspace }) => workspace)).toEqual([
      two.installation.organizationId,
    ]);
    clock.advance(3 * DAY_MS);
    relay = tracker();
    await connect(two);
    expect(await found(started + 2 * DAY_MS)).toContain(`linear:${there.id} ${there.workspace}`);
    expect(await found(started + 2 * DAY_MS)).not.toContain(`linear:${there.id} ${there.workspace}`);
  });
});

/** Everything that a whole search finds. */
async function found(since = 0): Promise<ReadonlySet<string>> {
  const all = new Set<string>();
  let rest: string | null = null;
  do {
    const part = await relay.discover(since, rest, signal);
    for (const { issue, workspace } of part.issues) all.add(`${issue} ${workspace}`);
    ({ rest } = part);
  } while (rest !== null);
  return all;
}

import { afterEach, beforeEach, expect, test } from "vitest";
import type { StandIns } from "../../src/demo/stand-ins.ts";
import type { Testbed } from "../../src/demo/testbed.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import type { Relay } from "../../src/relay.ts";
import { cli, json } from "./fake-host.ts";
import { linearReady, linearTestbed } from "./linear-testbed.ts";

let testbed: Testbed;
let standIns: StandIns;
let env: Record<string, string>;

beforeEach(async () => {
  testbed = await linearTestbed("connect");
  ({ standIns } = testbed);
  env = { ...standIns.credentials, PATCHRELAY_ENCRYPTION_KEY: "ab".repeat(32) };
  standIns.linear.oauth.settings.clientCredentials = false;
});
afterEach(() => testbed.close());

const start = (): Promise<Relay> => testbed.start({ clock: systemClock, log: silentLog, env });

const run = (...args: readonly string[]) =>
  cli([...args, "--config", testbed.configFile], { cwd: testbed.dir, env });

test("from an application to a connected workspace, and on after a restart", async () => {
  const relay = await start();
  const { url } = relay;
  const before = await linearReady(url);
  expect([before.ok, before.detail]).toEqual([false, expect.stringContaining("patchrelay linear connect")]);

  const callbackUrl = `${url}/oauth/linear/callback`;
  standIns.linear.oauth.settings.redirectUris = [callbackUrl];
  const asked = await run("linear", "connect", "--json");
  expect(asked.code).toBe(0);
  const told = json<{ authorizeUrl: string; callbackUrl: string }>(asked.out);
  expect(told.callbackUrl).toBe(callbackUrl);
  // The admin's browser: to Linear, which approves, and back to the relay.
  const page = await fetch(told.authorizeUrl);
  expect([page.status, page.url.startsWith(callbackUrl)]).toEqual([200, true]);
  expect(await page.text()).toContain("Linear is connected");
  expect(await linearReady(url, ({ ok }) => ok)).toMatchObject({
    detail: "signed in as Patchrelay in Example",
  });

  const again = await fetch(page.url);
  expect([again.status, await again.text()]).toEqual([400, expect.stringContaining("used already")]);

  await relay.stop();
  const restarted = await start();
  expect(await linearReady(restarted.url, ({ ok }) => ok)).toMatchObject({ ok: true });
});

test("doctor and sync use what was connected, and change nothing of it", async () => {
  const { url } = await start();
  standIns.linear.oauth.settings.redirectUris = [`${url}/oauth/linear/callback`];
  const { authorizeUrl } = json<{ authorizeUrl: string }>((await run("linear", "connect", "--json")).out);
  await fetch(authorizeUrl);
  const { findings } = json<{ findings: { check: string; state: string; says: string }[] }>(
    (await run("doctor", "--json")).out,
  );
  expect(findings.filter(({ check }) => check.startsWith("Linear"))).toMatchObject([
    { check: "Linear", state: "ok", says: "signed in as Patchrelay in Example" },
    { check: "Linear teams", state: "ok", says: "APP" },
  ]);
  const listed = await run("linear", "sync");
  expect(listed.code).toBe(0);
  expect(listed.out).toMatchInlineSnapshot(`
    "Workspace Example
      Team APP (App)
        statuses: Triage (triage), Backlog (backlog), Todo (unstarted), In Progress (started), In Review (started), Done (completed), Canceled (canceled), Duplicate (duplicate)
    "
  `);
  const { items } = json<{ items: { name: string; teams: { key: string }[] }[] }>(
    (await run("linear", "sync", "--json")).out,
  );
  expect(items.map(({ name, teams }) => [name, teams.map(({ key }) => key)])).toEqual([["Example", ["APP"]]]);
});

test("without the key nothing asks for another kind of token, which would end the installation's", async () => {
  const relay = await start();
  const { oauth } = standIns.linear;
  oauth.settings.redirectUris = [`${relay.url}/oauth/linear/callback`];
  const { authorizeUrl } = json<{ authorizeUrl: string }>((await run("linear", "connect", "--json")).out);
  await fetch(authorizeUrl);
  oauth.settings.clientCredentials = true;
  const { PATCHRELAY_ENCRYPTION_KEY: key = "" } = env;
  delete env["PATCHRELAY_ENCRYPTION_KEY"];
  for (const words of [["doctor"], ["linear", "sync"]]) {
    const { code, out, err } = await run(...words);
    expect([code, `${out}${err}`]).toEqual([
      1,
      expect.stringContaining("set PATCHRELAY_ENCRYPTION_KEY to that key"),
    ]);
  }
  await relay.stop();
  const unkeyed = await start();
  expect(await linearReady(unkeyed.url)).toMatchObject({
    ok: false,
    detail: expect.stringContaining("a key that is not set here") as string,
  });
  await unkeyed.stop();
  env["PATCHRELAY_ENCRYPTION_KEY"] = key;
  const keyed = await start();
  expect(await linearReady(keyed.url)).toMatchObject({
    ok: true,
    detail: "signed in as Patchrelay in Example",
  });
});

test("without a key to encrypt with, and without a relay, connect says what to do", async () => {
  const down = await run("linear", "connect");
  expect([down.code, down.err]).toEqual([4, expect.stringContaining("patchrelay serve")]);
  delete env["PATCHRELAY_ENCRYPTION_KEY"];
  await start();
  const refused = await run("linear", "connect");
  expect([refused.code, refused.err]).toEqual([
    1,
    expect.stringMatching(/without PATCHRELAY_ENCRYPTION_KEY, .*openssl rand -hex 32/),
  ]);
});

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readConfigured, startConfigured } from "../../src/demo/configured-relay.ts";
import { startStandIns, type StandIns } from "../../src/demo/stand-ins.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import type { Relay } from "../../src/relay.ts";
import { cli, json } from "./fake-host.ts";

let dir: string;
let standIns: StandIns;
let config: string;
let env: Record<string, string>;
let relay: Relay | null;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "patchrelay-connect-"));
  standIns = await startStandIns(dir, { clock: systemClock, people: ["Ada"] });
  await standIns.github.createRepository({
    name: "example/app",
    files: { "README.md": "# App\n" },
    people: {},
  });
  await writeFile(join(dir, "agent.json"), JSON.stringify({ rules: [] }));
  config = join(dir, "patchrelay.json");
  await writeFile(
    config,
    JSON.stringify({
      dataDir: "data",
      http: { port: 0 },
      ...standIns.addresses,
      agent: { default: "scripted", scripted: { file: "agent.json" } },
      storage: { minFreeMiB: 0, stopRunsBelowMiB: 0 },
      projects: [{ id: "app", linear: { teams: ["APP"] }, repository: { name: "example/app" } }],
    }),
  );
  env = { ...standIns.credentials, PATCHRELAY_ENCRYPTION_KEY: "ab".repeat(32) };
  standIns.linear.oauth.settings.clientCredentials = false;
  relay = null;
});
afterEach(async () => {
  await relay?.stop();
  await standIns.close();
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
});

async function start(): Promise<Relay> {
  const more = { clock: systemClock, log: silentLog, version: "0.0.0", pid: process.pid };
  relay = await startConfigured(readConfigured(config, env), more);
  await writeFile(join(dir, "data", "relay.url"), `${relay.url}\n`);
  return relay;
}

interface Ready {
  readonly parts: { readonly linear: { readonly ok: boolean; readonly detail: string } };
}

async function linearPart(url: string, until: (part: Ready["parts"]["linear"]) => boolean) {
  for (;;) {
    const { parts } = (await (await fetch(`${url}/ready`)).json()) as Ready;
    if (until(parts.linear)) return parts.linear;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const run = (...args: readonly string[]) => cli([...args, "--config", config], { cwd: dir, env });

test("from an application to a connected workspace, and on after a restart", async () => {
  const { url } = await start();
  const before = await linearPart(url, ({ detail }) => detail !== "not checked yet");
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
  expect(await linearPart(url, ({ ok }) => ok)).toMatchObject({
    detail: "signed in as Patchrelay in Example",
  });

  const again = await fetch(page.url);
  expect([again.status, await again.text()]).toEqual([400, expect.stringContaining("used already")]);

  await relay?.stop();
  const restarted = await start();
  expect(await linearPart(restarted.url, ({ ok }) => ok)).toMatchObject({ ok: true });
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

import { afterEach, beforeEach, expect, test } from "vitest";
import type { StandIns } from "../../src/demo/stand-ins.ts";
import type { Testbed } from "../../src/demo/testbed.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import type { Relay } from "../../src/relay.ts";
import { cli, json } from "./fake-host.ts";
import { linearReady, linearTestbed } from "./linear-testbed.ts";

const PROJECTS = [{ id: "app", linear: { teams: ["APP"] }, repository: { name: "example/app" } }];
const SAYS =
  'signed in as Ada in Example; quick mode: acts as Ada; work starts by the label "patchrelay" (there is no such label yet: make it in Linear), or by a comment that begins with "@patchrelay". It lacks delegation, agent sessions and a stop button, and Linear notifies Ada of nothing that is written in that name';
const WHY = "the key belongs to a person (Ada), and news for it comes by looking for it, which is off";
const REMEDY = 'set "webhooks" to "off", or sign in as an application';

let testbed: Testbed;
let standIns: StandIns;

beforeEach(async () => {
  testbed = await linearTestbed("identity");
  ({ standIns } = testbed);
});
afterEach(() => testbed.close());

function withKey(key: string): Record<string, string> {
  const { LINEAR_OAUTH_CLIENT_ID: _id, LINEAR_OAUTH_CLIENT_SECRET: _secret, ...rest } = standIns.credentials;
  return { ...rest, LINEAR_API_KEY: key };
}

interface Told {
  readonly findings: readonly { check: string; state: string; says: string; todo: string | null }[];
}

async function linearFinding(env: Record<string, string>): Promise<{ code: number; finding: unknown }> {
  const { code, out } = await cli(["doctor", "--config", testbed.configFile, "--json"], {
    cwd: testbed.dir,
    env,
  });
  return { code, finding: json<Told>(out).findings.find(({ check }) => check === "Linear") };
}

const start = (env: Record<string, string>): Promise<Relay> =>
  testbed.start({ clock: systemClock, log: silentLog, env });

test("with a person's key doctor says that it is quick mode, what starts work and what is lacking", async () => {
  await testbed.configure({ webhooks: "off", projects: PROJECTS });
  const { finding } = await linearFinding(withKey(standIns.linear.apiKey));
  expect(finding).toEqual({ check: "Linear", state: "ok", says: SAYS, todo: null });
});

test("where webhooks are on a person's key is a failure of doctor, with the way out", async () => {
  const { code, finding } = await linearFinding(withKey(standIns.linear.apiKey));
  expect(code).toBe(1);
  expect(finding).toEqual({ check: "Linear", state: "fail", says: WHY, todo: REMEDY });
});

test("an application's token in place of the key, and client credentials beside a person's key, are fine", async () => {
  const fine = { check: "Linear", state: "ok", says: "signed in as Patchrelay in Example", todo: null };
  expect((await linearFinding(withKey(standIns.linear.accessToken))).finding).toEqual(fine);
  const both = { ...standIns.credentials, LINEAR_API_KEY: standIns.linear.apiKey };
  expect((await linearFinding(both)).finding).toEqual(fine);
});

test("client credentials that are not enabled are a failure of doctor that says where to enable them", async () => {
  standIns.linear.oauth.settings.clientCredentials = false;
  const { code, finding } = await linearFinding({ ...standIns.credentials });
  expect(code).toBe(1);
  expect(finding).toMatchObject({ state: "fail", says: expect.stringContaining("turn them on") as string });
});

test("/ready and status say that it is quick mode, and why it is not ready", async () => {
  await testbed.configure({ webhooks: "off", projects: PROJECTS });
  const { url } = await start(withKey(standIns.linear.apiKey));
  expect(await linearReady(url)).toMatchObject({ ok: true, detail: SAYS });
  const { out } = await cli(["status", "--config", testbed.configFile], { cwd: testbed.dir });
  expect(out.replaceAll(/\s+/g, " ")).toContain("quick mode: acts as Ada");
});

test("/ready says what to set where webhooks are on", async () => {
  const { url } = await start(withKey(standIns.linear.apiKey));
  expect(await linearReady(url)).toEqual({ ready: false, ok: false, detail: `${WHY}; ${REMEDY}` });
});

test("/ready says who the application is", async () => {
  const { url } = await start({ ...standIns.credentials });
  expect(await linearReady(url)).toMatchObject({ ok: true, detail: "signed in as Patchrelay in Example" });
});

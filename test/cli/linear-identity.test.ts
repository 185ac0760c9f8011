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

const REMEDY =
  "create an OAuth application, enable client credentials, set LINEAR_OAUTH_CLIENT_ID and LINEAR_OAUTH_CLIENT_SECRET";
const WHY =
  "this key belongs to a person (Ada): Linear lets only apps be delegates and have agent sessions, so nothing will start";

let dir: string;
let standIns: StandIns;
let config: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "patchrelay-identity-"));
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
      projects: [{ id: "app", repository: { name: "example/app" } }],
    }),
  );
});
afterEach(async () => {
  await standIns.close();
  await rm(dir, { recursive: true, force: true, maxRetries: 3 });
});

function withKey(key: string): Record<string, string> {
  const { LINEAR_OAUTH_CLIENT_ID: _id, LINEAR_OAUTH_CLIENT_SECRET: _secret, ...rest } = standIns.credentials;
  return { ...rest, LINEAR_API_KEY: key };
}

interface Told {
  readonly findings: readonly { check: string; state: string; says: string; todo: string | null }[];
}

async function linearFinding(env: Record<string, string>): Promise<{ code: number; finding: unknown }> {
  const { code, out } = await cli(["doctor", "--config", config, "--json"], { cwd: dir, env });
  return { code, finding: json<Told>(out).findings.find(({ check }) => check === "Linear") };
}

async function started(env: Record<string, string>, look: (relay: Relay) => Promise<void>): Promise<void> {
  const more = { clock: systemClock, log: silentLog, version: "0.0.0", pid: process.pid };
  const relay = await startConfigured(readConfigured(config, env), more);
  try {
    await writeFile(join(dir, "data", "relay.url"), `${relay.url}\n`);
    await look(relay);
  } finally {
    await relay.stop();
  }
}

/** The linear part of /ready once Linear has answered. */
async function linearPart(relay: Relay): Promise<{ ready: boolean; ok: boolean; detail: string }> {
  for (;;) {
    const answer = await fetch(`${relay.url}/ready`);
    const { ready, parts } = (await answer.json()) as {
      ready: boolean;
      parts: Record<string, { ok: boolean; detail: string; ageMs: number | null }>;
    };
    const { ok = false, detail = "", ageMs = null } = parts["linear"] ?? {};
    if (ageMs !== null) return { ready, ok, detail };
  }
}

test("a person's key is a failure of doctor, with the way out", async () => {
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

test("/ready and status say that a person's key starts nothing", async () => {
  await started(withKey(standIns.linear.apiKey), async (relay) => {
    expect(await linearPart(relay)).toEqual({ ready: false, ok: false, detail: `${WHY}; ${REMEDY}` });
    const { out } = await cli(["status", "--config", config], { cwd: dir });
    expect(out).toContain("up, not ready");
    expect(out.replaceAll(/\s+/g, " ")).toContain("this key belongs to a person (Ada)");
  });
});

test("/ready says who the application is", async () => {
  await started({ ...standIns.credentials }, async (relay) => {
    expect(await linearPart(relay)).toMatchObject({ ok: true, detail: "signed in as Patchrelay in Example" });
  });
});

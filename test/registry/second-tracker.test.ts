import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeRelayFolder, type RelayFolder } from "../../src/demo/testbed.ts";
import type { PlaceInList } from "../../src/engines/engine.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { REGISTRY } from "../../src/registry.ts";
import type { Registry, TrackerRow } from "../../src/registry.ts";
import type { Relay } from "../../src/relay.ts";
import { loadSettings } from "../../src/settings/load/load.ts";
import type { Settings } from "../../src/settings/settings.ts";
import { SOURCE_SETTINGS } from "../../src/settings/sources/sources.ts";
import { discoverAt, madeTrackerOf } from "../../src/sources.ts";
import { cli, json } from "../cli/fake-host.ts";
import { NOBODY } from "../nobody.ts";
import { createPretendTracker, PRETEND_WORKSPACE, signatureOf } from "./pretend-tracker.ts";
import type { PretendTracker } from "./pretend-tracker.ts";
import { PRETEND } from "./pretend-settings.ts";
import type { PretendSettings } from "./pretend-settings.ts";

// What a tracker costs: its folder (pretend-tracker.ts), its settings (pretend-settings.ts) and the row below. Everything
// that is asked here of the relay and of the command line is asked of src/ as it is.

let made: PretendTracker | null = null;

const row: TrackerRow = {
  kind: "tracker",
  label: "Pretend",
  settings: async () => PRETEND,
  webhookBytes: (settings) => (settings as Settings & { pretend: PretendSettings }).pretend.bodyBytes,
  signInHint: "check the pretend key",
  make: async ({ credentials }) => {
    const { PRETEND_WEBHOOK_SECRET: secret = null } = credentials as Record<
      string,
      typeof credentials.GITHUB_TOKEN
    >;
    return (made = createPretendTracker(secret));
  },
  installs: true,
  workspaces: async () => [PRETEND_WORKSPACE],
  statusName: () => null,
};

const registry: Registry = { ...REGISTRY, sources: { ...REGISTRY.sources, pretend: row } };

const SECRET = "pretend-secret-canary";
const ENV = {
  ...NOBODY.credentials,
  PRETEND_WEBHOOK_SECRET: SECRET,
  PRETEND_KEY: "pretend-key",
};

let folder: RelayFolder;
let relay: Relay;

beforeAll(async () => {
  // The other sources cannot be reached, and that is no matter here.
  folder = await makeRelayFolder("registry", NOBODY);
  await folder.configure({
    pretend: { bodyKiB: 2 },
    projects: [
      { id: "app", linear: { teams: ["APP"] }, pretend: { boards: ["B1"] }, repository: { name: "a/b" } },
    ],
  });
  const sources = { ...SOURCE_SETTINGS, pretend: PRETEND };
  relay = await folder.start({ clock: systemClock, log: silentLog, registry, sources, env: ENV });
});

afterAll(() => folder.close());

async function post(body: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return await fetch(`${relay.url}/webhooks/pretend`, {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      "pretend-signature": signatureOf(body, SECRET),
      ...headers,
    },
  });
}

async function told<T>(path: string): Promise<T> {
  return (await (await fetch(`${relay.url}${path}`)).json()) as T;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

describe("a second tracker", () => {
  test("gets its webhooks at its own path, verified by itself and within its own limit", async () => {
    const forged = await post('{"issue":"0"}', { "pretend-signature": "x" });
    expect(forged.status).toBe(401);
    expect((await post(`"${"x".repeat(2_046)}"`, { "pretend-delivery": "at-limit" })).status).toBe(200);
    const large = await post(`"${"x".repeat(2_047)}"`, { "pretend-delivery": "beyond" });
    expect(large.status).toBe(413);
    expect(await large.text()).toContain("2048");
    const nobody = await fetch(`${relay.url}/webhooks/nobody`, { method: "POST" });
    expect(await nobody.text()).toContain("/webhooks/linear and /webhooks/github and /webhooks/pretend");
  });

  test("has its deliveries interpreted by itself, and its issues read where they are", async () => {
    expect((await post('{"issue":"7"}', { "pretend-delivery": "d-7" })).status).toBe(200);
    const id = issueId("pretend", "7");
    await until(() => made?.reads.includes(id) === true);
    const { items } = await told<{ items: Record<string, unknown>[] }>("/api/deliveries?source=pretend");
    expect(items.find(({ deliveryId }) => deliveryId === "d-7")).toMatchObject({
      state: "applied",
      action: "for Relay",
      issues: [id],
    });
  });

  test("is a part of /ready, with the last use of its previous secret", async () => {
    const { parts, previousSecrets } = await told<{
      parts: Record<string, { ok: boolean; detail: string }>;
      previousSecrets: Record<string, string | null>;
    }>("/ready");
    expect(parts["pretend"]).toMatchObject({ ok: true, detail: "signed in as Relay in Pretend" });
    expect(Object.keys(parts)).toEqual(expect.arrayContaining(["database", "linear", "github"]));
    expect(previousSecrets).toMatchObject({
      linear: null,
      github: null,
      pretend: "2026-01-02T00:00:00.000Z",
    });
  });

  test("is counted, described and shown under its own name", async () => {
    const metrics = await (await fetch(`${relay.url}/metrics`)).text();
    expect(metrics).toMatch(/patchrelay_deliveries_total\{source="pretend",outcome="accepted"\} [1-9]/);
    expect(metrics).toContain(
      'patchrelay_deliveries_refused_total{source="pretend",reason="bad_signature"} 1',
    );
    const openapi = await told<{
      paths: Record<string, { post?: { summary: string } }>;
      components: { schemas: { Ready: { properties: { parts: { required: string[] } } } } };
    }>("/openapi.json");
    expect(openapi.paths["/webhooks/pretend"]?.post?.summary).toContain("Pretend");
    expect(openapi.components.schemas.Ready.properties.parts.required).toContain("pretend");
    expect((await fetch(`${relay.url}/oauth/github/start`)).status).toBe(404);
  });

  test("is installed and looked into with commands called after it, which go with its row", async () => {
    const run = (line: string, given: object = { registry }) =>
      cli([...line.split(" "), "--config", folder.configFile], { cwd: folder.dir, env: ENV, ...given });
    const { out: help } = await run("--help");
    expect(help).toContain("pretend connect  Install the relay in a Pretend workspace");
    expect(help).toContain("linear connect ");
    const connected = await run("pretend connect --json");
    const { authorizeUrl, callbackUrl } = json<Record<"authorizeUrl" | "callbackUrl", string>>(connected.out);
    expect(callbackUrl).toBe(`${relay.url}/oauth/pretend/callback`);
    expect(await (await fetch(authorizeUrl)).text()).toContain("Pretend is connected");
    expect((await run("pretend sync")).out).toBe(
      [
        "Workspace Pretend",
        "  Team B1 (Board one)",
        "    statuses: Doing (started)",
        "  Labels of all teams: urgent",
        "",
      ].join("\n"),
    );
    const { installs: _installs, ...uninstallable } = row;
    const less = { ...registry, sources: { ...registry.sources, pretend: uninstallable } };
    expect((await run("pretend connect", { registry: less })).err).toContain("`patchrelay pretend sync`");
    expect((await run("pretend sync", {})).err).toContain('unknown command "pretend"');
  });

  test("is checked by doctor and by config check, and serve asks for its credentials", async () => {
    const { dir, configFile: file } = folder;
    const given = { cwd: dir, env: ENV, registry };
    const { out } = await cli(["doctor", "--json", "--config", file], given);
    const { findings } = json<{ findings: { check: string; state: string; says: string }[] }>(out);
    expect(findings).toContainEqual(
      expect.objectContaining({ check: "Pretend", state: "ok", says: "signed in as Relay in Pretend" }),
    );
    expect(findings.find(({ check }) => check === "public URL")?.says).toContain("/webhooks/pretend");
    const checked = await cli(["config", "check", "--json", "--config", file], given);
    const { projects } = json<{ projects: unknown[] }>(checked.out);
    expect(projects).toEqual([
      expect.objectContaining({ linear: expect.anything() as unknown, pretend: { boards: ["B1"] } }),
    ]);
    const { PRETEND_WEBHOOK_SECRET: _secret, PRETEND_KEY: _key, ...rest } = ENV;
    const lacking = await cli(["serve", "--config", file], { ...given, env: rest });
    expect(lacking.err).toContain("PRETEND_WEBHOOK_SECRET is missing: it verifies its webhooks");
    expect(lacking.err).toContain("PRETEND_KEY is missing: it signs the relay in at Pretend");
    // Without the row nobody knows its keys.
    const without = await cli(["config", "check", "--config", file], { cwd: dir, env: ENV });
    expect([without.code, without.err]).toEqual([1, expect.stringContaining("pretend")]);
  });

  test("is warned about in its own words", () => {
    const config = { projects: [], pretend: { bodyKiB: 64 } };
    const loaded = loadSettings(
      { configFlag: "/c.json", env: {}, cwd: "/", readFile: () => JSON.stringify(config) },
      { ...SOURCE_SETTINGS, pretend: PRETEND },
    );
    expect(loaded.ok && loaded.warnings.map(({ path }) => path)).toContain("pretend.bodyKiB");
  });
});

describe("of several trackers", () => {
  const answers = (rests: readonly (string | null)[]) => {
    const asked: (string | null)[] = [];
    const discover: PretendTracker["discover"] = async (_since, rest) => {
      asked.push(rest);
      return { issues: [], rest: rests[asked.length - 1] ?? null };
    };
    return { asked, made: { ...createPretendTracker(new Secret("x")), discover } };
  };

  test("each is asked for our issues, one after the other and each to its end", async () => {
    const [one, two] = [answers(["page 2", null]), answers([null])];
    const trackers = [
      { name: "one", row, made: one.made },
      { name: "two", row, made: two.made },
    ];
    const { signal } = new AbortController();
    let rest: PlaceInList | null = null;
    const rests: (PlaceInList | null)[] = [];
    do {
      ({ rest } = await discoverAt({ trackers }, 0, rest, signal));
      rests.push(rest);
    } while (rest !== null);
    expect(one.asked).toEqual([null, "page 2"]);
    expect(two.asked).toEqual([null]);
    expect(rests).toEqual([{ tracker: "one", rest: "page 2" }, { tracker: "two", rest: null }, null]);
    await expect(discoverAt({ trackers }, 0, { tracker: "three", rest: null }, signal)).rejects.toThrow(
      'there is no tracker "three"',
    );
  });

  test("an issue's is found by the issue's id, and one that is gone is said to be", () => {
    const trackers = [{ name: "one", row, made: answers([]).made }];
    expect(madeTrackerOf({ trackers }, issueId("one", "1")).name).toBe("one");
    expect(() => madeTrackerOf({ trackers }, issueId("two", "1"))).toThrow('there is no tracker "two"');
  });
});

test("the row of each source carries the settings that the types know", async () => {
  const carried = Object.entries(REGISTRY.sources).map(async ([name, { settings }]) => [
    name,
    await settings(),
  ]);
  expect(Object.fromEntries(await Promise.all(carried))).toEqual(SOURCE_SETTINGS);
});

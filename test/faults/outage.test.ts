import { randomBytes } from "node:crypto";
import { execFileSync } from "node:child_process";
import { renameSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { check } from "../../src/engines/embedded/database/maintenance.ts";
import { openViews } from "../../src/engines/embedded/views/open-views.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { bundle } from "./relay/bundle.ts";
import type { Bundle } from "./relay/bundle.ts";
import { deliver, loneFolder } from "./relay/lone.ts";
import type { LoneFolder } from "./relay/lone.ts";
import { startProcess } from "./relay/relay-process.ts";
import type { RelayProcess } from "./relay/relay-process.ts";

let program: Bundle;
let folder: LoneFolder;
const started: RelayProcess[] = [];

beforeAll(async () => {
  program = await bundle(fileURLToPath(new URL("relay/serve.ts", import.meta.url)));
});
afterAll(() => program.remove());
beforeEach(async () => {
  folder = await loneFolder();
});
afterEach(async () => {
  for (const relay of started.splice(0)) {
    relay.signal("SIGKILL");
    await relay.ended;
  }
  await folder.close();
});

function start(configFile = folder.configFile): RelayProcess {
  const relay = startProcess(program.file, ["serve", configFile], folder.env);
  started.push(relay);
  return relay;
}

async function urlOf(relay: RelayProcess): Promise<string> {
  const listening = await relay.listening;
  if (listening === null) throw new Error(`the relay did not listen: ${relay.errors()}`);
  return listening.url;
}

/** No file of that process may grow beyond `bytes`; null = as far as the disk goes. Works without privileges. */
function limitFiles(relay: RelayProcess, bytes: number | null): void {
  execFileSync("prlimit", ["--pid", String(relay.pid), `--fsize=${bytes ?? "unlimited"}:unlimited`]);
}

/** Something that no compression makes smaller. */
function bulk(): string {
  return JSON.stringify({ bulk: randomBytes(48 * 1024).toString("hex") });
}

/** Delivers until a status comes that is not `status`, at most `most` times; gives the ids and that other answer. */
async function deliverWhile(status: number, url: string, most: number) {
  const ids: string[] = [];
  for (let count = 0; count < most; count += 1) {
    const answer = await deliver(url, bulk());
    if (answer.status !== status) return { ids, other: answer };
    ids.push(answer.id);
  }
  return { ids, other: null };
}

// prlimit is of Linux.
test.skipIf(process.platform !== "linux")(
  "on a full disk webhooks get 503 and leave no trace, what was acknowledged stays, and it mends itself",
  async () => {
    const relay = start();
    const url = await urlOf(relay);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    limitFiles(relay, statSync(folder.layout.database).size + 1024 * 1024);

    const full = await deliverWhile(200, url, 500);
    expect(full.ids.length).toBeGreaterThan(0);
    expect(full.other).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/ready`)).status).toBe(503);

    limitFiles(relay, null);
    const mended = await deliver(url, bulk());
    expect(mended.status).toBe(200);

    relay.signal("SIGKILL");
    await relay.ended;
    const views = openViews(folder.layout.database, systemClock);
    try {
      for (const id of [...full.ids, mended.id]) expect(await views.delivery(id)).toHaveLength(1);
      expect(await views.delivery(full.other?.id ?? "")).toEqual([]);
    } finally {
      await views.close();
    }
    expect(check(folder.layout.database, systemClock.now())).toEqual([]);
    await urlOf(start());
  },
);

test("a second relay on the same folder is refused, told who holds it, and leaves the first one alone", async () => {
  const first = start();
  const url = await urlOf(first);
  const second = start();
  expect(await second.ended).toBe(1);
  expect(second.errors()).toContain(String(first.pid));
  expect((await deliver(url, "{}")).status).toBe(200);
});

test("a relay that is stopped with SIGSTOP still holds its folder, also by way of a symbolic link", async () => {
  const first = start();
  const url = await urlOf(first);
  first.signal("SIGSTOP");
  const link = join(folder.dir, "link");
  symlinkSync(folder.layout.root, link);
  const second = start(await folder.configFor(link));
  expect(await second.ended).toBe(1);
  expect(second.errors()).toContain(String(first.pid));
  first.signal("SIGCONT");
  expect((await deliver(url, "{}")).status).toBe(200);
});

test("after kill -9 the folder is free at once and what was acknowledged is there", async () => {
  const first = start();
  const { id } = await deliver(await urlOf(first), "{}");
  first.signal("SIGKILL");
  await first.ended;
  const second = start();
  const url = await urlOf(second);
  const answer = await fetch(`${url}/api/deliveries`);
  const { items } = (await answer.json()) as { items: readonly { readonly deliveryId: string }[] };
  expect(items.map(({ deliveryId }) => deliveryId)).toEqual([id]);
});

test("when the data folder is moved away nothing is acknowledged until it is back, and readiness says what to do", async () => {
  const relay = start();
  const url = await urlOf(relay);
  const kept = await deliver(url, "{}");
  expect(kept.status).toBe(200);
  const away = `${folder.layout.root}.away`;
  renameSync(folder.layout.root, away);
  expect(await deliver(url, "{}")).toMatchObject({ status: 503, retryAfter: expect.stringMatching(/^\d+$/) });
  expect((await fetch(`${url}/api/deliveries/${kept.id}/replay`, { method: "POST" })).status).toBe(503);
  const ready = await fetch(`${url}/ready`);
  expect(ready.status).toBe(503);
  const { parts } = (await ready.json()) as { parts: { database: { detail: string } } };
  expect(parts.database.detail).toMatch(/^the data folder is gone: .*Put it back/);
  const metrics = await fetch(`${url}/metrics`);
  expect(metrics.status).toBe(200);
  expect(await metrics.text()).toContain("patchrelay_database_ok 0");
  renameSync(away, folder.layout.root);
  expect((await deliver(url, "{}")).status).toBe(200);
  expect(check(folder.layout.database, systemClock.now())).toEqual([]);
});

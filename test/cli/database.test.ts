import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { cli, json } from "./fake-host.ts";
import { fill, makePlace, openEngine } from "./kept.ts";
import type { Place } from "./kept.ts";

let place: Place;
beforeEach(async () => {
  place = makePlace();
  await fill(place);
});
afterEach(() => place.remove());

const db = async (args: readonly string[], clock: Clock = systemClock) =>
  await cli(["db", ...args, "--config", place.config], { cwd: place.folder, clock });
const YEARS_LATER: Clock = { ...systemClock, now: () => systemClock.now() + 3 * 365 * 86_400_000 };

test("a backup is a whole database that inspection can read", async () => {
  const { code, out } = await db(["backup", "copy/patchrelay.db", "--json"]);
  expect(code).toBe(0);
  const { file, bytes } = json<{ file: string; bytes: number }>(out);
  expect(file).toBe(join(place.folder, "copy", "patchrelay.db"));
  expect(statSync(file)).toMatchObject({ size: bytes });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const other = makePlace({ dataDir: join(place.folder, "copy") });
  try {
    const list = async (where: Place) =>
      (await cli(["issue", "list", "--json", "--config", where.config])).out;
    expect(await list(other)).toBe(await list(place));
  } finally {
    other.remove();
  }
});

test("a backup without a name goes below backups, and never over a file", async () => {
  const { code, out } = await db(["backup"]);
  expect(code).toBe(0);
  expect(out).toMatch(/data\/backups\/patchrelay-\d{4}-[\dTZ-]+\.db  \d/);
  writeFileSync(join(place.folder, "mine.db"), "mine");
  const refused = await db(["backup", "mine.db"]);
  expect([refused.code, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain("already exists");
  expect(readFileSync(join(place.folder, "mine.db"), "utf8")).toBe("mine");
});

test("check tells what it found, exit 1 for a damaged one", async () => {
  const sound = await db(["check", "--json"]);
  expect(json(sound.out)).toMatchObject({ findings: expect.any(Array) });
  const file = join(place.dataDir, "patchrelay.db");
  const bytes = readFileSync(file);
  bytes.fill(0xff, 8192, 8192 * 3);
  writeFileSync(file, bytes);
  const damaged = await db(["check", "--json"]);
  expect(damaged.code).toBe(1);
  expect(json(damaged.out)).toMatchObject({ ok: false, findings: [{ invariant: "integrity" }] });
  expect(readFileSync(file).equals(bytes)).toBe(true);
});

test("a dry run counts what would go and removes nothing; the real one removes as much", async () => {
  const dry = json<{ dryRun: boolean; removed: Record<string, number> }>(
    (await db(["prune", "--dry-run", "--json"], YEARS_LATER)).out,
  );
  expect(dry.dryRun).toBe(true);
  expect(dry.removed["delivery bodies"]).toBe(3);
  const real = json<{ removed: Record<string, number> }>((await db(["prune", "--json"], YEARS_LATER)).out);
  expect(real.removed).toEqual(dry.removed);
  expect((await cli(["delivery", "list", "--config", place.config])).out).toBe("");
});

test("prune beside a running relay is refused and names it; a dry run is not", async () => {
  const engine = openEngine(place);
  await engine.start();
  try {
    const { code, out, err } = await db(["prune"]);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toContain(`process ${process.pid}`);
    expect((await db(["prune", "--dry-run"])).code).toBe(0);
    expect((await db(["backup", "beside.db"])).code).toBe(0);
    expect(existsSync(join(place.folder, "beside.db"))).toBe(true);
  } finally {
    await engine.stop(5_000);
  }
});

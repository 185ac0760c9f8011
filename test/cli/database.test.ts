import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { arm, disarmAll } from "../../src/lib/failpoints.ts";
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
  mkdirSync(join(place.folder, "copy"));
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

test("a backup into a folder that is not there is refused and makes none: its disk may not be mounted", async () => {
  const refused = await db(["backup", "mnt/disk/patchrelay.db"]);
  expect([refused.code, refused.out]).toEqual([1, ""]);
  expect(refused.err).toContain(
    `there is no folder ${join(place.folder, "mnt", "disk")}: nothing was written`,
  );
  expect(existsSync(join(place.folder, "mnt"))).toBe(false);
  writeFileSync(join(place.folder, "file"), "");
  expect((await db(["backup", "file/patchrelay.db"])).err).toContain("there is no folder");
});

test("a backup that breaks off leaves nothing, and one that was killed is not taken for a backup", async () => {
  arm("backup.mid", { kind: "throw" });
  try {
    expect((await db(["backup"])).code).toBe(1);
    expect(readdirSync(join(place.dataDir, "backups"))).toEqual([]);
  } finally {
    disarmAll();
  }
  expect((await db(["backup"])).code).toBe(0);
  const [whole = ""] = readdirSync(join(place.dataDir, "backups"));
  const killed = join(place.dataDir, "backups", "patchrelay-9.db.partial");
  writeFileSync(killed, "half");
  const file = join(place.dataDir, "patchrelay.db");
  rmSync(file);
  const { err } = await cli(["status", "--config", place.config], { cwd: place.folder });
  expect(err).toBe("");
  expect((await db(["check"])).out).toContain(`Newest backup: ${join(place.dataDir, "backups", whole)}.`);
  writeFileSync(`${join(place.folder, "mine.db")}.partial`, "half");
  cpSync(join(place.dataDir, "backups", whole), file);
  expect((await db(["backup", "mine.db"])).code).toBe(0);
  expect(existsSync(join(place.folder, "mine.db.partial"))).toBe(false);
});

describe("a database that is lost or damaged is told with its name and what to do", () => {
  const file = (): string => join(place.dataDir, "patchrelay.db");
  const told = async (args: readonly string[]) =>
    await cli([...args, "--config", place.config], { cwd: place.folder });
  const damages: readonly (readonly [string, () => void, string])[] = [
    ["deleted", () => rmSync(file()), "is missing or empty, although it has backups"],
    ["emptied", () => truncateSync(file()), "is missing or empty, although it has backups"],
    ["cut short", () => truncateSync(file(), 3 * 8192), "database disk image is malformed"],
    [
      "overwritten at its beginning",
      () => writeFileSync(file(), Buffer.alloc(9_000, 7)),
      "file is not a database",
    ],
    [
      "overwritten in its middle",
      () => {
        const bytes = readFileSync(file());
        bytes.fill(0xff, 8192, bytes.length);
        writeFileSync(file(), bytes);
      },
      "malformed",
    ],
  ];
  test.each(damages)("%s", async (_, damage, finding) => {
    await db(["backup"]);
    const [name = ""] = readdirSync(join(place.dataDir, "backups"));
    const backup = join(place.dataDir, "backups", name);
    damage();
    for (const args of [
      ["status"],
      ["issue", "list"],
      ["issue", "show", "APP-1"],
      ["db", "check"],
      ["doctor", "--offline"],
    ]) {
      const { code, out, err } = await told(args);
      const all = `${out}${err}`;
      expect(code, args.join(" ")).toBe(1);
      expect(all, args.join(" ")).toContain(`${file()} is `);
      expect(all, args.join(" ")).toContain(finding);
      expect(all, args.join(" ")).toContain(`then copy ${backup} to ${file()} and start again`);
    }
    const { out } = await told(["status", "--json"]);
    expect(json(out)).toMatchObject({
      relay: "down",
      database: expect.stringContaining(finding),
      issues: {},
    });
    expect((await told(["db", "backup", "other.db"])).err).toContain(`${file()} is `);
    expect(existsSync(join(place.folder, "other.db"))).toBe(false);
    rmSync(file(), { force: true });
    cpSync(backup, file());
    expect((await told(["status"])).code).toBe(0);
  });

  test("without a backup it says so; with a relay on its folder it names that", async () => {
    writeFileSync(file(), Buffer.alloc(9_000, 7));
    expect((await told(["status"])).out).toContain("There is no backup beside it");
    rmSync(file());
    expect((await told(["status"])).out).toContain(`there is no ${file()}`);
    const engine = openEngine(place);
    try {
      rmSync(file());
      expect((await told(["issue", "list"])).err).toContain(`process ${process.pid} runs on it`);
    } finally {
      await engine.stop(5_000);
    }
  });
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

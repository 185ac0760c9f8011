import { once } from "node:events";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { AlreadyRunning } from "../../src/engines/embedded/database/errors.ts";
import { lockHolder, takeLock } from "../../src/engines/embedded/database/lock.ts";
import { buildChild } from "./child-process.ts";
import type { Child } from "./child-process.ts";

let child: Child;
let folder: string;
let holder: ChildProcess | null = null;

beforeAll(async () => {
  child = await buildChild();
});
afterAll(() => child.remove());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "patchrelay-lock-"));
});
afterEach(async () => {
  await kill();
  rmSync(folder, { recursive: true, force: true });
});

const me = { pid: process.pid, at: 1 };
const lockFile = (): string => join(folder, "patchrelay.lock");

async function hold(): Promise<ChildProcess> {
  holder = child.start("hold", folder);
  if (holder.stdout === null) throw new Error("the child has no output");
  await once(holder.stdout, "data");
  return holder;
}

async function kill(): Promise<void> {
  if (holder === null) return;
  const ended = once(holder, "close");
  holder.kill("SIGKILL");
  await ended;
  holder = null;
}

test("a second process is refused and told which one holds the folder", async () => {
  const { pid } = await hold();
  const refused = await child.run("history", folder);
  expect(refused.ended).toBe(1);
  expect(refused.errors).toContain(`process ${pid}`);
  expect(() => takeLock(lockFile(), me)).toThrow(AlreadyRunning);
  expect(lockHolder(lockFile())).toEqual({ pid });
});

test("after kill -9 of its holder the folder is free", async () => {
  await hold();
  await kill();
  expect(lockHolder(lockFile())).toBeNull();
  takeLock(lockFile(), me).release();
});

test("a stopped holder still holds it", async () => {
  const process = await hold();
  process.kill("SIGSTOP");
  expect(() => takeLock(lockFile(), me)).toThrow(AlreadyRunning);
  process.kill("SIGCONT");
});

test("another path to the same folder is the same folder", async () => {
  await hold();
  const link = join(folder, "link");
  symlinkSync(folder, link);
  expect(() => takeLock(join(link, "patchrelay.lock"), me)).toThrow(AlreadyRunning);
});

test("a record of a living process that never held the lock keeps nobody out", () => {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${lockFile()}.owner`, JSON.stringify({ pid: process.pid, at: 1 }));
  takeLock(lockFile(), me).release();
});

test("the same process cannot take it twice", () => {
  const lock = takeLock(lockFile(), me);
  try {
    expect(() => takeLock(lockFile(), me)).toThrow(AlreadyRunning);
  } finally {
    lock.release();
  }
});

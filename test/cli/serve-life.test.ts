import { expect, test } from "vitest";
import { untilSignal } from "../../src/cli/serve/life.ts";
import { createLog } from "../../src/cli/serve/log.ts";
import { silentLog } from "../../src/lib/log.ts";
import { createVirtualClock } from "../virtual-clock.ts";
import { fakeHost, json } from "./fake-host.ts";

const NEVER = new Promise<void>(() => undefined);
const NEVER_BROKEN = new Promise<string>(() => undefined);

test("a signal stops what was started and says when that is done, exit 0", async () => {
  const host = fakeHost([]);
  let stops = 0;
  const life = untilSignal(host, await createLog("info", host), 10_000, async () => ({
    breakdown: NEVER_BROKEN,
    stop: async () => {
      stops += 1;
    },
  }));
  await createVirtualClock().settle();
  host.signal("SIGTERM");
  expect(await life).toBe(0);
  expect([stops, host.exits]).toEqual([1, []]);
  expect(host.err().trimEnd().split("\n").at(-1)).toContain("stopped");
});

test("a signal during the start is heeded once the start is through", async () => {
  const host = fakeHost([]);
  let stopped = false;
  const life = untilSignal(host, silentLog, 10_000, async () => {
    host.signal("SIGINT");
    return {
      breakdown: NEVER_BROKEN,
      stop: async () => {
        stopped = true;
      },
    };
  });
  expect([await life, stopped]).toEqual([0, true]);
});

test("what does not end in time is left behind, exit 0 within the limit", async () => {
  const clock = createVirtualClock();
  const host = fakeHost([], { clock });
  const life = untilSignal(host, silentLog, 10_000, async () => ({
    breakdown: NEVER_BROKEN,
    stop: () => NEVER,
  }));
  await clock.settle();
  host.signal("SIGTERM");
  await clock.advance(9_999);
  expect(await life).toBe(0);
});

test("a second signal ends it immediately", async () => {
  const clock = createVirtualClock();
  const host = fakeHost([], { clock });
  const life = untilSignal(host, silentLog, 10_000, async () => ({
    breakdown: NEVER_BROKEN,
    stop: () => NEVER,
  }));
  await clock.settle();
  host.signal("SIGTERM");
  expect(host.exits).toEqual([]);
  host.signal("SIGTERM");
  expect(host.exits).toEqual([143]);
  await clock.advance(10_000);
  await life;
});

test("a fault that nobody caught is logged and ends with exit 1", async () => {
  const host = fakeHost([]);
  const log = await createLog("info", host);
  const life = untilSignal(host, log, 10_000, async () => ({
    breakdown: NEVER_BROKEN,
    stop: async () => undefined,
  }));
  await createVirtualClock().settle();
  host.fault(new Error("nobody caught this"));
  expect(host.exits).toEqual([1]);
  expect(json(host.err())).toMatchObject({ level: "error", error: "nobody caught this", pid: 4242 });
  host.signal("SIGTERM");
  await life;
});

test("a start that fails fails the command and listens to no signal any more", async () => {
  const host = fakeHost([]);
  await expect(
    untilSignal(host, silentLog, 10_000, async () => {
      throw new Error("no start");
    }),
  ).rejects.toThrow("no start");
  host.signal("SIGTERM");
  host.signal("SIGTERM");
  expect(host.exits).toEqual([]);
});

test("the log is JSON lines, and short lines on a terminal with hidden characters escaped", async () => {
  const piped = fakeHost([]);
  const log = (await createLog("info", piped)).with({ part: "git" });
  log.debug("not told");
  log.warn("mind\u202e this", { count: 2 });
  expect(json(piped.err())).toMatchObject({ level: "warn", msg: "mind\u202e this", count: 2, part: "git" });

  const shown = fakeHost([], { terminal: true, env: { NO_COLOR: "1" } });
  const short = (await createLog("info", shown)).with({ part: "git" });
  short.debug("not told");
  short.warn("mind\u202e this", { count: 2, nothing: null });
  expect(shown.err()).toMatch(/^\d\d:\d\d:\d\d warn {2}mind\\u\{202e\} this {2}part=git count=2\n$/);

  const silent = fakeHost([], { terminal: true });
  (await createLog("silent", silent)).error("nobody hears this");
  expect(silent.err()).toBe("");
});

test.each([false, true])(
  "lines of the log that are lost are counted, and told once one is not (terminal: %s)",
  async (terminal) => {
    let why: string | null = null;
    const host = fakeHost([], { terminal, env: { NO_COLOR: "1" }, refuses: () => why });
    const log = await createLog("info", host);
    log.info("before");
    why = "ENOSPC";
    log.info("lost");
    log.with({ part: "git" }).error("lost too");
    why = null;
    log.info("after");
    log.info("later");
    const lines = host.err().trimEnd().split("\n");
    expect(lines.map((line) => /could not be written|before|lost|after|later/.exec(line)?.[0])).toEqual([
      "before",
      "after",
      "could not be written",
      "later",
    ]);
    expect(lines[2]).toMatch(/"lines":2|lines=2/);
  },
);

test("a hang-up ends what was started in a terminal and nothing else", async () => {
  const stopped: boolean[] = [];
  for (const terminal of [true, false]) {
    const host = fakeHost([], { terminal });
    let stops = false;
    const life = untilSignal(host, await createLog("info", host), 10_000, async () => ({
      breakdown: NEVER_BROKEN,
      stop: async () => {
        stops = true;
      },
    }));
    await createVirtualClock().settle();
    host.hangup();
    await createVirtualClock().settle();
    stopped.push(stops);
    if (!terminal) {
      expect(host.err()).toContain("SIGHUP ignored: restart to reload settings");
      host.signal("SIGTERM");
    }
    expect(await life).toBe(0);
  }
  expect(stopped).toEqual([true, false]);
});

test("what is broken is stopped in order and ends with exit 1, so that a new process is started", async () => {
  const host = fakeHost([]);
  let stops = 0;
  const code = await untilSignal(host, silentLog, 10_000, async () => ({
    breakdown: Promise.resolve("the disk failed"),
    stop: async () => {
      stops += 1;
    },
  }));
  expect([code, stops]).toEqual([1, 1]);
});

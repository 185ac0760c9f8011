import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { ProcessNotStarted, runProcess, startProcess } from "../../src/lib/process/processes.ts";
import type { LongRequest, ProcessOutcome, ProcessRequest } from "../../src/lib/process/processes.ts";
import { handClock, isRunning } from "./stage.ts";

const env = { PATH: process.env["PATH"] ?? "" };
const node = async (script: string, more: Partial<ProcessRequest> = {}): Promise<ProcessOutcome> =>
  await runProcess(systemClock, {
    command: process.execPath,
    args: ["-e", script],
    cwd: tmpdir(),
    env,
    timeoutMs: 60_000,
    ...more,
  });

describe("running a process to its end", () => {
  test("gives exit code and both streams, and feeds its input", async () => {
    const script =
      "process.stdin.on('data', (d) => process.stdout.write('got ' + d)); console.error('e'); process.exitCode = 4";
    expect(await node(script, { input: "ü" })).toMatchObject({
      exitCode: 4,
      signal: null,
      stdout: "got ü",
      stderr: "e\n",
      timedOut: false,
      truncated: false,
    });
  });

  test("nothing of our environment is inherited, and no shell reads the arguments", async () => {
    process.env["CANARY"] = "canary";
    try {
      const args = [
        "-e",
        "console.log(JSON.stringify([Object.keys(process.env), process.argv.slice(1)]))",
        "$(id) ; x",
      ];
      const { stdout } = await node("", { args });
      expect(JSON.parse(stdout)).toEqual([["PATH"], ["$(id) ; x"]]);
    } finally {
      delete process.env["CANARY"];
    }
  });

  test("output over the limit is dropped at either end, and the process goes on", async () => {
    const script = "process.stdout.write('a'.repeat(200000) + 'z'); console.error('done')";
    const head = await node(script, { maxOutputBytes: 1_000 });
    expect(head).toMatchObject({ stdout: "a".repeat(1_000), stderr: "done\n", truncated: true });
    const tail = await node(script, { maxOutputBytes: 1_000, keep: "tail" });
    expect(tail).toMatchObject({ stdout: `${"a".repeat(999)}z`, truncated: true });
  });

  test("lines come one by one and are cut at 1 MiB", async () => {
    const lengths: number[] = [];
    const onLine = (line: string): void => {
      lengths.push(line.length);
    };
    await node("process.stdout.write('x'.repeat(3000000) + '\\r\\nab\\n\\nend')", { onLine });
    expect(lengths).toEqual([1024 * 1024, 2, 0, 3]);
  });

  test("bytes that are no UTF-8 pass through as latin1", async () => {
    const { stdout } = await node("process.stdin.pipe(process.stdout)", {
      input: Buffer.from([0, 0xff, 0xfe, 10]),
      encoding: "latin1",
    });
    expect(Buffer.from(stdout, "latin1")).toEqual(Buffer.from([0, 0xff, 0xfe, 10]));
  });

  test("one that is too late is killed, also when it ignores being asked", async () => {
    const clock = handClock();
    const outcome = await runProcess(clock, {
      command: process.execPath,
      args: [
        "-e",
        "process.on('SIGTERM', () => console.log('asked')); console.log('up'); setInterval(() => {}, 1000)",
      ],
      cwd: tmpdir(),
      env,
      timeoutMs: 5_000,
      onLine: (line) => clock.fire(line === "up" ? 5_000 : 2_000),
    });
    expect(outcome).toMatchObject({
      exitCode: null,
      signal: "SIGKILL",
      timedOut: true,
      stdout: "up\nasked\n",
    });
  });

  test("a descendant that left the group cannot hold us up by keeping the pipes open", async () => {
    const clock = handClock();
    let escaped = 0;
    const script = `
      const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: ['ignore', 'inherit', 'inherit'] });
      child.unref();
      console.log(child.pid)`;
    const eager = {
      ...clock,
      after: (ms: number, fire: () => void) => (ms === 1_000 ? soon(fire) : clock.after(ms, fire)),
    };
    try {
      const outcome = await runProcess(eager, {
        command: process.execPath,
        args: ["-e", script],
        cwd: tmpdir(),
        env,
        timeoutMs: 5_000,
        onLine: (line) => {
          escaped = Number(line);
        },
      });
      expect(outcome.exitCode).toBe(0);
    } finally {
      if (escaped > 0) process.kill(escaped, "SIGKILL");
    }
    function soon(fire: () => void): () => void {
      const timer = setImmediate(fire);
      return () => clearImmediate(timer);
    }
  });

  test("a stop before and during is the stop's reason", async () => {
    await expect(node("1", { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
    const stop = new AbortController();
    const onLine = (): void => stop.abort(new Error("enough"));
    await expect(
      node("console.log('up'); setInterval(() => {}, 1000)", { signal: stop.signal, onLine }),
    ).rejects.toThrow("enough");
  });

  test("a program that is not there is named, its arguments are not", async () => {
    const failed = node("", { command: "no-such-program", args: ["--token=canary"] });
    await expect(failed).rejects.toThrow(ProcessNotStarted);
    await expect(failed).rejects.toThrow(/cannot start no-such-program \(ENOENT\)/);
    await expect(failed).rejects.not.toThrow(/canary/);
  });

  test("input that nobody reads is no fault", async () => {
    expect((await node("process.exit(0)", { input: "x".repeat(1_000_000) })).exitCode).toBe(0);
  });
});

describe("a process that is talked with", () => {
  const start = async (script: string, more: Partial<LongRequest> = {}) =>
    await startProcess(systemClock, {
      command: process.execPath,
      args: ["-e", script],
      cwd: tmpdir(),
      env,
      onLine: () => undefined,
      ...more,
    });
  const ECHO =
    "require('node:readline').createInterface({ input: process.stdin }).on('line', (l) => console.log(l.toUpperCase())).on('close', () => process.exit(7))";

  test("answers lines and ends when its input does", async () => {
    const lines: string[] = [];
    const child = await start(ECHO, { onLine: (line) => lines.push(line) });
    await child.write("one\ntw");
    await child.write("o\n");
    child.end();
    expect(await child.exit).toEqual({ exitCode: 7, signal: null });
    expect(lines).toEqual(["ONE", "TWO"]);
    await expect(child.write("three\n")).rejects.toThrow(/no longer listens/);
  });

  test("a line over the limit is dropped whole and told; the next one is read", async () => {
    const lines: string[] = [];
    let dropped = 0;
    const onLineTooLong = (): void => {
      dropped += 1;
    };
    const child = await start("process.stdout.write('x'.repeat(20000000) + '\\n{}\\n')", {
      onLine: (line) => lines.push(line),
      onLineTooLong,
    });
    await child.exit;
    expect([lines, dropped]).toEqual([["{}"], 1]);
  });

  test("is killed with all it started", async () => {
    let pid = 0;
    const script =
      "console.log(require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' }).pid); setInterval(() => {}, 1000)";
    const told = withResolvers();
    const child = await start(script, {
      onLine: (line) => {
        pid = Number(line);
        told.resolve(undefined);
      },
    });
    await told.promise;
    await child.killGroup();
    expect(await child.exit).toMatchObject({ signal: "SIGTERM" });
    await expect.poll(() => isRunning(pid)).toBe(false);
    await child.killGroup();
  });

  test("one that does not read is noticed instead of filling our memory", async () => {
    const child = await start("setInterval(() => {}, 1000)");
    try {
      const first = child.write("x".repeat(17 * 1024 * 1024)).then(
        () => "taken",
        () => "gone",
      );
      await expect(child.write("more")).rejects.toThrow(/does not read/);
      await child.killGroup();
      expect(await first).toBe("gone");
    } finally {
      await child.killGroup();
    }
  });

  test("that cannot start is an error at once", async () => {
    await expect(start("", { command: "/no/such/program" })).rejects.toThrow(
      /cannot start \/no\/such\/program/,
    );
  });
});

function withResolvers(): { promise: Promise<unknown>; resolve: (value: unknown) => void } {
  let resolve: (value: unknown) => void = () => undefined;
  const promise = new Promise((take) => {
    resolve = take;
  });
  return { promise, resolve };
}

import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Agent, AgentEvent, AgentResult, WorkRequest } from "../../src/agents/agent.ts";
import { createCodexAgent } from "../../src/agents/codex/codex.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { systemRandomness } from "../../src/lib/ids.ts";
import { silentLog } from "../../src/lib/log.ts";
import { Secret } from "../../src/lib/secrets/secret.ts";
import { bench, request } from "./bench.ts";
import type { Bench, Notes } from "./bench.ts";
import { buildFake } from "./fake-bin.ts";
import { handClock } from "./hand-clock.ts";

let fake: Awaited<ReturnType<typeof buildFake>>;
let ours: Bench;
let folder: string;

beforeAll(async () => {
  fake = await buildFake();
});
afterAll(() => fake.remove());
beforeEach(async () => {
  ours = bench();
  folder = await ours.folder(tmpdir(), "patchrelay-codex");
});
afterEach(() => ours.close());

const START_MS = 20_000;

function agentThat(behaviour: string, clock: Clock = systemClock): Agent {
  return createCodexAgent({
    bin: fake.bin,
    home: join(folder, "home"),
    config: { model_provider: "fake" },
    env: { PATH: "/usr/bin:/bin", FAKE: behaviour, FAKE_KEY: new Secret("hunter2-key") },
    model: null,
    startMs: START_MS,
    prices: { "fake-1": { input: 1, cached: 0.1, output: 10 } },
    clock,
    randomness: systemRandomness,
    log: silentLog,
  });
}

async function outcome(
  behaviour: string,
  given: Partial<WorkRequest> = {},
): Promise<{ readonly result: AgentResult; readonly notes: Notes }> {
  const { request: asked, notes } = request(folder, { prompt: "do it", ...given });
  const session = await ours.work(agentThat(behaviour), asked);
  return { result: await session.result, notes };
}

const warns = (text: string) => (event: AgentEvent) => event.kind === "warning" && event.text.includes(text);

describe("a process that misbehaves still ends in a right result", () => {
  // behaviour, how, failure class, a part of the detail
  const infrastructure: readonly (readonly [string, string])[] = [
    ["dies_at_initialize", "codex exited with code 7"],
    ["refuses_initialize", "Already initialized"],
    ["dies_at_thread_start", "codex exited with code 7"],
    ["refuses_thread_start", "failed to load configuration"],
    ["malformed_thread_start", "thread/start in an unexpected form"],
    ["dies_at_turn_start", "codex exited with code 7"],
    ["refuses_turn_start", "thread not found"],
    ["dies_after_turn_start_reply", "codex exited with code 7"],
    ["dies_mid_turn", "codex exited with code 7"],
    ["killed_mid_turn", "codex was killed by SIGKILL"],
    ["half_a_line_then_dies", "codex exited with code 0"],
    ["unauthorized", "unauthorized"],
    ["refused_connection", "no luck"],
    ["nothing_starts", "no command could start"],
  ];
  test.each(infrastructure)("%s: the infrastructure failed", async (behaviour, detail) => {
    const { result } = await outcome(behaviour);
    expect(result).toMatchObject({ how: "failed", failureClass: "infrastructure", report: null });
    expect(result.detail).toContain(detail);
  });

  const fine = [
    "well",
    "completes_then_dies",
    "completes_before_the_reply",
    "answers_twice",
    "completes_an_old_turn",
    "completes_another_thread",
    "completes_twice",
    "garbage",
    "five_megabytes",
    "nine_megabytes",
    "unknown_things",
    "unknown_request",
    "asks_for_approval",
    "error_then_completion",
    "fenced_report",
    "one_command_starts",
    "never_cleans",
  ];
  test.each(fine)("%s: the work is done all the same", async (behaviour) => {
    const { result, notes } = await outcome(behaviour);
    expect(result).toMatchObject({
      how: "completed",
      failureClass: null,
      report: { outcome: "done", summary: "did it" },
    });
    expect(notes.threads).toEqual(["T1"]);
    expect(notes.turns).toEqual(["U1"]);
  });

  const others: readonly (readonly [string, Partial<AgentResult>])[] = [
    ["error_then_bare_failure", { failureClass: "capacity", detail: "slow down" }],
    ["too_many", { failureClass: "capacity", retryAt: null }],
    ["context_window", { failureClass: "agent" }],
    ["new_kind_of_failure", { failureClass: "unknown" }],
    ["unknown_status", { failureClass: "unknown" }],
  ];
  test.each(others)("%s: the failure keeps its class", async (behaviour, expected) => {
    const { result } = await outcome(behaviour);
    expect(result).toMatchObject({ how: "failed", ...expected });
  });

  test("a message above the size limit is dropped and said to be missing", async () => {
    const { notes } = await outcome("nine_megabytes");
    expect(notes.events.some(warns("too long"))).toBe(true);
    expect(notes.events.some((event) => event.kind === "command")).toBe(false);
  });

  test("the output of a command of 5 MB is told with its end only", async () => {
    const { notes } = await outcome("five_megabytes");
    const command = notes.events.find((event) => event.kind === "command");
    expect(command?.output).toHaveLength(32 * 1024);
  });

  test("a usage limit names the time when it ends", async () => {
    const clock = handClock();
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("usage_limit", clock), asked);
    const result = await session.result;
    expect(result).toMatchObject({ failureClass: "capacity", retryAt: Date.UTC(2026, 0, 1, 1) });
  });

  test("a rate limit that says when to come back is heeded", async () => {
    const clock = handClock();
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("rate_limit", clock), asked);
    expect(await session.result).toMatchObject({ failureClass: "capacity", retryAt: clock.now() + 1_500 });
  });

  test("a turn without a word has no report and no text", async () => {
    const { result } = await outcome("completes_without_a_word");
    expect(result).toMatchObject({ how: "completed", report: null, text: "" });
  });

  test("words that are no report are kept as text", async () => {
    const { result } = await outcome("words_only");
    expect(result).toMatchObject({ how: "completed", report: null, text: "I thought about it." });
  });

  test("a turn that codex broke off by itself is interrupted, not failed", async () => {
    const { result } = await outcome("interrupts_itself");
    expect(result).toMatchObject({ how: "interrupted", failureClass: null });
  });

  test("a credential in the last words of the process is not passed on", async () => {
    const { result } = await outcome("dies_mid_turn");
    expect(result.detail).toContain("panic: key [secret] leaked");
  });

  test("a program that is not there is an infrastructure failure that says what to do", async () => {
    const agent = createCodexAgent({
      bin: join(folder, "nothing"),
      home: join(folder, "home"),
      config: {},
      env: { PATH: "/usr/bin:/bin" },
      model: null,
      startMs: START_MS,
      prices: {},
      clock: systemClock,
      randomness: systemRandomness,
      log: silentLog,
    });
    const { request: asked } = request(folder, { prompt: "do it" });
    const result = await (await ours.work(agent, asked)).result;
    expect(result).toMatchObject({ how: "failed", failureClass: "infrastructure" });
    expect(result.detail).toContain("set agent.codex.bin");
    expect(await agent.ready(new AbortController().signal)).toContain("set agent.codex.bin");
  });
});

describe("silence and excess are bounded by the clock that is given", () => {
  async function silent(behaviour: string): Promise<AgentResult> {
    const clock = handClock();
    const { request: asked, notes } = request(folder, { prompt: "do it" });
    const working = ours.work(agentThat(behaviour, clock), asked);
    await notes.seen(warns("silent"));
    clock.advance(START_MS);
    return (await working).result;
  }

  test("initialize that is never answered ends the run", async () => {
    const result = await silent("never_answers_initialize");
    expect(result).toMatchObject({ how: "failed", failureClass: "infrastructure" });
    expect(result.detail).toContain("did not answer initialize within 20000 ms");
  });

  test("turn/start that is never answered ends the run", async () => {
    const result = await silent("never_answers_turn_start");
    expect(result.detail).toContain("did not answer turn/start");
  });

  test("no sign of life for the stall time is an infrastructure failure", async () => {
    const clock = handClock();
    const { request: asked, notes } = request(folder, { prompt: "do it", stallMs: 5_000 });
    const session = await ours.work(agentThat("waits", clock), asked);
    await notes.seen(warns("waiting"));
    clock.advance(5_000);
    expect(await session.result).toMatchObject({
      how: "failed",
      failureClass: "infrastructure",
      detail: "codex was silent for 5 s",
    });
  });

  test("a turn over its deadline is a failure of the agent", async () => {
    const clock = handClock();
    const given = { prompt: "do it", stallMs: 1e9, deadlineMs: 60_000 };
    const { request: asked, notes } = request(folder, given);
    const session = await ours.work(agentThat("waits", clock), asked);
    await notes.seen(warns("waiting"));
    clock.advance(60_000);
    expect(await session.result).toMatchObject({ how: "failed", failureClass: "agent" });
  });

  test("a turn over its tokens is ended by policy, and what it spent is told", async () => {
    const { result, notes } = await outcome("spends", { maxTokens: 1_000 });
    expect(result).toMatchObject({ how: "failed", failureClass: "policy" });
    expect(result.detail).toContain("token budget: 2100 used of 1000");
    expect(result.spent).toMatchObject({ input: 1_900, output: 200 });
    expect(result.spent.usd).toBeCloseTo(0.0039);
    expect(notes.events.filter((event) => event.kind === "spent")).toHaveLength(2);
  });
});

describe("interrupting", () => {
  test.each(["ignores_interrupt", "acknowledges_interrupt_only"])(
    "%s: the process is ended and the result says interrupted",
    async (behaviour) => {
      const clock = handClock();
      const { request: asked, notes } = request(folder, { prompt: "do it" });
      const session = await ours.work(agentThat(behaviour, clock), asked);
      await notes.seen(warns("waiting"));
      const stopping = session.interrupt();
      await notes.seen(warns("interrupt ignored"));
      clock.advance(3_000);
      await stopping;
      expect(await session.result).toMatchObject({ how: "interrupted", failureClass: null });
    },
  );

  test("a process that dies of the interrupt leaves an interrupted turn", async () => {
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("dies_at_interrupt"), asked);
    await session.interrupt();
    expect(await session.result).toMatchObject({ how: "interrupted" });
  });

  test("a turn that completed before the interrupt arrived keeps its result", async () => {
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("completes_at_interrupt"), asked);
    await session.interrupt();
    expect(await session.result).toMatchObject({ how: "completed", report: { summary: "did it" } });
  });

  test("the signal that fires while the process starts ends it and is what work rejects with", async () => {
    const stop = new AbortController();
    const { request: asked, notes } = request(folder, { prompt: "do it" });
    const working = ours.work(agentThat("never_answers_initialize"), asked, stop.signal);
    await notes.seen(warns("silent"));
    stop.abort(new Error("stopped by a person"));
    await expect(working).rejects.toThrow("stopped by a person");
  });

  test("the signal that fires while the turn runs interrupts it", async () => {
    const stop = new AbortController();
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("waits"), asked, stop.signal);
    stop.abort(new Error("stopped by a person"));
    expect(await session.result).toMatchObject({ how: "interrupted" });
  });

  test("closing ends what the turn left running", async () => {
    const server = createServer();
    ours.keep(async () => {
      server.close();
      await once(server, "close");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const connected = once(server, "connection");
    const { request: asked } = request(folder, { prompt: String(port) });
    const session = await ours.work(agentThat("leaves_a_child"), asked);
    await session.result;
    const [child] = (await connected) as [Socket];
    child.resume();
    const died = once(child, "close");
    child.on("error", () => undefined);
    await session.close();
    await died;
  });

  test("closing ends a process that ignores SIGTERM, and may be repeated", async () => {
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("ignores_sigterm"), asked);
    expect(await session.result).toMatchObject({ how: "completed" });
    await Promise.all([session.close(), session.close()]);
    await session.close();
    expect(await session.steer("more", "prompt-2")).toBe(false);
  });
});

describe("steering", () => {
  test("a message goes to the turn that runs, under its own id", async () => {
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("steers"), asked);
    expect(await session.steer("also the docs", "prompt-2")).toBe(true);
    const [id, turn, input] = JSON.parse((await session.result).text) as unknown[];
    expect([id, turn]).toEqual(["prompt-2", "U1"]);
    expect(input).toMatchObject([{ type: "text", text: "also the docs" }]);
  });

  test("a message for a turn that is over is refused with false", async () => {
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("steer_too_late"), asked);
    expect(await session.steer("also the docs", "prompt-2")).toBe(false);
  });

  test("a message that is never answered ends with the turn", async () => {
    const { request: asked, notes } = request(folder, { prompt: "do it" });
    const session = await ours.work(agentThat("never_answers_steer", handClock()), asked);
    const steering = session.steer("also the docs", "prompt-2");
    await notes.seen(warns("not steering"));
    await session.interrupt();
    expect(await steering).toBe(false);
  });
});

describe("continuing a thread", () => {
  test.each(["thread_is_gone", "thread_is_archived"])(
    "%s: a new one is begun, and that is said",
    async (behaviour) => {
      const { result, notes } = await outcome(behaviour, { thread: "T0" });
      expect(result.how).toBe("completed");
      expect(notes.threads).toEqual(["T1"]);
      expect(notes.events.some(warns("the earlier conversation is lost"))).toBe(true);
    },
  );

  test("a thread that the process of before still holds is waited for", async () => {
    const { result, notes } = await outcome("thread_is_held", { thread: "T1" });
    expect(result.how).toBe("completed");
    expect(notes.events.some(warns("lost"))).toBe(false);
  });

  test("a prompt whose turn had completed is not sent again: that turn's result is used", async () => {
    const { result, notes } = await outcome("prompt_was_done", { thread: "T1" });
    expect(result).toMatchObject({ how: "completed", report: { summary: "did it" } });
    expect(result.spent).toMatchObject({ input: 0, output: 0 });
    expect(notes.turns).toEqual(["U0"]);
  });

  test("a prompt whose turn was interrupted is followed by a message to go on", async () => {
    const { result } = await outcome("prompt_was_interrupted", { thread: "T1", prompt: "the whole task" });
    expect(result.text).toContain("interrupted before you were done");
    expect(result.text).not.toContain("the whole task");
  });

  test("a prompt that never arrived is sent, also in a thread that never had a turn", async () => {
    const { result } = await outcome("no_turn_yet", { thread: "T1", prompt: "the whole task" });
    expect(result.text).toBe("the whole task");
  });
});

describe("what the agent is given", () => {
  test("the thread is durable before the turn starts, and a failure to store it is the relay's own", async () => {
    const { request: asked, notes } = request(folder, {
      prompt: "do it",
      onThread: () => Promise.reject(new Error("the disk is full")),
    });
    await expect(ours.work(agentThat("shows_params"), asked)).rejects.toThrow("the disk is full");
    expect(notes.events).toHaveLength(1);
  });

  test("only the directory and the run's own temporary folder are writable, without network", async () => {
    const { notes } = await outcome("shows_params");
    const [thread, turn, variables] = notes.events
      .filter((event) => event.kind === "warning")
      .map((event) => JSON.parse(event.text) as Record<string, unknown>);
    expect(thread).toMatchObject({ cwd: folder, approvalPolicy: "never", sandbox: "workspace-write" });
    expect(turn).toMatchObject({
      clientUserMessageId: "prompt-1",
      sandboxPolicy: { networkAccess: false, excludeSlashTmp: true, excludeTmpdirEnvVar: true },
    });
    const { writableRoots } = (turn?.["sandboxPolicy"] ?? {}) as { writableRoots: string[] };
    expect(writableRoots[0]).toBe(folder);
    expect(writableRoots.slice(1)).toEqual([expect.stringContaining(join(folder, "home", "scratch"))]);
    expect(variables).toEqual(
      expect.arrayContaining(["CODEX_HOME", "FAKE", "FAKE_KEY", "HOME", "PATH", "TMPDIR"]),
    );
    // macOS adds one of its own.
    expect((variables as unknown as string[]).filter((name) => !name.startsWith("__CF"))).toHaveLength(6);
  });
});

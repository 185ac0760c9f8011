import { access, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Agent, AgentEvent } from "../../src/agents/agent.ts";
import { bench, request } from "../agents/bench.ts";
import type { Bench } from "../agents/bench.ts";

/**
 * What every agent promises. It must be able to play these, asked for by a prompt with `[[scn:NAME]]`:
 * `edit`: says something, tells a plan, runs a command, writes `hello.txt` ("hello\n"), reports done.
 * `steer`: tells a message, goes on until one comes, writes that to `steered.txt`, reports done.
 * `hang`: tells a message, then goes on forever. `question`: reports a question with the options A and B.
 * `words`: ends with "just words" and no report. `spend`: uses 5000 tokens or more, then goes on forever.
 *
 * `start` makes an agent whose threads live in the folder it is given: made twice over
 * the same folder, the second is the agent after a restart.
 */
export function agentConformance(
  name: string,
  start: (state: string, keep: Bench["keep"]) => Promise<Agent>,
): void {
  describe(`${name} keeps what an agent promises`, () => {
    let ours: Bench;
    let state: string;
    let directory: string;
    let agent: Agent;

    beforeEach(async () => {
      ours = bench();
      state = await ours.folder(tmpdir(), "patchrelay-state");
      directory = await ours.folder(tmpdir(), "patchrelay-work");
      agent = await start(state, ours.keep);
    });
    afterEach(() => ours.close());

    const exists = async (file: string): Promise<boolean> => {
      try {
        await access(join(directory, file));
        return true;
      } catch {
        return false;
      }
    };
    const said = (event: AgentEvent): boolean => event.kind === "message";

    test("it is ready", async () => {
      expect(await agent.ready(new AbortController().signal)).toBeNull();
    });

    test("it edits the directory, tells what it does and ends with its report", async () => {
      const { request: asked, notes } = request(directory, { prompt: "[[scn:edit]]" });
      const session = await ours.work(agent, asked);
      const result = await session.result;
      expect(result).toMatchObject({
        how: "completed",
        failureClass: null,
        report: { outcome: "done", question: null, threads: [] },
        commands: { ran: 1, unstartable: 0 },
      });
      expect(await readFile(join(directory, "hello.txt"), "utf8")).toBe("hello\n");
      expect(result.spent.input).toBeGreaterThan(0);
      const kinds = new Set(notes.events.map((event) => event.kind));
      for (const kind of ["message", "plan", "command", "files", "spent"]) expect(kinds).toContain(kind);
      expect(notes.threads).toHaveLength(1);
      expect(notes.turns).toHaveLength(1);
      expect(await session.steer("too late", "prompt-2")).toBe(false);
    });

    test("the thread is made durable first, then the turn, then anything is told", async () => {
      const order: string[] = [];
      const { request: asked } = request(directory, {
        prompt: "[[scn:edit]]",
        onThread: async () => {
          await Promise.resolve();
          order.push("thread");
        },
        onTurn: async () => {
          await Promise.resolve();
          order.push("turn");
        },
        onEvent: () => {
          order.push("event");
        },
      });
      await (
        await ours.work(agent, asked)
      ).result;
      expect(order.slice(0, 3)).toEqual(["thread", "turn", "event"]);
    });

    test("a thread that cannot be made durable stops the work", async () => {
      const { request: asked } = request(directory, {
        prompt: "[[scn:edit]]",
        onThread: () => Promise.reject(new Error("the disk is full")),
      });
      await expect(ours.work(agent, asked)).rejects.toThrow("the disk is full");
      expect(await exists("hello.txt")).toBe(false);
    });

    test("a message that is handed in while it works is heeded", async () => {
      const { request: asked } = request(directory, { prompt: "[[scn:steer]]" });
      const session = await ours.work(agent, asked);
      expect(await session.steer("take the other way", "prompt-2")).toBe(true);
      expect(await session.result).toMatchObject({ how: "completed", report: { outcome: "done" } });
      expect(await readFile(join(directory, "steered.txt"), "utf8")).toContain("take the other way");
    });

    test("an interrupt ends it, and may be repeated", async () => {
      const { request: asked, notes } = request(directory, { prompt: "[[scn:hang]]" });
      const session = await ours.work(agent, asked);
      await notes.seen(said);
      await Promise.all([session.interrupt(), session.interrupt()]);
      expect(await session.result).toMatchObject({ how: "interrupted", failureClass: null, report: null });
      expect(await session.steer("too late", "prompt-2")).toBe(false);
      await session.close();
      await session.close();
    });

    test("closing ends it", async () => {
      const { request: asked } = request(directory, { prompt: "[[scn:hang]]" });
      const session = await ours.work(agent, asked);
      await session.close();
      expect(await session.result).toMatchObject({ how: "interrupted" });
    });

    test("the signal ends it, before it starts and while it works", async () => {
      const stop = new AbortController();
      const { request: asked, notes } = request(directory, { prompt: "[[scn:hang]]" });
      const session = await ours.work(agent, asked, stop.signal);
      await notes.seen(said);
      stop.abort(new Error("stopped"));
      expect(await session.result).toMatchObject({ how: "interrupted" });
      await expect(ours.work(agent, asked, stop.signal)).rejects.toThrow("stopped");
    });

    test("silence is an infrastructure failure", async () => {
      const { request: asked } = request(directory, { prompt: "[[scn:hang]]", stallMs: 400 });
      const result = await (await ours.work(agent, asked)).result;
      expect(result).toMatchObject({ how: "failed", failureClass: "infrastructure" });
    });

    test("work over its deadline is a failure of the agent", async () => {
      const { request: asked } = request(directory, { prompt: "[[scn:hang]]", deadlineMs: 400 });
      const result = await (await ours.work(agent, asked)).result;
      expect(result).toMatchObject({ how: "failed", failureClass: "agent" });
    });

    test("work over its tokens is ended by policy", async () => {
      const { request: asked } = request(directory, { prompt: "[[scn:spend]]", maxTokens: 1_000 });
      const result = await (await ours.work(agent, asked)).result;
      expect(result).toMatchObject({ how: "failed", failureClass: "policy" });
      expect(result.detail).toContain("token budget");
      expect(result.spent.input + result.spent.output).toBeGreaterThanOrEqual(5_000);
    });

    test("a question comes as a report", async () => {
      const { request: asked } = request(directory, { prompt: "[[scn:question]]" });
      const { report } = await (await ours.work(agent, asked)).result;
      expect(report).toMatchObject({ outcome: "question", question: { options: ["A", "B"] } });
    });

    test("last words that are no report are kept as text", async () => {
      const { request: asked } = request(directory, { prompt: "[[scn:words]]" });
      const result = await (await ours.work(agent, asked)).result;
      expect(result).toMatchObject({ how: "completed", report: null, text: "just words" });
    });

    test("a later run goes on in the thread of an earlier one", async () => {
      const first = request(directory, { prompt: "[[scn:words]]" });
      const session = await ours.work(agent, first.request);
      await session.result;
      await session.close();
      const [thread = null] = first.notes.threads;
      const given = { run: "run-2", prompt: "[[scn:edit]]", promptId: "prompt-2", thread };
      const second = request(directory, given);
      const result = await (await ours.work(agent, second.request)).result;
      expect(result).toMatchObject({ how: "completed", report: { outcome: "done" } });
      expect(second.notes.threads).toEqual([thread]);
      expect(second.notes.turns).not.toEqual(first.notes.turns);
    });

    test("after a restart a prompt that was done is not done again: its result is told again", async () => {
      const first = request(directory, { prompt: "[[scn:edit]]" });
      const session = await ours.work(agent, first.request);
      const result = await session.result;
      await session.close();
      await rm(join(directory, "hello.txt"));
      const [thread = null] = first.notes.threads;
      const restarted = await start(state, ours.keep);
      const second = request(directory, { prompt: "[[scn:edit]]", thread });
      const again = await (await ours.work(restarted, second.request)).result;
      expect(again).toMatchObject({ how: "completed", report: result.report });
      expect(again.spent).toMatchObject({ input: 0, output: 0 });
      expect(second.notes.threads).toEqual([thread]);
      expect(await exists("hello.txt")).toBe(false);
    });

    test("after a restart a prompt that was interrupted is gone on with, in the same thread", async () => {
      const first = request(directory, { prompt: "[[scn:steer]]" });
      const session = await ours.work(agent, first.request);
      await first.notes.seen(said);
      await session.interrupt();
      await session.close();
      const [thread = null] = first.notes.threads;
      const restarted = await start(state, ours.keep);
      const second = request(directory, { prompt: "[[scn:steer]]", thread });
      const going = await ours.work(restarted, second.request);
      expect(await going.steer("now", "prompt-2")).toBe(true);
      expect(await going.result).toMatchObject({ how: "completed", report: { outcome: "done" } });
      expect(second.notes.threads).toEqual([thread]);
    });

    test("a thread that is gone is replaced, and that is said", async () => {
      const thread = "00000000-0000-7000-8000-000000000000";
      const { request: asked, notes } = request(directory, { prompt: "[[scn:edit]]", thread });
      const result = await (await ours.work(agent, asked)).result;
      expect(result.how).toBe("completed");
      expect(notes.threads).not.toEqual([thread]);
      expect(notes.events[0]).toMatchObject({ kind: "warning" });
    });
  });
}

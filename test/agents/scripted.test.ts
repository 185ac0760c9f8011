import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { AgentResult } from "../../src/agents/agent.ts";
import type { ScriptedAgentScriptInput } from "../../src/agents/scripted/script.ts";
import { createScriptedAgent } from "../../src/agents/scripted/scripted.ts";
import { bench, request } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { handClock } from "./hand-clock.ts";

let ours: Bench;
let folder: string;
beforeEach(async () => {
  ours = bench();
  folder = await ours.folder(tmpdir(), "patchrelay-scripted");
});
afterEach(() => ours.close());

type Rule = ScriptedAgentScriptInput["rules"][number];

async function play(rules: readonly Rule[], given = {}): Promise<AgentResult> {
  const agent = createScriptedAgent({ script: { rules: [...rules] }, clock: handClock() });
  const { request: asked } = request(folder, { prompt: "do it", ...given });
  return (await ours.work(agent, asked)).result;
}

const steps = (...list: NonNullable<Rule["do"]>): readonly Rule[] => [{ do: list }];

describe("steps", () => {
  test("files are written, changed and deleted for real", async () => {
    await writeFile(join(folder, "old.txt"), "old");
    const result = await play(
      steps(
        { write: { path: "a/b/new.txt", text: "one two" } },
        { replace: { path: "a/b/new.txt", from: "two", to: "$& three" } },
        { delete: "old.txt" },
        { delete: "old.txt" },
      ),
    );
    expect(result.how).toBe("completed");
    expect(await readFile(join(folder, "a/b/new.txt"), "utf8")).toBe("one $& three");
    await expect(readFile(join(folder, "old.txt"))).rejects.toThrow("ENOENT");
  });

  test("no step leaves the directory, by path or by link, or enters .git", async () => {
    const outside = await ours.folder(tmpdir(), "patchrelay-outside");
    await writeFile(join(outside, "secret"), "kept");
    await symlink(outside, join(folder, "link"));
    await symlink(join(outside, "secret"), join(folder, "file-link"));
    await mkdir(join(folder, ".git"));
    for (const path of [
      "../x",
      "/etc/x",
      "a/../../x",
      "link/secret",
      "file-link",
      ".git/config",
      "sub/.git/x",
    ]) {
      for (const step of [
        { write: { path, text: "taken" } },
        { replace: { path, from: "kept", to: "taken" } },
        { delete: path },
      ]) {
        const result = await play(steps(step));
        expect(result).toMatchObject({ how: "failed", failureClass: "agent" });
        expect(result.detail).toContain(path);
      }
    }
    expect(await readFile(join(outside, "secret"), "utf8")).toBe("kept");
  });

  test("a program is run in the directory with its exit code told, without a shell or our environment", async () => {
    const agent = createScriptedAgent({
      script: {
        rules: [{ do: [{ run: ["sh", "-c", "env; pwd; exit 3"] }, { run: ["echo", "$HOME; true"] }] }],
      },
      clock: handClock(),
    });
    const { request: asked, notes } = request(folder, { prompt: "do it" });
    const result = await (await ours.work(agent, asked)).result;
    expect(result.commands).toEqual({ ran: 2, unstartable: 0 });
    const [first, second] = notes.events.filter((event) => event.kind === "command");
    expect(first).toMatchObject({ exitCode: 3 });
    expect(first?.output).toContain(folder);
    expect(first?.output).not.toContain("VITEST");
    expect(second?.output).toBe("$HOME; true\n");
  });

  test("a program that is not there fails the agent and counts as not started", async () => {
    const result = await play(steps({ run: ["no-such-program"] }));
    expect(result).toMatchObject({
      how: "failed",
      failureClass: "agent",
      commands: { ran: 0, unstartable: 1 },
    });
  });

  test("a text that is to be replaced and is not there fails the agent", async () => {
    await writeFile(join(folder, "a"), "x");
    const result = await play(steps({ replace: { path: "a", from: "y", to: "z" } }));
    expect(result.detail).toContain("a does not contain the text");
  });

  test("failures keep their class and time, what was spent adds up", async () => {
    const result = await play(
      steps(
        { spend: { input: 10, output: 1, usd: 0.5 } },
        { spend: { input: 5, cached: 2 } },
        { fail: { class: "capacity", detail: "full", retryAfterMs: 1_000 } },
      ),
    );
    expect(result).toMatchObject({
      how: "failed",
      failureClass: "capacity",
      detail: "full",
      retryAt: Date.UTC(2026, 0, 1) + 1_000,
      spent: { input: 15, cached: 2, output: 1, usd: 0.5 },
    });
    expect(await play(steps({ fail: "lint" }))).toMatchObject({ failureClass: "lint", retryAt: null });
  });

  test("a wait goes by the clock that is given", async () => {
    const clock = handClock();
    const agent = createScriptedAgent({
      script: { rules: [{ do: [{ say: "before" }, { wait: 5_000 }, { say: "after" }] }] },
      clock,
    });
    const { request: asked } = request(folder, { prompt: "do it" });
    const session = await ours.work(agent, asked);
    await clock.waits(5_000);
    clock.advance(5_000);
    expect((await session.result).text).toBe("after");
  });
});

describe("rules", () => {
  const says = (text: string, when: Rule["when"]): Rule => ({ when, do: [{ say: text }] });

  test("the first rule that fits is played: by type, by text, by the number of the run", async () => {
    const agent = createScriptedAgent({
      script: {
        rules: [
          says("second repair", { type: "ci_repair", nth: 2 }),
          says("repair", { type: "ci_repair" }),
          says("docs", { promptIncludes: "docs" }),
          says("else", {}),
        ],
      },
      clock: handClock(),
    });
    const words: string[] = [];
    for (const [run, given] of [
      { prompt: "the docs" },
      { prompt: "x", runType: "ci_repair" as const },
      { prompt: "x", runType: "ci_repair" as const },
      { prompt: "y", runType: "review_fix" as const },
    ].entries()) {
      const { request: asked } = request(folder, { run: `run-${run}`, promptId: `p-${run}`, ...given });
      words.push((await (await ours.work(agent, asked)).result).text);
    }
    expect(words).toEqual(["docs", "repair", "second repair", "else"]);
  });

  test("the same run coming again, as after a restart, is not the next one", async () => {
    const script = { rules: [says("first", { nth: 1 }), says("second", { nth: 2 })] };
    const memoryFile = join(folder, "not", "there", "yet", "memory.json");
    const words: string[] = [];
    for (const [run, promptId] of [
      ["run-1", "a"],
      ["run-1", "b"],
      ["run-2", "c"],
    ] as const) {
      const agent = createScriptedAgent({ script, memoryFile, clock: handClock() });
      const { request: asked } = request(folder, { run, promptId, prompt: "x" });
      words.push((await (await ours.work(agent, asked)).result).text);
    }
    expect(words).toEqual(["first", "first", "second"]);
  });

  test("work that no rule fits is a failure of the agent", async () => {
    expect(await play([says("x", { promptIncludes: "never" })])).toMatchObject({
      how: "failed",
      detail: "no rule of the script matches this work",
    });
  });
});

test("several sessions at once share one memory", async () => {
  const memoryFile = join(folder, "memory.json");
  const agent = createScriptedAgent({
    script: { rules: [{ do: Array.from({ length: 20 }, () => ({ say: "x" })) }] },
    memoryFile,
    clock: handClock(),
  });
  const results = await Promise.all(
    Array.from({ length: 8 }, async (_, run) => {
      const { request: asked } = request(folder, { run: `run-${run}`, promptId: `p-${run}`, prompt: "x" });
      return (await ours.work(agent, asked)).result;
    }),
  );
  expect(results.map((result) => result.how)).toEqual(results.map(() => "completed"));
  const { turns } = JSON.parse(await readFile(memoryFile, "utf8")) as { turns: unknown[] };
  expect(turns).toHaveLength(8);
});

describe("the file", () => {
  const signal = new AbortController().signal;
  const agentOf = (script: string) => createScriptedAgent({ script, clock: handClock() });

  test("it is read again for each piece of work", async () => {
    const file = join(folder, "script.json");
    const agent = agentOf(file);
    const write = (text: string) => writeFile(file, JSON.stringify({ rules: [{ do: [{ say: text }] }] }));
    const words: string[] = [];
    for (const text of ["one", "two"]) {
      await write(text);
      const { request: asked } = request(folder, { promptId: text, prompt: "x" });
      words.push((await (await ours.work(agent, asked)).result).text);
    }
    expect(words).toEqual(["one", "two"]);
    expect(await agent.ready(signal)).toBeNull();
  });

  test("what is wrong with it is said before a run, with its name and place", async () => {
    const file = join(folder, "script.json");
    expect(await agentOf(file).ready(signal)).toContain("see agent.scripted.file");
    await writeFile(file, '{"rules": [{"do": [{"shout": "x"}]}]}');
    const problem = await agentOf(file).ready(signal);
    expect(problem).toContain(file);
    expect(problem).toContain("rules[0].do[0]");
  });
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { msg, shell } from "../../world/model/items.ts";
import { startScriptedModel } from "../../world/model/server.ts";
import type { ScriptedModelParts } from "../../world/model/server.ts";
import { bench } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { handClock } from "./hand-clock.ts";

let ours: Bench;
beforeEach(() => {
  ours = bench();
});
afterEach(() => ours.close());

const user = (text: string) => ({ type: "message", role: "user", content: [{ type: "input_text", text }] });
const output = (text: string) => ({ type: "function_call_output", call_id: "c", output: text });

async function model(parts: Partial<ScriptedModelParts>) {
  const started = await startScriptedModel({ scenarios: {}, clock: handClock(), ...parts });
  ours.keep(() => started.close());
  const post = (input: readonly unknown[], headers: Record<string, string> = {}) =>
    fetch(`${started.url}/responses`, { method: "POST", headers, body: JSON.stringify({ input }) });
  return { started, post };
}

const events = async (response: Response): Promise<Record<string, unknown>[]> =>
  (await response.text())
    .split("\n\n")
    .filter((block) => block.startsWith("data: "))
    .map((block) => JSON.parse(block.slice(6)) as Record<string, unknown>);

describe("the scripted model", () => {
  test("it knows from the history alone where a scenario stands and what was steered in", async () => {
    const seen: unknown[] = [];
    const { post } = await model({
      scenarios: {
        a: (conversation) => {
          seen.push([
            conversation.marker?.args,
            conversation.step,
            conversation.steered,
            conversation.outputs,
          ]);
          return [msg("ok")];
        },
      },
    });
    await post([
      user("[[scn:b]]"),
      output("of another turn"),
      user('go [[scn:a {"x":{"y":1}}]]'),
      output("one"),
      user("<environment_context>"),
      user("also this"),
      output("two"),
    ]);
    expect(seen).toEqual([[{ x: { y: 1 } }, 2, ["also this"], ["one", "two"]]]);
  });

  test("a reply is items, then completed with what it used; calls have ids of their own", async () => {
    const { post } = await model({ answer: () => [shell("true"), shell("false")] });
    const [first, second, last] = await events(await post([]));
    expect(first).toMatchObject({ type: "response.output_item.done", item: { name: "exec_command" } });
    const ids = [first, second].map((event) => (event?.["item"] as { call_id: string } | undefined)?.call_id);
    expect(new Set(ids).size).toBe(2);
    expect(last).toMatchObject({
      type: "response.completed",
      response: { id: expect.any(String) as string, usage: { input_tokens: 100, total_tokens: 120 } },
    });
  });

  test("a status may be answered so many times, then the items come", async () => {
    const { post } = await model({
      answer: () => ({ items: [msg("ok")], status: { code: 500, error: { message: "boom" }, times: 2 } }),
    });
    const statuses = [];
    for (let count = 0; count < 3; count += 1) statuses.push((await post([], { "thread-id": "t" })).status);
    expect(statuses).toEqual([500, 500, 200]);
  });

  test("a delay waits by the clock that is given", async () => {
    const clock = handClock();
    const { post } = await model({
      clock,
      answer: () => ({ items: [msg("late")], delayMs: 10_000 }),
    });
    const response = post([]);
    await clock.waits(10_000);
    clock.advance(10_000);
    expect(await events(await response)).toHaveLength(2);
  });

  test("a hang keeps the connection open until it closes", async () => {
    const { post, started } = await model({ answer: () => ({ items: [msg("only this")], end: "hang" }) });
    const response = await post([]);
    const body = response.text();
    await started.close();
    await expect(body).rejects.toThrow("terminated");
  });

  test("an unknown scenario and another path are refused with the reason", async () => {
    const { post, started } = await model({});
    const unknown = await post([user("[[scn:nobody]]")]);
    expect([unknown.status, await unknown.text()]).toEqual([400, expect.stringContaining("nobody")]);
    expect((await fetch(`${started.url}/models`)).status).toBe(404);
  });
});

import { expect, test } from "vitest";
import { createExclusive } from "../../src/worktrees/exclusive.ts";
import { never } from "./stage.ts";

/** Work that ends when the test says so. */
function gate(): {
  readonly work: () => Promise<void>;
  readonly open: () => void;
  readonly begun: () => boolean;
} {
  let open = (): void => undefined;
  let begun = false;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  const work = async (): Promise<void> => {
    begun = true;
    await opened;
  };
  return { work, open: () => open(), begun: () => begun };
}

const settle = async (): Promise<void> => {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
};

test("under one key one runs at a time, in order; another key does not wait", async () => {
  const exclusive = createExclusive();
  const [first, second, other] = [gate(), gate(), gate()];
  const done = [
    exclusive.run("a", never(), first.work),
    exclusive.run("a", never(), second.work),
    exclusive.run("b", never(), other.work),
  ];
  await settle();
  expect([first.begun(), second.begun(), other.begun()]).toEqual([true, false, true]);
  first.open();
  await settle();
  expect(second.begun()).toBe(true);
  second.open();
  other.open();
  await Promise.all(done);
});

test("a failure and a stopped waiter let the next one in", async () => {
  const exclusive = createExclusive();
  const stop = new AbortController();
  const failing = exclusive.run("a", never(), async () => await Promise.reject(new Error("broken")));
  const stopped = exclusive.run("a", stop.signal, async () => await Promise.resolve("ran"));
  const next = exclusive.run("a", never(), async () => await Promise.resolve("next"));
  stop.abort(new Error("stopped"));
  await expect(failing).rejects.toThrow("broken");
  await expect(stopped).rejects.toThrow("stopped");
  expect(await next).toBe("next");
});

test("the line is bounded", async () => {
  const exclusive = createExclusive();
  const first = gate();
  const all = [exclusive.run("a", never(), first.work)];
  for (let waiting = 1; waiting < 1_000; waiting += 1)
    all.push(exclusive.run("a", never(), async () => await settle()));
  await expect(exclusive.run("a", never(), first.work)).rejects.toThrow(/too many are waiting/);
  first.open();
  await Promise.all(all);
});

import { expect, test } from "vitest";
import { singleFlight } from "../src/lib/single-flight.ts";

interface Started {
  readonly signal: AbortSignal;
  readonly land: (value: string) => void;
  readonly crash: (error: Error) => void;
}

function flights(): { readonly started: Started[]; readonly ask: (signal: AbortSignal) => Promise<string> } {
  const started: Started[] = [];
  const ask = singleFlight(
    (signal) =>
      new Promise<string>((land, crash) => {
        started.push({ signal, land, crash });
        signal.addEventListener("abort", () => crash(signal.reason as Error));
      }),
  );
  return { started, ask };
}

const never = new AbortController().signal;

test("who asks while it runs gets the same outcome; the next one starts over", async () => {
  const { started, ask } = flights();
  const both = [ask(never), ask(never)];
  started[0]?.land("first");
  expect(await Promise.all(both)).toEqual(["first", "first"]);
  const third = ask(never);
  started[1]?.land("second");
  expect([await third, started.length]).toEqual(["second", 2]);
});

test("a failure is everybody's, and is not kept", async () => {
  const { started, ask } = flights();
  const both = Promise.allSettled([ask(never), ask(never)]);
  started[0]?.crash(new Error("no"));
  expect((await both).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  const again = ask(never);
  started[1]?.land("yes");
  expect(await again).toBe("yes");
});

test("one that gives up leaves the others waiting; the last one takes the task along", async () => {
  const { started, ask } = flights();
  const [one, two] = [new AbortController(), new AbortController()];
  const first = ask(one.signal);
  const second = ask(two.signal);
  one.abort(new Error("one has had enough"));
  await expect(first).rejects.toThrow("one has had enough");
  expect(started[0]?.signal.aborted).toBe(false);
  two.abort(new Error("two as well"));
  await expect(second).rejects.toThrow("two as well");
  expect(started[0]?.signal.aborted).toBe(true);
  const next = ask(never);
  started[1]?.land("fresh");
  expect(await next).toBe("fresh");
});

test("who has given up already starts nothing", async () => {
  const { started, ask } = flights();
  await expect(ask(AbortSignal.abort(new Error("late")))).rejects.toThrow("late");
  expect(started).toEqual([]);
});

import { getEventListeners, once } from "node:events";
import { expect, test } from "vitest";
import { cutOffAfter, ExternalError, withDeadline } from "../src/lib/external.ts";
import { firstOf } from "../src/lib/signals.ts";
import { createVirtualClock } from "./virtual-clock.ts";

const kept = (signal: AbortSignal): number =>
  getEventListeners(signal, "abort").length +
  // What AbortSignal.any leaves behind.
  Object.getOwnPropertySymbols(signal)
    .filter((symbol) => String(symbol) === "Symbol(kDependantSignals)")
    .reduce((sum, symbol) => sum + (Reflect.get(signal, symbol) as Set<unknown>).size, 0);

test("what is joined fires with the first, with its reason", () => {
  const [one, two] = [new AbortController(), new AbortController()];
  const { signal } = firstOf(one.signal, two.signal);
  expect(signal.aborted).toBe(false);
  two.abort(new Error("two"));
  one.abort(new Error("one"));
  expect(signal.reason).toEqual(new Error("two"));
  expect(firstOf(one.signal, two.signal).signal.reason).toEqual(new Error("one"));
  expect(kept(one.signal) + kept(two.signal)).toBe(0);
});

test("what has been let go of keeps nothing and fires no more", () => {
  const process = new AbortController();
  const joined = firstOf(process.signal, new AbortController().signal);
  expect(kept(process.signal)).toBe(1);
  joined.release();
  joined.release();
  expect(kept(process.signal)).toBe(0);
  process.abort();
  expect(joined.signal.aborted).toBe(false);
});

test("a deadline is one of the clock's, and fires with what it was for", async () => {
  const clock = createVirtualClock();
  const life = new AbortController();
  let reason: unknown = null;
  const asking = withDeadline(clock, life.signal, 60_000, "it", async (until) => {
    await once(until, "abort");
    reason = until.reason;
    return "given up";
  });
  await clock.advance(59_999);
  expect(reason).toBeNull();
  await clock.advance(1);
  expect(await asking).toBe("given up");
  expect(reason).toEqual(new ExternalError("unavailable", "it did not answer within 60000 ms"));
  expect(kept(life.signal)).toBe(0);
});

test("nothing is left of a deadline that was kept: no timer, and nothing on a signal that lives as long as the process", async () => {
  const clock = createVirtualClock();
  const life = new AbortController();
  expect(await withDeadline(clock, life.signal, 60_000, "it", async () => "done")).toBe("done");
  const broken = withDeadline(clock, life.signal, 60_000, "it", async () =>
    Promise.reject(new Error("broken")),
  );
  await expect(broken).rejects.toThrow("broken");
  expect([clock.pending(), kept(life.signal)]).toEqual([0, 0]);
});

test("a deadline fires with its signal, also with one that has fired already", async () => {
  const clock = createVirtualClock();
  const life = new AbortController();
  const deaf = async (): Promise<never> => await new Promise(() => undefined);
  const asking = cutOffAfter(clock, life.signal, 60_000, "it", deaf);
  life.abort(new Error("stopping"));
  await expect(asking).rejects.toThrow("stopping");
  await expect(cutOffAfter(clock, life.signal, 60_000, "it", deaf)).rejects.toThrow("stopping");
  expect(clock.pending()).toBe(0);
});

test("what does not heed its signal is cut off at its deadline", async () => {
  const clock = createVirtualClock();
  const cut = cutOffAfter(
    clock,
    new AbortController().signal,
    1_000,
    "it",
    () => new Promise<never>(() => undefined),
  );
  const refused = expect(cut).rejects.toEqual(
    new ExternalError("unavailable", "it did not answer within 1000 ms"),
  );
  await clock.advance(1_000);
  await refused;
});

test("many calls at once under one signal are no leak that Node would have to warn of", async () => {
  const warnings: string[] = [];
  const listen = ({ name }: Error): void => {
    warnings.push(name);
  };
  process.on("warning", listen);
  const life = new AbortController();
  const joined = Array.from({ length: 50 }, () => firstOf(life.signal, new AbortController().signal));
  for (const each of joined) each.release();
  // Warnings come in the next turn of the event loop.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", listen);
  expect(warnings).toEqual([]);
});

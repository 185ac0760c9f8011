import { getEventListeners, once } from "node:events";
import { expect, test } from "vitest";
import { deadline, ExternalError } from "../src/lib/external.ts";
import { firstOf } from "../src/lib/signals.ts";

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

test("a signal that lives as long as the process keeps nothing of a deadline that is over", async () => {
  const process = new AbortController();
  const until = deadline(process.signal, 1, "the clock");
  expect(kept(process.signal)).toBe(1);
  await once(until, "abort");
  expect(until.reason).toEqual(new ExternalError("unavailable", "the clock did not answer within 1 ms"));
  expect(kept(process.signal)).toBe(0);
});

test("a deadline fires with its signal, also with one that has fired already", () => {
  const process = new AbortController();
  const until = deadline(process.signal, 60_000, "it");
  process.abort(new Error("stopping"));
  expect(until.reason).toEqual(new Error("stopping"));
  expect(deadline(process.signal, 60_000, "it").reason).toEqual(new Error("stopping"));
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

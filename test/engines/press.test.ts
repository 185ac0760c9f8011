import { expect, test } from "vitest";
import { createPress } from "../../src/engines/embedded/loops/burst-throttle.ts";
import { createVirtualClock } from "../virtual-clock.ts";

test("deliveries that come one by one are applied at once", async () => {
  const clock = createVirtualClock();
  const press = createPress(clock);
  for (let delivery = 0; delivery < 200; delivery += 1) {
    press.came(1);
    expect(press.restMs()).toBe(0);
    await clock.advance(10);
  }
});

test("a burst puts applying off, and it is over shortly after its last delivery", async () => {
  const clock = createVirtualClock();
  const press = createPress(clock);
  press.came(1_000);
  expect(press.restMs()).toBe(100);
  await clock.advance(200);
  expect(press.restMs()).toBe(0);
});

test("what does not end is no burst: applying keeps up, in larger steps", async () => {
  const clock = createVirtualClock();
  const press = createPress(clock);
  const rests: number[] = [];
  for (let ms = 0; ms < 4_000; ms += 20) {
    press.came(20);
    rests.push(press.restMs());
    await clock.advance(20);
  }
  expect(new Set(rests)).toEqual(new Set([0, 100, 10]));
  expect(rests.at(-1)).toBe(10);
  expect(rests.filter((rest) => rest === 100).length).toBeLessThanOrEqual(2_000 / 20 + 1);
});

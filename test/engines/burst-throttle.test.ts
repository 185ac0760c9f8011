import { expect, test } from "vitest";
import { createBurstThrottle } from "../../src/engines/embedded/loops/burst-throttle.ts";
import { createVirtualClock } from "../virtual-clock.ts";

test("deliveries that come one by one are applied at once", async () => {
  const clock = createVirtualClock();
  const throttle = createBurstThrottle(clock);
  for (let delivery = 0; delivery < 200; delivery += 1) {
    throttle.stored(1);
    expect(throttle.restMs()).toBe(0);
    await clock.advance(10);
  }
});

test("a burst puts applying off, and it is over shortly after its last delivery", async () => {
  const clock = createVirtualClock();
  const throttle = createBurstThrottle(clock);
  throttle.stored(1_000);
  expect(throttle.restMs()).toBe(100);
  await clock.advance(200);
  expect(throttle.restMs()).toBe(0);
});

test("what does not end is no burst: applying keeps up, in larger steps", async () => {
  const clock = createVirtualClock();
  const throttle = createBurstThrottle(clock);
  const rests: number[] = [];
  for (let ms = 0; ms < 4_000; ms += 20) {
    throttle.stored(20);
    rests.push(throttle.restMs());
    await clock.advance(20);
  }
  expect(new Set(rests)).toEqual(new Set([0, 100, 10]));
  expect(rests.at(-1)).toBe(10);
  expect(rests.filter((rest) => rest === 100).length).toBeLessThanOrEqual(2_000 / 20 + 1);
});

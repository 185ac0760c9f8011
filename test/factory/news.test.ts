import { describe, expect, test } from "vitest";
import type { Facts } from "../../src/factory/facts/facts.ts";
import type { Observation, TicketReading } from "../../src/factory/facts/observation.ts";
import { advance } from "../../src/factory/advance.ts";
import { ANN, check, Life, POLICY, pullReading, READY, T0, ticketReading } from "./world.ts";

/** An issue whose pull request waits for a review, as a sweep finds it again and again. */
function waiting(): Life {
  const life = new Life();
  life.see(
    0,
    ticketReading({ authorities: [{ granted: true, at: T0, cause: "delegated", by: ANN, session: null }] }),
  );
  life.run(60, { outcome: "published" }, "h1");
  life.see(70, reading(70));
  return life;
}

// As a forge's reading it says when it was asked for.
const reading = (at: number, change: Parameters<typeof pullReading>[1] = {}): Observation => {
  const checks = [check("test", "success"), check("lint", "success")];
  return pullReading("h1", { checks, askedAt: T0 + at * 1_000, ...change }, at);
};

function labelled(label: string): TicketReading["core"] {
  const { core } = ticketReading() as TicketReading;
  return { ...core, labels: [label] };
}

const again = (life: Life, at: number, ...observations: readonly Observation[]) =>
  advance({
    facts: life.facts,
    before: life.decision,
    observations,
    policy: POLICY,
    conditions: READY,
    now: T0 + at * 1_000,
  });

/** As a store gives them back: equal, but no part of them the same object. */
const stored = (life: Life): Life => {
  life.facts = JSON.parse(JSON.stringify(life.facts)) as Facts;
  return life;
};

describe("news", () => {
  test("the same reading once more changes nothing at all", () => {
    const life = stored(waiting());
    expect(life.decision?.state).toBe("awaiting_review");
    const same = again(life, 400, reading(70), ticketReading());
    expect(same.changed).toBe(false);
    expect(same.facts).toBe(life.facts);
    const turned = again(
      life,
      400,
      reading(70, { checks: [check("lint", "success"), check("test", "success")] }),
    );
    expect(turned.facts).toBe(life.facts);
  });

  test("a later reading of the same is no news, but its time is kept", () => {
    const life = stored(waiting());
    const later = again(life, 400, reading(400), ticketReading({}, 390));
    expect(later.changed).toBe(false);
    expect(later.effects).toEqual([]);
    expect(later.facts.pullRequest?.readAt).toBe(T0 + 400_000);
    expect(later.facts.pullRequest?.heads["h1"]?.confirmedAt).toBe(T0 + 400_000);
    expect(later.facts.ticket.status?.at).toBe(T0 + 390_000);
  });

  test.each<[string, Observation]>([
    ["a check that is red", reading(400, { checks: [check("test", "failure"), check("lint", "success")] })],
    [
      "a check that was run again",
      reading(400, { checks: [check("test", "success", { id: "2" }), check("lint", "success")] }),
    ],
    ["a conflict", reading(400, { mergeable: "conflict" })],
    ["another label", ticketReading({ core: labelled("urgent") }, 390)],
    ["a status", ticketReading({ status: { id: "s2", name: "Doing", type: "started", endedAt: null } }, 390)],
    [
      "a delegation, though by the same person",
      ticketReading(
        { authorities: [{ granted: true, at: T0 + 300_000, cause: "delegated", by: ANN, session: null }] },
        390,
      ),
    ],
    ["a stop", { kind: "stop_requested", at: T0 + 390_000, by: ANN, prompt: "p", session: null }],
  ])("%s is news", (_, seen) => {
    expect(again(stored(waiting()), 400, seen).changed).toBe(true);
  });
});

import { describe, expect, test } from "vitest";
import type { ForgeRequest } from "../../src/factory/facts/request.ts";
import type { Facts } from "../../src/factory/facts/facts.ts";
import type { Answered } from "../../src/factory/facts/request.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { observe } from "../../src/factory/observe/observe.ts";
import { decide } from "../../src/factory/rules/decide.ts";
import { Story } from "./story.ts";
import { ISSUE, T0 } from "./world.ts";

// What the forge said to our requests is kept as records: no answer hides in the spelling of a key.

type Ask = (key: string) => ForgeRequest;
const merge: Ask = (key) => ({
  kind: "merge",
  key,
  issue: ISSUE,
  number: 7,
  head: "h1",
  method: "squash",
  policy: "when_approved",
  label: null,
  basis: { round: "r", reading: "e", attempt: 1 },
});
const cancel: Ask = (key) => ({
  kind: "cancel_merge",
  key,
  issue: ISSUE,
  number: 7,
  request: "m1",
  retriedAt: null,
});
const rerun: Ask = (key) => ({
  kind: "rerun_checks",
  key,
  issue: ISSUE,
  head: "h1",
  failure: "f",
  workflowRuns: ["55"],
});
const settled = (effect: ForgeRequest, ok = true): Observation => ({
  kind: "effect_settled",
  at: T0,
  effect,
  ok,
  detail: ok ? "yes" : "no",
  because: null,
});
const OPEN = "delegated; run starts; run intends h1; run published; pull h1";
const APPROVED = `${OPEN}; pull h1 test=success; review r1 approved`;

const kept = (facts: Facts): Readonly<Record<string, readonly Answered[]>> => ({
  merges: facts.merges,
  cancellations: facts.cancellations,
  reruns: facts.reruns,
});

describe.each<[string, Ask]>([
  ["merges", merge],
  ["cancellations", cancel],
  ["reruns", rerun],
])("answers to requests: %s", (name, ask) => {
  const empty = new Story().life.facts;

  test("an answer is kept with what was asked, and told twice it is one", () => {
    const once = observe(empty, settled(ask("k1")));
    const { kind: _, issue: _issue, ...asked } = ask("k1");
    expect(kept(once)[name]).toHaveLength(1);
    const row = kept(once)[name]?.[0];
    expect(row).toMatchObject({ key: "k1", ok: true, detail: "yes", because: null });
    expect(asked).toMatchObject(
      Object.fromEntries(Object.entries(row ?? {}).filter(([field]) => Object.hasOwn(asked, field))),
    );
    expect(observe(once, settled(ask("k1"), false))).toBe(once);
  });

  test("the newest hundred are kept, and no other kind makes room for them", () => {
    let facts = [merge, cancel, rerun].reduce(
      (known, other) => observe(known, settled(other("first"))),
      empty,
    );
    for (let count = 1; count <= 150; count += 1) facts = observe(facts, settled(ask(`k${count}`)));
    const rows = kept(facts);
    expect(rows[name]).toHaveLength(100);
    expect(rows[name]?.[0]?.key).toBe("k51");
    expect(rows[name]?.at(-1)?.key).toBe("k150");
    for (const other of Object.keys(rows)) if (other !== name) expect(rows[other]).toHaveLength(1);
  });
});

/** The same facts with every key of an answer replaced by one that says nothing. */
function withOpaqueKeys(facts: Facts): Facts {
  const names = new Map<string, string>();
  const opaque = (key: string): string => {
    const name = names.get(key) ?? `#${names.size}`;
    names.set(key, name);
    return name;
  };
  return {
    ...facts,
    merges: facts.merges.map((row) => ({ ...row, key: opaque(row.key) })),
    cancellations: facts.cancellations.map((row) => ({
      ...row,
      key: opaque(row.key),
      request: facts.merges.some(({ key }) => key === row.request) ? opaque(row.request) : row.request,
    })),
    reruns: facts.reruns.map((row) => ({ ...row, key: opaque(row.key) })),
  };
}

test.each([
  [`${APPROVED}; merge ok`, "merge_asked"],
  [`${APPROVED}; merge held`, "merge_held"],
  [`${APPROVED}; merge refused`, "merge_refused"],
  [`${APPROVED}; merge refused; wait 60; merge refused; wait 60; merge refused`, "merge_given_up"],
  [`${APPROVED}; merge ok; pull h1 auto; wait 60; pull h1 manual`, "auto_merge_off"],
  [`${APPROVED}; merge ok; pull h1 auto; pull p1 test=running; cancel refused`, "auto_merge_stale"],
  [`${APPROVED}; merge ok; pull h1 auto; pull p1 test=running; cancel ok; pull p1 manual`, "ci_pending"],
  [`reruns 1; ${OPEN}; pull h1 test=failure@55; rerun ok`, "rerun_pending"],
  [`reruns 1; ${OPEN}; pull h1 test=failure@55; rerun refused; wait 1`, "run_queued"],
])("the spelling of keys decides nothing: %s", (told, rule) => {
  const story = new Story().tell(told);
  const { facts, policy, conditions } = story.life;
  expect(facts.merges.length + facts.cancellations.length + facts.reruns.length).toBeGreaterThan(0);
  const { decision } = decide(facts, policy, conditions, story.now());
  expect(decision.rule).toBe(rule);
  const blind = decide(withOpaqueKeys(facts), policy, conditions, story.now()).decision;
  expect({ ...blind, step: blind.step.kind }).toEqual({ ...decision, step: decision.step.kind });
});

/**
 * The planted mistakes, each put around the real parts (planted.ts): src has no switch for them. The simulation must
 * find every one of them, or it proves nothing about a relay that has none. `breaks` names the invariants and
 * promises of docs/reliability.md (T25: a person's work overwritten) of which one must be what gives it away; `on` says
 * whether it acts on a real part, on a fake, or at the edge where the simulation itself takes a delivery in; `seed` is a
 * history that gives it away. Where it no longer does, `npm run sim -- --mistake NAME --seeds 50` finds another.
 */
export const MISTAKES = {
  reply_before_store: {
    says: "a webhook is answered before it is durable",
    on: "edge",
    breaks: ["I4"],
    seed: 4,
  },
  dedupe_apart: {
    says: "a delivery is marked as applied in one commit and applied in another",
    on: "real",
    breaks: ["R3"],
    seed: 4,
  },
  no_idempotency_key: {
    says: "a repeated effect does not carry the identity of its first try",
    on: "real",
    breaks: ["R3"],
    seed: 1,
  },
  old_verdict: {
    says: "a reading shows the checks of the head before as those of the new one",
    on: "fake",
    breaks: ["I11"],
    seed: 1,
  },
  no_sweep: { says: "there is no sweep", on: "real", breaks: ["R4"], seed: 1 },
  settle_apart: {
    says: "a run's slot and its end are written in two commits",
    on: "real",
    breaks: ["I2"],
    seed: 8,
  },
  dropped_on_outage: {
    says: "an effect that meets an outage is given up",
    on: "real",
    breaks: ["R7", "R4"],
    seed: 1,
  },
  self_trigger: { says: "our own words come back as somebody's", on: "fake", breaks: ["R9"], seed: 1 },
  no_lease: { says: "a push overwrites whatever the branch holds", on: "fake", breaks: ["T25"], seed: 28 },
  burnt_budget: {
    says: "an attempt that infrastructure spoiled is charged",
    on: "real",
    breaks: ["R8"],
    seed: 4,
  },
  narrow_window: {
    says: "a delivery whose signed time is older than 60 seconds is refused",
    on: "edge",
    breaks: ["I13"],
    seed: 1,
  },
  no_repair_key: {
    says: "our own push is not remembered: the head before is judged, and repaired, again",
    on: "real",
    breaks: ["R8", "I12"],
    seed: 1,
  },
  blind_retry: {
    says: "after the branch moved, the same commit is pushed with the new expectation",
    on: "fake",
    breaks: ["T25"],
    seed: 28,
  },
  late_stop: {
    says: "an effect that was queued before a stop is carried out after it",
    on: "real",
    breaks: ["R16"],
    seed: 2,
  },
  own_push_resets: {
    says: "our own push counts as a person's and gives a new budget",
    on: "real",
    breaks: ["R8"],
    seed: 1,
  },
} as const;

export type Mistake = keyof typeof MISTAKES;

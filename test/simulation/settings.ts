import type { Policy } from "../../src/factory/facts/policy.ts";
import { POLICY } from "../factory/world.ts";
import { DAY, HOUR, MINUTE, type Chance } from "./chance.ts";
import type { ForgeSetting } from "./outside/forge.ts";
import type { Mistake } from "./mistakes.ts";

/** What one seed makes of the world, the network and the people. */
export interface Setting {
  readonly policy: Policy;
  readonly issues: number;
  readonly slots: number;
  readonly forge: ForgeSetting;
  readonly network: {
    readonly loss: number;
    readonly duplication: number;
    readonly delayMs: number;
    /** Chance that a call fails without effect, and that its answer is lost after it took effect. */
    readonly fault: number;
    readonly lostAnswer: number;
  };
  /** Chance of dying at each boundary between commits and calls. */
  readonly crash: number;
  readonly outages: readonly {
    readonly of: "tracker" | "forge";
    readonly from: number;
    readonly forMs: number;
  }[];
  /** When the agent is not ready or the disk is full. */
  readonly troubles: readonly {
    readonly of: "agent" | "disk";
    readonly from: number;
    readonly forMs: number;
  }[];
  /** When the process is ended: killed, or told to stop. */
  readonly kills: readonly { readonly at: number; readonly orderly: boolean }[];
  /** How far the machine's wall clock is off, and when, ms. */
  readonly clock: readonly { readonly from: number; readonly forMs: number; readonly ahead: number }[];
  /** Long timers of the process fire at multiples of this, ms. */
  readonly tickMs: number;
  /** When the file system of the database takes nothing more. */
  readonly full: { readonly from: number; readonly forMs: number } | null;
  readonly baseMoves: readonly { readonly at: number; readonly red: boolean; readonly conflict: boolean }[];
  readonly agent: {
    readonly done: number;
    readonly unlucky: number;
    /** Chance that the repository's own verification rejects a change. */
    readonly untested: number;
  };
  /** Whether people let us work in peace. */
  readonly patient: boolean;
  readonly mistakes: ReadonlySet<Mistake>;
}

/** People are busy for this long; after it, everything must come to an end by itself. */
export const BUSY_MS = 20 * HOUR;
/** By then every issue has ended, or waits for a person and says so. */
export const BOUND_MS = 12 * DAY;

const FIRST_POLICY = POLICY.projects[0];

/** `later`: for what was added later; those that had been drawn before keep their numbers. */
export function settingOf(chance: Chance, later: Chance, mistakes: ReadonlySet<Mistake>): Setting {
  if (FIRST_POLICY === undefined) throw new Error("a project");
  const several = <T>(most: number, make: () => T): T[] =>
    Array.from({ length: chance.between(0, most) }, make);
  const rough = chance.that(0.7);
  const merge = chance.pick(["when_approved", "when_approved", "when_approved", "when_rules_allow"] as const);
  const meddling = chance.that(0.05);
  const required = chance.that(0.75) ? ["test"] : [];
  const baseMoves = several(4, () => ({
    at: chance.between(1, 18) * HOUR,
    red: chance.that(0.5),
    conflict: chance.that(0.4),
  }));
  return {
    policy: {
      runsPerHour: 6,
      forge: "github",
      reminders: POLICY.reminders,
      questions: POLICY.questions,
      ci: { settleSeconds: 30, noChecksSeconds: 120, reruns: chance.between(0, 1) },
      projects: [{ ...FIRST_POLICY, merge: { ...FIRST_POLICY.merge, policy: merge } }],
    },
    issues: chance.between(1, 2),
    slots: chance.between(1, 2),
    forge: {
      required,
      hasQueue: chance.that(0.5),
      skill: chance.pick([0.3, 0.7, 0.9]),
      flake: chance.pick([0, 0.05, 0.2]),
      strict: chance.pick([0.1, 0.5, 0.9]),
      skew: chance.that(0.5) ? 0 : chance.between(-3_000, 3_000),
      meddling,
    },
    network: rough
      ? {
          loss: chance.pick([0.02, 0.1, 0.3]),
          duplication: 0.1,
          delayMs: chance.pick([2_000, 60_000, 20 * MINUTE]),
          fault: chance.pick([0, 0.05, 0.2]),
          lostAnswer: chance.pick([0, 0.05]),
        }
      : { loss: 0, duplication: 0, delayMs: 1_000, fault: 0, lostAnswer: 0 },
    crash: chance.pick([0, 0.0005, 0.002, 0.005]),
    outages: several(2, () => ({
      of: chance.pick(["tracker", "forge"] as const),
      from: chance.between(0, 16) * HOUR,
      forMs: chance.between(10, 400) * MINUTE,
    })),
    troubles: several(1, () => ({
      of: chance.pick(["agent", "disk"] as const),
      from: chance.between(0, 16) * HOUR,
      forMs: chance.between(10, 300) * MINUTE,
    })),
    kills: several(3, () => ({
      at: chance.between(1, 20 * 60) * MINUTE + chance.between(0, 59_999),
      orderly: chance.that(0.3),
    })),
    clock: chance.that(0.15)
      ? several(2, () => ({
          from: chance.between(0, 16) * HOUR,
          forMs: chance.between(5, 300) * MINUTE,
          ahead: chance.between(-120, 120) * MINUTE,
        }))
      : [],
    full: later.that(0.2)
      ? { from: later.between(0, 16) * HOUR, forMs: later.between(5, 180) * MINUTE }
      : null,
    tickMs: chance.pick([2 * MINUTE, 5 * MINUTE]),
    // The base does not stay red forever.
    baseMoves: [...baseMoves, { at: 19 * HOUR, red: false, conflict: false }],
    agent: { done: chance.pick([0.6, 0.85]), unlucky: chance.pick([0.02, 0.15, 0.4]), untested: 0.05 },
    patient: chance.that(0.4),
    mistakes,
  };
}

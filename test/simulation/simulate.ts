import { Agenda } from "./agenda.ts";
import { Chance, MINUTE } from "./chance.ts";
import type { Mistake } from "./mistakes.ts";
import { Oracle, type Violation } from "./oracle.ts";
import { Outside } from "./outside.ts";
import { Relay } from "./relay.ts";
import { BOUND_MS, BUSY_MS, settingOf } from "./settings.ts";

const START = Date.UTC(2026, 0, 5, 9);
const LOOK_MS = 10 * MINUTE;
/** So many looks in a row must find everything at rest. */
const MOST_LOOKS = 6;
const MOST_STEPS = 400_000;
/** Where an issue may come to rest: it has ended, or a person's word is awaited and said to be. */
const RESTS: ReadonlySet<string> = new Set(["done", "failed", "escalated", "awaiting_input", "paused"]);

export interface Report {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly steps: number;
  /** Virtual time it took, ms. */
  readonly took: number;
  readonly trace: number;
  /** Where each issue came to rest, as `state rule`. */
  readonly ends: readonly string[];
  readonly runs: number;
}

/** One whole history: everything in it follows from the seed. */
export function simulate(seed: number, mistakes: readonly Mistake[] = []): Report {
  const chance = new Chance(seed);
  const agenda = new Agenda(START);
  const setting = settingOf(chance, new Set(mistakes));
  const outside = new Outside(agenda, chance, setting);
  const oracle = new Oracle();
  const relay = new Relay(agenda, chance, outside, setting, oracle);
  outside.receive = (delivery) => relay.receive(delivery);
  outside.alive = () => relay.up;
  let resting = 0;
  let nextLook = START + BUSY_MS;
  let steps = 0;
  let done = false;
  while (!done && oracle.violations.length === 0 && steps < MOST_STEPS && agenda.now < START + BOUND_MS) {
    if (!agenda.step()) {
      // Nothing is planned any more: as it stands now it stays.
      done = rests(relay);
      break;
    }
    steps += 1;
    if (agenda.now < nextLook) continue;
    nextLook += LOOK_MS;
    resting = rests(relay) ? resting + 1 : 0;
    done = resting >= MOST_LOOKS;
  }
  if (oracle.violations.length === 0) {
    if (done) oracle.atEnd(relay);
    else for (const issue of outside.places.keys()) if (!rest(relay, issue)) oracle.outOfTime(relay, issue);
  }
  if (!done && oracle.violations.length === 0) {
    const open = [...relay.store.open.values()].flat().map((row) => row.effect.key);
    oracle.violations.push({
      invariant: "I8",
      at: agenda.now,
      what: `it never came to rest; open: ${open.join(", ")}`,
    });
  }
  const rows = [...relay.store.issues.values()];
  return {
    seed,
    violations: oracle.violations,
    steps,
    took: agenda.now - START,
    trace: oracle.trace,
    ends: rows.map(({ decision }) => `${decision.state} ${decision.rule}`),
    runs: rows.reduce((sum, { facts }) => sum + facts.runs.length, 0),
  };
}

function rest(relay: Relay, issue: string): boolean {
  const row = [...relay.store.issues].find(([id]) => id === issue)?.[1];
  return row !== undefined && RESTS.has(row.decision.state);
}

function rests(relay: Relay): boolean {
  const { outside, store } = relay;
  return (
    relay.up &&
    outside.pending === 0 &&
    [...outside.places.keys()].every((issue) => rest(relay, issue)) &&
    [...store.open.values()].every((lane) => lane.every((row) => row.effect.kind.startsWith("read_"))) &&
    [...store.inbox.values()].every((row) => row.state === "applied") &&
    outside.fates.every((fate) => fate.over)
  );
}

/** A violation in words, with how to see it again. */
export function told(report: Report): string {
  const first = report.violations[0];
  if (first === undefined) return `seed ${report.seed}: clean`;
  const at = new Date(first.at).toISOString();
  return `seed ${report.seed}: ${first.invariant} at ${at}: ${first.what}\n  again: npx tsx test/simulation/run.ts --seed ${report.seed}`;
}

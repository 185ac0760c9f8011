import { Agenda } from "./time/agenda.ts";
import { Chance, MINUTE } from "./chance.ts";
import type { Mistake } from "./mistakes.ts";
import { Oracle, type Violation } from "./oracle/oracle.ts";
import { Outside } from "./outside/outside.ts";
import type { Stage } from "./life.ts";
import { quiet, Relay } from "./relay.ts";
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
  /** How often the process was started. */
  readonly lives: number;
}

/** One whole history: everything in it follows from the seed. Throws when the simulation itself is broken. */
export async function simulate(seed: number, mistakes: readonly Mistake[] = []): Promise<Report> {
  const chance = new Chance(seed);
  const agenda = new Agenda(START);
  const setting = settingOf(chance, new Chance(seed + 0.5), new Set(mistakes));
  const outside = new Outside(agenda, chance, setting);
  const oracle = new Oracle();
  const stage = { agenda, chance, setting, outside, oracle };
  const relay = new Relay(stage);
  outside.receive = (delivery) => relay.receive(delivery);
  outside.alive = () => relay.up;
  try {
    return { seed, ...(await live(stage, relay)) };
  } finally {
    await relay.remove();
  }
}

async function live(stage: Stage & { readonly oracle: Oracle }, relay: Relay): Promise<Omit<Report, "seed">> {
  const { agenda, outside, oracle } = stage;
  let resting = 0;
  let nextLook = START + BUSY_MS;
  let steps = 0;
  let done = false;
  for (let more = true; more && !done && oracle.violations.length === 0; more = agenda.step()) {
    await quiet();
    await relay.settle();
    if (outside.fault !== null) throw outside.fault;
    if (relay.ledger !== null) oracle.judgeSlots(stage, relay.ledger);
    steps += 1;
    if (steps > MOST_STEPS || agenda.now > START + BOUND_MS) break;
    if (agenda.now < nextLook) continue;
    nextLook = agenda.now + LOOK_MS;
    resting = rests(stage, relay) ? resting + 1 : 0;
    done = resting >= MOST_LOOKS;
  }
  const { ledger } = relay;
  const rows = ledger?.issues() ?? [];
  if (oracle.violations.length === 0) {
    if (done && ledger !== null) oracle.atEnd(stage, ledger);
    else {
      for (const issue of outside.places.keys()) {
        const row = rows.find(({ id }) => id === issue);
        if (!RESTS.has(row?.decision.state ?? "")) oracle.outOfTime(stage, issue, row);
      }
    }
  }
  if (!done && oracle.violations.length === 0) {
    const open = ledger?.open() ?? ["the process is down"];
    oracle.violations.push({
      invariant: "I8",
      at: agenda.now,
      what: `it never came to rest; open: ${open.join(", ")}`,
    });
  }
  return {
    violations: oracle.violations,
    steps,
    took: agenda.now - START,
    trace: oracle.trace,
    ends: rows.map(({ decision }) => `${decision.state} ${decision.rule}`),
    runs: rows.reduce((sum, { facts }) => sum + facts.runs.length, 0),
    lives: relay.lives,
  };
}

function rests({ outside }: Stage, { up, ledger }: Relay): boolean {
  if (!up || ledger === null || outside.pending > 0) return false;
  const states = ledger.states();
  return (
    [...outside.places.keys()].every((issue) => RESTS.has(states.get(issue)?.state ?? "")) &&
    ledger.open().length === 0 &&
    [...ledger.deliveries().values()].every((state) => state !== "pending") &&
    outside.fates.every((fate) => fate.over)
  );
}

/** A violation in words, with how to see it again. */
export function told(report: Report): string {
  const first = report.violations[0];
  if (first === undefined) return `seed ${report.seed}: clean`;
  const at = new Date(first.at).toISOString();
  return `seed ${report.seed}: ${first.invariant} at ${at}: ${first.what}\n  again: npm run sim -- --seed ${report.seed}`;
}

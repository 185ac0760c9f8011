import { type Facts, emptyFacts } from "../../factory/facts/facts.ts";
import type { Effect } from "../../factory/effects/effect.ts";
import type { IssueId } from "../../factory/facts/ids.ts";
import type { Observation, Origin } from "../../factory/facts/observation.ts";
import type { advance as factoryAdvance } from "../../factory/advance.ts";
import { messageOf } from "../../lib/assert.ts";
import type { EngineParts } from "../engine.ts";
import type { Issues } from "./rows/issue.ts";
import type { Journal } from "./rows/journal.ts";
import type { ObservationRows } from "./rows/observation.ts";
import type { Outbox } from "./rows/outbox.ts";
import type { Runs } from "./rows/run.ts";
import type { Store } from "./database/store.ts";
import type { Stream } from "./views/stream.ts";
import { SETTLED_WITH_RUN } from "../policy/effects.ts";
import { isJournaled } from "../policy/journaling.ts";
import { parked } from "../policy/parking.ts";
import { placeOf } from "../policy/slots.ts";
import { sweepAt } from "../policy/sweep.ts";
import { timerAt } from "../policy/timer.ts";
import type { TimerRows } from "./rows/timer.ts";

export type AdvanceIssue = typeof factoryAdvance;

/** Everything an advance writes to. */
export interface AdvanceParts {
  readonly store: Store;
  readonly issues: Issues;
  readonly journal: Journal;
  readonly outbox: Outbox;
  readonly runs: Runs;
  readonly timers: TimerRows;
  readonly observations: ObservationRows;
  readonly stream: Stream;
  readonly advance: AdvanceIssue;
  readonly engine: Pick<EngineParts, "clock" | "policy" | "conditions" | "log" | "settings">;
  /** What all issues together have spent today (UTC), US dollars. */
  readonly usdToday: () => number;
  /** Called after a commit that changed the issue, with its facts. */
  readonly committed: (issue: IssueId, facts: Facts) => void;
}

/** One advance of one issue: facts in, the factory's answer out, all of it written in the caller's transaction. */
export interface Advances {
  /** Inside a write. Returns the journal seq after which it holds. Throws what the factory throws. */
  apply(issue: IssueId, observations: readonly Observation[], origin: Origin): number;
  /**
   * Like `apply`, but an advance that throws is undone and parked to be tried again; the rest of the write stands. The
   * `key` makes a repeat harmless: it is answered as the first time.
   */
  applyOrPark(issue: IssueId, observations: readonly Observation[], origin: Origin, key?: string): number;
  facts(issue: IssueId): Facts | null;
}

export function createAdvances(parts: AdvanceParts): Advances {
  const { store, issues, journal, outbox, runs, timers, engine } = parts;

  const apply: Advances["apply"] = (issue, observations, origin) => {
    const now = engine.clock.now();
    const kept = issues.load(issue);
    const result = parts.advance({
      facts: kept?.facts ?? emptyFacts(issue, now),
      before: kept?.decision ?? null,
      observations,
      policy: engine.policy,
      conditions: { ...engine.conditions(), usdToday: parts.usdToday() },
      now,
    });
    const { facts, decision } = result;
    if (!isJournaled(result.changed, observations)) {
      if (kept !== null && (facts !== kept.facts || decision.until !== kept.decision.until))
        issues.confirm(kept, facts, decision, result.evidence);
      addEffects(result.effects, facts, now);
      if (kept !== null) setTimer(issue, decision.until, decision.waitsFor, observations, now);
      return journal.newest(issue);
    }
    issues.save(kept, facts, decision, result.evidence, {
      now,
      sweepAt: sweepAt(kept, decision.state, facts, engine.settings.sweep, now),
    });
    const ended = runs.mirror(kept?.facts ?? null, facts, now);
    for (const run of ended) {
      for (const kind of SETTLED_WITH_RUN) outbox.settleRun(issue, run, kind, now);
    }
    addEffects(result.effects, facts, now);
    setTimer(issue, decision.until, decision.waitsFor, observations, now);
    const line = journal.add({
      issue,
      now,
      observations,
      origin,
      before: kept?.decision ?? null,
      decision,
      effects: result.effects,
      evidence: result.evidence,
    });
    parts.stream.publishAfterCommit(line);
    store.afterCommit(() => parts.committed(issue, facts));
    if (kept?.decision.state !== decision.state) {
      const moved = { issue: facts.ticket.core?.value.key ?? issue, from: kept?.decision.state ?? null };
      store.afterCommit(() =>
        engine.log.info("issue moved on", { ...moved, to: decision.state, why: decision.why }),
      );
    }
    return line.seq;
  };

  const addEffects = (effects: readonly Effect[], facts: Facts, now: number): void => {
    let added = false;
    for (const effect of effects) added = outbox.add(effect, placeOf(effect, facts), now) || added;
    if (added) store.afterCommit(() => parts.committed(facts.id, facts));
  };

  const setTimer = (
    issue: IssueId,
    until: number | null,
    waitsFor: string | null,
    observations: readonly Observation[],
    now: number,
  ): void => {
    if (timers.set(issue, timerAt(until, observations, now), waitsFor ?? "its own timer")) {
      store.afterCommit(() => timers.changed());
    }
  };

  return {
    apply,
    applyOrPark(issue, observations, origin, key) {
      const earlier = key === undefined ? undefined : parts.observations.byKey(issue, key);
      if (earlier !== undefined) return earlier.journal_seq ?? journal.newest(issue);
      const tried = store.attempt(() => apply(issue, observations, origin));
      if (tried.ok) {
        if (key !== undefined)
          parts.observations.remember(issue, key, origin, tried.value, engine.clock.now());
        return tried.value;
      }
      const why = messageOf(tried.error);
      engine.log.error("advance failed, will be retried", { issue, source: origin.source, why });
      const now = engine.clock.now();
      parts.observations.park({ issue, key: key ?? null, origin, observations, why }, parked(now), now);
      return journal.newest(issue);
    },
    facts: (issue) => issues.load(issue)?.facts ?? null,
  };
}

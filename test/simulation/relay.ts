import { emptyFacts, type Facts } from "../../src/factory/facts/facts.ts";
import type { Effect } from "../../src/factory/effects/effect.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import type { Conditions } from "../../src/factory/facts/policy.ts";
import { TERMINAL } from "../../src/factory/facts/state.ts";
import { advance as factoryAdvance, type AdvanceInput, type Advance } from "../../src/factory/advance.ts";
import type { Agenda } from "./agenda.ts";
import { HOUR, MINUTE, SECOND, type Chance } from "./chance.ts";
import type { Mistake } from "./mistakes.ts";
import type { Oracle } from "./oracle.ts";
import type { Outside } from "./outside.ts";
import { Performing } from "./performing.ts";
import { Pipelines } from "./pipelines.ts";
import { Crash, ExternalFault, type Process } from "./process.ts";
import type { Setting } from "./settings.ts";
import { Store, type Delivery, type IssueRow } from "./store.ts";

const SWEEP_MS = 10 * MINUTE;
const DISCOVERY_MS = HOUR;

/**
 * The relay as its promises describe it, around the real factory: a durable inbox, one transaction per turn, an
 * outbox with keys, runs with durable progress, a sweep; and a process that may die between any two commits.
 */
export class Relay implements Process {
  readonly store = new Store();
  readonly performing: Performing;
  readonly pipelines: Pipelines;
  up = true;
  private epoch = 0;

  readonly agenda: Agenda;
  readonly chance: Chance;
  readonly outside: Outside;
  readonly setting: Setting;
  readonly oracle: Oracle;

  constructor(agenda: Agenda, chance: Chance, outside: Outside, setting: Setting, oracle: Oracle) {
    this.agenda = agenda;
    this.chance = chance;
    this.outside = outside;
    this.setting = setting;
    this.oracle = oracle;
    this.pipelines = new Pipelines(this, oracle, (issue, reading) => this.performing.read(issue, reading));
    this.performing = new Performing(this, oracle, this.pipelines);
    this.sweepLater();
    this.discoverLater();
    for (const at of setting.kills) agenda.after(at, () => this.crash());
  }

  has(mistake: Mistake): boolean {
    return this.setting.mistakes.has(mistake);
  }

  /** Plans something that this process does; it does not happen if the process dies before. */
  later(ms: number, act: () => void): void {
    const { epoch } = this;
    this.agenda.after(ms, () => {
      if (this.up && this.epoch === epoch) this.guarded(act);
    });
  }

  private guarded(act: () => void): boolean {
    try {
      act();
      this.oracle.standing(this);
      return true;
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
      this.crash();
      return false;
    }
  }

  /** A point between two commits or calls: the process may die here. */
  boundary(): void {
    if (this.chance.that(this.setting.crash)) throw new Crash();
  }

  crash(): void {
    if (!this.up) return;
    this.up = false;
    this.epoch += 1;
    this.pipelines.forget();
    this.performing.forget();
    this.agenda.after(this.chance.between(1, 180) * SECOND, () => {
      this.up = true;
      this.oracle.restarted(this);
      this.guarded(() => this.recover());
    });
  }

  private recover(): void {
    for (const row of this.store.outbox) if (row.state === "doing") row.state = "pending";
    for (const row of this.store.inbox.values()) if (row.state === "pending") this.apply(row.delivery);
    this.pipelines.resume();
    for (const issue of this.store.issues.keys()) {
      this.performing.pump(issue);
      this.armTimer(issue);
    }
    this.sweepLater();
    this.discoverLater();
  }

  // ── inbox ──

  /** A webhook arrives; true = it is answered with success. */
  receive(delivery: Delivery): boolean {
    if (!this.up) return false;
    let answered = false;
    this.guarded(() => {
      answered = this.accept(delivery);
    });
    return answered && this.up;
  }

  private accept(delivery: Delivery): boolean {
    const { inbox } = this.store;
    if (
      this.has("narrow_window") &&
      delivery.source === "tracker" &&
      this.agenda.now - delivery.signedAt > MINUTE
    )
      return false;
    if (inbox.has(delivery.id)) return true;
    if (this.has("reply_before_store")) {
      this.later(this.chance.between(200, 3_000), () => this.keep(delivery));
      return true;
    }
    this.boundary();
    this.keep(delivery);
    return true;
  }

  private keep(delivery: Delivery): void {
    this.store.inbox.set(delivery.id, { delivery, state: "pending" });
    this.later(this.chance.between(5, 500), () => this.apply(delivery));
  }

  private apply(delivery: Delivery): void {
    const row = this.store.inbox.get(delivery.id);
    if (row === undefined || row.state === "applied") return;
    this.boundary();
    row.state = "applied";
    if (this.has("dedupe_apart")) this.boundary();
    this.observe(delivery.issue, delivery.observations, delivery.id);
  }

  // ── turns ──

  conditions(): Conditions {
    return this.outside.conditions();
  }

  facts(issue: IssueId): Facts | null {
    return this.store.issues.get(issue)?.facts ?? null;
  }

  turn(input: AdvanceInput): Advance {
    const result = this.burnt(factoryAdvance(input));
    const pull = result.facts.pullRequest;
    if (!this.has("own_push_resets") || pull === null) return result;
    const personHead = { sha: pull.core.value.head, at: pull.core.at };
    return { ...result, facts: { ...result.facts, pullRequest: { ...pull, personHead } } };
  }

  private burnt(result: Advance): Advance {
    if (!this.has("burnt_budget")) return result;
    const runs = result.facts.runs.map((run) =>
      run.end?.failureClass === "infrastructure" ? { ...run, end: { ...run.end, charged: true } } : run,
    );
    return { ...result, facts: { ...result.facts, runs } };
  }

  /** One transaction: observations in, facts, decision, effects and timer out. */
  observe(issue: IssueId, observations: readonly Observation[], delivery: string | null = null): void {
    const { now } = this.agenda;
    const kept = this.store.issues.get(issue);
    const conditions = this.conditions();
    const before = kept?.facts ?? emptyFacts(issue, now);
    const { policy } = this.setting;
    const result = this.turn({
      facts: before,
      before: kept?.decision ?? null,
      observations,
      policy,
      conditions,
      now,
    });
    const row: IssueRow = kept ?? { ...result, createdAt: now, journal: [], sweeps: 0 };
    row.facts = result.facts;
    row.decision = result.decision;
    row.journal.push({ now, conditions, observations, delivery });
    this.store.issues.set(issue, row);
    for (const effect of result.effects) this.performing.add(effect);
    this.pipelines.settleRows(issue);
    const { until } = result.decision;
    if (until === null) this.store.timers.delete(issue);
    else this.store.timers.set(issue, until);
    this.oracle.turned(this, issue, before, result, observations);
    this.armTimer(issue);
    this.later(0, () => {
      this.performing.pump(issue);
      this.pipelines.start();
    });
    this.pipelines.noticed(issue);
  }

  private armTimer(issue: IssueId): void {
    const at = this.store.timers.get(issue);
    if (at === undefined) return;
    this.later(Math.max(1, at - this.agenda.now), () => {
      if (this.store.timers.get(issue) !== at) return;
      this.store.timers.delete(issue);
      this.observe(issue, [{ kind: "time_passed", at: this.agenda.now, reason: "timer" }]);
    });
  }

  // ── sweep ──

  private sweepLater(): void {
    if (this.has("no_reconcile")) return;
    this.later(SWEEP_MS, () => {
      for (const [issue, row] of this.store.issues)
        if (!TERMINAL.has(row.decision.state)) this.sweep(issue, row);
      this.sweepLater();
    });
  }

  private sweep(issue: IssueId, row: IssueRow): void {
    row.sweeps += 1;
    const key = `sweep:${issue}:${row.sweeps}`;
    this.performing.add({ kind: "read_ticket", key: `${key}:ticket`, issue });
    const { project, pullRequest, runs } = row.facts;
    if (project !== null && (pullRequest !== null || runs.length > 0)) {
      const { branch } = project;
      const number = pullRequest?.number ?? null;
      this.performing.add({
        kind: "read_pull_request",
        key: `${key}:pull`,
        issue,
        number,
        branch,
        hint: null,
      });
    }
    this.later(0, () => this.performing.pump(issue));
  }

  /** Issues that are ours although nobody told us, or were ended and are asked for anew. */
  private discoverLater(): void {
    if (this.has("no_reconcile")) return;
    this.later(DISCOVERY_MS, () => {
      for (const { tracker } of this.outside.places.values()) {
        if (tracker.sessions.length === 0) continue;
        const state = this.store.issues.get(tracker.issue)?.decision.state;
        if (state !== undefined && state !== "paused" && !TERMINAL.has(state)) continue;
        const effect: Effect = {
          kind: "read_ticket",
          key: `discover:${tracker.issue}:${this.agenda.now}`,
          issue: tracker.issue,
        };
        this.performing.add(effect);
        this.later(0, () => this.performing.pump(tracker.issue));
      }
      this.discoverLater();
    });
  }

  /** A call outside, as the network lets it be. */
  call<T>(service: "tracker" | "forge", ask: () => T): T {
    const { fault, lostAnswer } = this.setting.network;
    if (this.outside.down.has(service) || this.chance.that(fault))
      throw new ExternalFault(`${service} is not reachable`);
    const answer = ask();
    if (this.chance.that(lostAnswer)) throw new ExternalFault(`${service} did not answer in time`);
    return answer;
  }
}

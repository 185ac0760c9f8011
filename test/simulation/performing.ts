import { EFFECTS, isReported, type Effect, type ReportedEffect } from "../../src/factory/effects/effect.ts";
import { stillWanted } from "../../src/factory/effects/called-for.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation, PullRequestReading } from "../../src/factory/facts/observation.ts";
import { MINUTE, SECOND } from "./chance.ts";
import type { Oracle } from "./oracle.ts";
import type { Pipelines } from "./pipelines.ts";
import { laneOf, ExternalFault, type Process } from "./process.ts";
import type { OutboxRow } from "./store.ts";

const FIRST_RETRY_MS = 2 * SECOND;
const LONGEST_RETRY_MS = 15 * MINUTE;

/** The outbox and those who carry out what is in it. */
export class Performing {
  private readonly relay: Process;
  private readonly oracle: Oracle;
  private readonly pipelines: Pipelines;
  private readonly lastReading = new Map<IssueId, PullRequestReading>();
  /** Rows whose next try is planned, with its time. */
  private readonly armed = new Map<number, number>();

  constructor(relay: Process, oracle: Oracle, pipelines: Pipelines) {
    this.relay = relay;
    this.oracle = oracle;
    this.pipelines = pipelines;
  }

  /** The process died: what it had in memory is gone. */
  forget(): void {
    this.armed.clear();
    this.lastReading.clear();
  }

  /** Adds an effect to the caller's transaction, unless its key is known. */
  add(effect: Effect): void {
    const { store, agenda } = this.relay;
    if (store.keys.has(effect.key)) return;
    store.keys.add(effect.key);
    const lane = laneOf(effect);
    const row: OutboxRow = {
      id: store.outbox.length,
      effect,
      lane,
      state: "pending",
      attempts: 0,
      nextAt: agenda.now,
    };
    const open = store.open.get(lane) ?? [];
    if (EFFECTS[effect.kind].coalesce) {
      for (const older of open.filter(
        (known) => known.effect.kind === effect.kind && known.state === "pending",
      )) {
        row.attempts = older.attempts;
        row.nextAt = older.nextAt;
        store.settle(older, "dropped");
      }
    }
    store.outbox.push(row);
    store.open.set(lane, [...(store.open.get(lane) ?? []), row]);
  }

  /** Begins what may begin: the first of each lane, and everything of the control lane. */
  pump(issue: IssueId): void {
    const { store, agenda } = this.relay;
    for (const lane of ["tracker", "forge", "reading", "run", "control"]) {
      const open = store.open.get(`${issue} ${lane}`) ?? [];
      for (const row of lane === "control" ? [...open] : open.slice(0, 1)) {
        if (row.state !== "pending" || row.effect.kind === "start_run") continue;
        if (row.nextAt <= agenda.now) this.begin(row);
        else if (this.armed.get(row.id) !== row.nextAt) {
          this.armed.set(row.id, row.nextAt);
          this.relay.later(row.nextAt - agenda.now, () => this.pump(issue));
        }
      }
    }
  }

  private begin(row: OutboxRow): void {
    const { relay } = this;
    row.state = "doing";
    if (row.effect.kind === "merge" && row.attempts === 0)
      relay.outside.meanwhile(row.effect.issue, "merges");
    relay.later(relay.chance.between(50, 3_000), () => {
      relay.boundary();
      this.oracle.performs(relay, row);
      let seen: readonly Observation[];
      try {
        seen = this.perform(row);
      } catch (error) {
        if (!(error instanceof ExternalFault)) throw error;
        this.failed(row);
        return;
      }
      relay.boundary();
      relay.store.settle(row, "done");
      const { effect } = row;
      const { key, issue } = effect;
      const told = seen.some((each) => each.kind === "effect_settled" && each.effect.key === key);
      const report: readonly Observation[] =
        isReported(effect) && !told
          ? [
              {
                kind: "effect_settled",
                at: relay.agenda.now,
                effect,
                ok: false,
                detail: "no longer wanted",
                because: "unwanted",
              },
            ]
          : [];
      if (seen.length + report.length > 0) relay.observe(issue, [...seen, ...report]);
      this.pump(issue);
    });
  }

  private failed(row: OutboxRow): void {
    const { relay } = this;
    if (relay.has("dropped_on_outage")) {
      relay.store.settle(row, "dropped");
      this.pump(row.effect.issue);
      return;
    }
    row.state = "pending";
    row.attempts += 1;
    const wait = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(row.attempts, 12));
    row.nextAt = relay.agenda.now + Math.round(wait * (0.5 + relay.chance.fraction() / 2));
    this.pump(row.effect.issue);
  }

  private perform(row: OutboxRow): readonly Observation[] {
    const { relay } = this;
    const { effect } = row;
    const { tracker, forge } = relay.outside.place(effect.issue);
    const { now } = relay.agenda;
    const id = relay.has("no_idempotency_key") ? `${effect.key}#${row.attempts}#${now}` : effect.key;
    const facts = relay.facts(effect.issue);
    if (facts === null && effect.kind !== "read_ticket") return [];
    const wanted =
      facts === null || relay.has("late_stop") || stillWanted(effect, facts, relay.setting.policy, now);
    if (!wanted) return [];
    const answered = (answer: { readonly ok: boolean; readonly detail: string }): Observation => ({
      kind: "effect_settled",
      at: now,
      effect: effect as ReportedEffect,
      ...answer,
    });
    switch (effect.kind) {
      case "tell":
      case "link":
        relay.call("tracker", () => relay.outside.post(effect.issue, id, effect.key));
        return [];
      case "set_status":
        relay.call("tracker", () => tracker.move(effect.to));
        return [];
      case "show_plan":
      case "take_delegation":
        relay.call("tracker", () => undefined);
        return [];
      case "comment":
      case "reply_threads":
        relay.call("forge", () => relay.outside.post(effect.issue, id, effect.key));
        return [];
      case "merge":
        this.oracle.merges(relay, effect.issue, effect.key);
        return [answered(relay.call("forge", () => forge.merge(effect.number, effect.head)))];
      case "rerun_checks":
        return [answered(relay.call("forge", () => forge.rerun(effect.workflowRuns)))];
      case "cancel_merge":
        relay.call("forge", () => forge.cancelMerge(effect.number));
        return [answered({ ok: true, detail: "taken back" })];
      case "close_pull_request":
        relay.call("forge", () => forge.close(effect.number));
        return [];
      case "read_ticket":
        return [relay.call("tracker", () => tracker.read())];
      case "read_pull_request": {
        const reading = relay.call("forge", () => forge.read(effect.number, effect.branch));
        return reading === null ? [] : [this.read(effect.issue, reading)];
      }
      case "steer_run":
        this.pipelines.steer(effect.issue, effect.run, effect.prompt);
        return [];
      case "stop_run":
        this.pipelines.stop(effect.issue, effect.run);
        return [];
      case "remove_worktree":
      case "start_run":
        return [];
    }
  }

  /** A reading as it is taken; with the mistake `old_verdict` a new head shows the checks of the one before. */
  read(issue: IssueId, reading: Observation): Observation {
    if (reading.kind !== "pull_request_read" || !this.relay.has("old_verdict")) return reading;
    const before = this.lastReading.get(issue);
    this.lastReading.set(issue, reading);
    const moved = before !== undefined && before.core.head !== reading.core.head && before.checks.length > 0;
    return moved ? { ...reading, checks: before.checks } : reading;
  }
}

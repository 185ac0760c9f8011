import {
  activeRun,
  NOTHING_SPENT,
  type FailureClass,
  type Outcome,
  type Run,
} from "../../src/factory/facts/facts.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { RUN_TYPES } from "../../src/factory/facts/run-types.ts";
import { MINUTE, SECOND } from "./chance.ts";
import type { Oracle } from "./oracle.ts";
import { OutsideFault, type Process } from "./process.ts";
import type { OutboxRow, Progress } from "./store.ts";

interface UnderWay {
  readonly issue: IssueId;
  readonly run: number;
  readonly fence: number;
  working: boolean;
  over: boolean;
}

interface End {
  readonly outcome: Outcome;
  readonly failureClass?: FailureClass;
  readonly retryAt?: number;
}

/** Runs: given a slot, carried out step by step, taken up again after a restart, settled once. */
export class Pipelines {
  private readonly relay: Process;
  private readonly oracle: Oracle;
  private readonly seen: (issue: IssueId, reading: Observation) => Observation;
  private readonly underWay = new Map<IssueId, UnderWay>();

  constructor(relay: Process, oracle: Oracle, seen: (issue: IssueId, reading: Observation) => Observation) {
    this.relay = relay;
    this.oracle = oracle;
    this.seen = seen;
  }

  /** The process died: what it had in memory is gone. */
  forget(): void {
    for (const each of this.underWay.values()) each.over = true;
    this.underWay.clear();
  }

  resume(): void {
    for (const [issue, number] of this.relay.store.slots) {
      const run = this.relay.facts(issue)?.runs.find((row) => row.number === number);
      if (run?.state === "running") this.begin(issue, run);
    }
    this.start();
  }

  /** Rows that ask for runs which have ended are settled in the transaction that ended them. */
  settleRows(issue: IssueId): void {
    const { store } = this.relay;
    const runs = store.issues.get(issue)?.facts.runs ?? [];
    for (const lane of ["run", "control"]) {
      for (const row of (store.open.get(`${issue} ${lane}`) ?? []).slice()) {
        const { effect } = row;
        if (!("run" in effect) || effect.kind === "stop_run") continue;
        const run = runs.find((each) => each.number === effect.run);
        if (run?.state === "ended") store.settle(row, row.state === "doing" ? "done" : "dropped");
      }
    }
  }

  /** Gives free slots to the runs that wait, rework before new work. */
  start(): void {
    const { store, setting } = this.relay;
    const waiting: { readonly row: OutboxRow; readonly run: Run }[] = [];
    for (const [issue, { facts }] of store.issues) {
      const row = (store.open.get(`${issue} run`) ?? [])[0];
      const run = activeRun(facts);
      if (row?.effect.kind !== "start_run" || row.state !== "pending" || run?.state !== "queued") continue;
      if (run.number === row.effect.run) waiting.push({ row, run });
    }
    waiting.sort(
      (a, b) => RUN_TYPES[a.run.type].priority - RUN_TYPES[b.run.type].priority || a.row.id - b.row.id,
    );
    for (const { row, run } of waiting) {
      if (store.slots.size >= setting.slots) return;
      this.claim(row, run);
    }
  }

  private claim(row: OutboxRow, run: Run): void {
    const { relay } = this;
    const { issue } = row.effect;
    relay.boundary();
    row.state = "doing";
    relay.store.slots.set(issue, run.number);
    relay.observe(issue, [{ kind: "run_started", at: relay.agenda.now, run: run.number, fence: run.fence }]);
    relay.boundary();
    this.begin(issue, run);
  }

  private begin(issue: IssueId, run: Run): void {
    const journey: UnderWay = { issue, run: run.number, fence: run.fence, working: false, over: false };
    this.oracle.begins(this.relay, issue, this.underWay.get(issue)?.run ?? null, run);
    this.underWay.set(issue, journey);
    this.step(journey, this.relay.chance.between(5, 60) * SECOND, () => this.prepare(journey));
  }

  /** One step of a run, unless it is over by then or was told to stop. */
  private step(journey: UnderWay, ms: number, act: () => void): void {
    this.relay.later(ms, () => {
      if (journey.over || this.stopped(journey)) return;
      this.relay.boundary();
      try {
        act();
      } catch (error) {
        if (!(error instanceof OutsideFault)) throw error;
        this.settle(journey, {
          outcome: "failed",
          failureClass: "infrastructure",
          retryAt: this.again(journey),
        });
      }
    });
  }

  private stopped(journey: UnderWay): boolean {
    const run = this.rowOf(journey);
    if (run === null || run.state === "ended") {
      this.leave(journey);
      return true;
    }
    if (run.stop === null) return false;
    this.settle(journey, { outcome: run.stop.reason === "superseded" ? "superseded" : "stopped" });
    return true;
  }

  private rowOf(journey: UnderWay): Run | null {
    const runs = this.relay.facts(journey.issue)?.runs ?? [];
    return runs.find((row) => row.number === journey.run && row.fence === journey.fence) ?? null;
  }

  private progress(journey: UnderWay): Progress {
    return this.relay.store.progressOf(journey.issue, journey.run);
  }

  private branch(journey: UnderWay): string {
    return this.relay.facts(journey.issue)?.project?.branch ?? "";
  }

  private advance(
    journey: UnderWay,
    phase: "prepare" | "work" | "publish",
    headBefore?: string,
  ): Observation {
    const { issue: _issue, run, fence } = journey;
    const at = this.relay.agenda.now;
    return {
      kind: "run_advanced",
      at,
      run,
      fence,
      phase,
      ...(headBefore === undefined ? {} : { headBefore }),
    };
  }

  private prepare(journey: UnderWay): void {
    const { relay } = this;
    const progress = this.progress(journey);
    if (progress.prepared === undefined) {
      const { forge } = relay.outside.place(journey.issue);
      const remote = relay.call("forge", () => forge.branches.get(this.branch(journey)) ?? null);
      relay.boundary();
      progress.prepared = { remote };
      relay.observe(journey.issue, [this.advance(journey, "prepare", remote ?? "base")]);
    }
    this.step(journey, SECOND, () => this.work(journey));
  }

  private work(journey: UnderWay): void {
    const { relay } = this;
    if (this.progress(journey).worked !== undefined) {
      this.step(journey, SECOND, () => this.publish(journey));
      return;
    }
    relay.observe(journey.issue, [this.advance(journey, "work")]);
    journey.working = true;
    relay.outside.meanwhile(journey.issue, "works");
    for (const prompt of this.progress(journey).steers) this.hand(journey, prompt);
    this.step(journey, relay.chance.between(1, 40) * MINUTE, () => this.worked(journey));
  }

  private worked(journey: UnderWay): void {
    const { relay } = this;
    const { chance } = relay;
    journey.working = false;
    const { done, unlucky } = relay.setting.agent;
    if (chance.that(unlucky)) {
      this.settle(
        journey,
        chance.pick<End>([
          { outcome: "failed", failureClass: "infrastructure", retryAt: this.again(journey) },
          {
            outcome: "failed",
            failureClass: "capacity",
            retryAt: relay.agenda.now + chance.between(2, 300) * MINUTE,
          },
          { outcome: "interrupted" },
          { outcome: "failed", failureClass: "test" },
          { outcome: "failed", failureClass: "agent" },
        ]),
      );
      return;
    }
    const outcome = chance.that(done) ? "done" : chance.pick(["no_change", "answer", "question"] as const);
    this.progress(journey).worked = { outcome };
    if (outcome === "question") this.settle(journey, { outcome: "asked" });
    else if (outcome === "answer") this.settle(journey, { outcome: "answered" });
    else if (outcome === "no_change") this.settle(journey, { outcome: "no_change" });
    else this.step(journey, chance.between(5, 300) * SECOND, () => this.publish(journey));
  }

  private publish(journey: UnderWay): void {
    const { relay } = this;
    const progress = this.progress(journey);
    const remote = progress.prepared?.remote ?? null;
    progress.commit ??= { sha: this.commit(journey, remote), expected: remote };
    const { sha, expected } = progress.commit;
    const id = { at: relay.agenda.now, run: journey.run, fence: journey.fence };
    const intent: Observation = { kind: "push_intended", ...id, sha, expected };
    relay.observe(journey.issue, [
      this.advance(journey, "publish"),
      ...(relay.has("no_repair_key") ? [] : [intent]),
    ]);
    relay.boundary();
    if (this.stopped(journey)) return;
    this.step(journey, relay.chance.between(200, 20_000), () => this.push(journey));
  }

  /** A commit of ours on top of what the branch holds; with the base integrated where that is the work. */
  private commit(journey: UnderWay, parent: string | null): string {
    const { relay } = this;
    const { forge } = relay.outside.place(journey.issue);
    const { integrations } = this.progress(journey);
    const sha = `h-${journey.issue.slice(-4)}-${journey.run}-${integrations}`;
    if (forge.commits.has(sha)) return sha;
    const integrates = parent === null || this.rowOf(journey)?.type === "queue_repair";
    const base = integrates ? forge.baseVersion : forge.commits.get(parent).base;
    forge.commits.add({ sha, parent, by: "us", good: relay.chance.that(relay.setting.forge.skill), base });
    return sha;
  }

  private push(journey: UnderWay): void {
    const { relay } = this;
    const { forge } = relay.outside.place(journey.issue);
    const progress = this.progress(journey);
    const { commit } = progress;
    if (commit === undefined) return;
    this.oracle.pushes(relay, journey.issue, journey.run);
    const expected = relay.has("no_lease") ? undefined : commit.expected;
    const answer = relay.call("forge", () => forge.push(this.branch(journey), commit.sha, expected));
    this.oracle.pushed(relay, journey.issue);
    relay.boundary();
    if (answer !== "moved") {
      this.step(journey, relay.chance.between(100, 3_000), () => this.open(journey));
      return;
    }
    const remote = forge.branches.get(this.branch(journey)) ?? null;
    if (relay.has("blind_retry")) {
      progress.commit = { sha: commit.sha, expected: remote };
      this.step(journey, SECOND, () => this.publish(journey));
      return;
    }
    if (progress.integrations > 0 || relay.chance.that(0.3)) {
      this.settle(journey, { outcome: "superseded" });
      return;
    }
    progress.integrations += 1;
    progress.commit = { sha: this.commit(journey, remote), expected: remote };
    this.step(journey, SECOND, () => this.publish(journey));
  }

  private open(journey: UnderWay): void {
    const { relay } = this;
    const { forge } = relay.outside.place(journey.issue);
    const branch = this.branch(journey);
    const known = relay.facts(journey.issue)?.pullRequest?.number ?? null;
    const number = known ?? relay.call("forge", () => forge.open(branch, relay.outside.nextNumber()));
    relay.boundary();
    const reading = relay.call("forge", () => forge.read(number, branch));
    if (reading !== null) relay.observe(journey.issue, [this.seen(journey.issue, reading)]);
    relay.boundary();
    this.settle(journey, { outcome: "published" });
  }

  private again(journey: UnderWay): number {
    const runs = this.relay.facts(journey.issue)?.runs ?? [];
    const failures = runs.filter((run) => run.end?.outcome === "failed" && !run.end.charged).length;
    return this.relay.agenda.now + Math.min(10 * MINUTE, 15 * SECOND * 2 ** Math.min(failures, 8));
  }

  /** The end of a run and of its slot, in one transaction. */
  private settle(journey: UnderWay, end: End): void {
    const { relay } = this;
    const { outcome, failureClass = null, retryAt = null } = end;
    const refunded =
      ["asked", "interrupted", "superseded", "stopped"].includes(outcome) ||
      ((failureClass === "infrastructure" || failureClass === "capacity") && !relay.has("burnt_budget"));
    const ended: Observation = {
      kind: "run_ended",
      at: relay.agenda.now,
      run: journey.run,
      fence: journey.fence,
      end: { outcome, failureClass, summary: `It ${outcome}.`, retryAt, charged: !refunded, replies: [] },
      question: outcome === "asked" ? { text: "Which one?", options: ["a", "b"] } : null,
      spent: { ...NOTHING_SPENT, input: relay.chance.between(1_000, 400_000) },
    };
    if (relay.has("settle_apart")) {
      relay.observe(journey.issue, [ended]);
      relay.boundary();
    }
    relay.store.slots.delete(journey.issue);
    if (!relay.has("settle_apart")) relay.observe(journey.issue, [ended]);
    this.leave(journey);
    if (outcome === "asked") relay.outside.asked(journey.issue);
    relay.later(0, () => this.start());
  }

  private leave(journey: UnderWay): void {
    journey.over = true;
    if (this.underWay.get(journey.issue) === journey) this.underWay.delete(journey.issue);
  }

  /** A commit changed the issue: a run that was told to stop stops within seconds. */
  noticed(issue: IssueId): void {
    const journey = this.underWay.get(issue);
    if (journey === undefined || this.rowOf(journey)?.stop == null) return;
    this.relay.later(this.relay.chance.between(100, 5_000), () => {
      if (!journey.over) this.stopped(journey);
    });
  }

  stop(issue: IssueId, run: number): void {
    if (this.underWay.get(issue)?.run === run) this.noticed(issue);
  }

  steer(issue: IssueId, run: number, prompt: string): void {
    const { steers } = this.relay.store.progressOf(issue, run);
    if (!steers.includes(prompt)) steers.push(prompt);
    const journey = this.underWay.get(issue);
    if (journey?.run === run && journey.working) this.hand(journey, prompt);
  }

  private hand(journey: UnderWay, prompt: string): void {
    const { relay } = this;
    relay.later(relay.chance.between(1, 60) * SECOND, () => {
      if (journey.over || !journey.working || this.rowOf(journey)?.steered.includes(prompt) === true) return;
      const { run, fence } = journey;
      relay.observe(journey.issue, [{ kind: "prompt_delivered", at: relay.agenda.now, run, fence, prompt }]);
    });
  }
}

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
import { ExternalFault, type Process } from "./process.ts";
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
    const context: UnderWay = { issue, run: run.number, fence: run.fence, working: false, over: false };
    this.oracle.begins(this.relay, issue, this.underWay.get(issue)?.run ?? null, run);
    this.underWay.set(issue, context);
    this.step(context, this.relay.chance.between(5, 60) * SECOND, () => this.prepare(context));
  }

  /** One step of a run, unless it is over by then or was told to stop. */
  private step(context: UnderWay, ms: number, act: () => void): void {
    this.relay.later(ms, () => {
      if (context.over || this.stopped(context)) return;
      this.relay.boundary();
      try {
        act();
      } catch (error) {
        if (!(error instanceof ExternalFault)) throw error;
        this.settle(context, {
          outcome: "failed",
          failureClass: "infrastructure",
          retryAt: this.again(context),
        });
      }
    });
  }

  private stopped(context: UnderWay): boolean {
    const run = this.rowOf(context);
    if (run === null || run.state === "ended") {
      this.leave(context);
      return true;
    }
    if (run.stop === null) return false;
    this.settle(context, { outcome: run.stop.reason === "superseded" ? "superseded" : "stopped" });
    return true;
  }

  private rowOf(context: UnderWay): Run | null {
    const runs = this.relay.facts(context.issue)?.runs ?? [];
    return runs.find((row) => row.number === context.run && row.fence === context.fence) ?? null;
  }

  private progress(context: UnderWay): Progress {
    return this.relay.store.progressOf(context.issue, context.run);
  }

  private branch(context: UnderWay): string {
    return this.relay.facts(context.issue)?.project?.branch ?? "";
  }

  private advance(
    context: UnderWay,
    phase: "prepare" | "work" | "publish",
    headBefore?: string,
  ): Observation {
    const { issue: _issue, run, fence } = context;
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

  private prepare(context: UnderWay): void {
    const { relay } = this;
    const progress = this.progress(context);
    if (progress.prepared === undefined) {
      const { forge } = relay.outside.place(context.issue);
      const remote = relay.call("forge", () => forge.branches.get(this.branch(context)) ?? null);
      relay.boundary();
      progress.prepared = { remote };
      relay.observe(context.issue, [this.advance(context, "prepare", remote ?? "base")]);
    }
    this.step(context, SECOND, () => this.work(context));
  }

  private work(context: UnderWay): void {
    const { relay } = this;
    if (this.progress(context).worked !== undefined) {
      this.step(context, SECOND, () => this.publish(context));
      return;
    }
    relay.observe(context.issue, [this.advance(context, "work")]);
    context.working = true;
    relay.outside.meanwhile(context.issue, "works");
    for (const prompt of this.progress(context).steers) this.hand(context, prompt);
    this.step(context, relay.chance.between(1, 40) * MINUTE, () => this.worked(context));
  }

  private worked(context: UnderWay): void {
    const { relay } = this;
    const { chance } = relay;
    context.working = false;
    const { done, unlucky } = relay.setting.agent;
    if (chance.that(unlucky)) {
      this.settle(
        context,
        chance.pick<End>([
          { outcome: "failed", failureClass: "infrastructure", retryAt: this.again(context) },
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
    this.progress(context).worked = { outcome };
    if (outcome === "question") this.settle(context, { outcome: "asked" });
    else if (outcome === "answer") this.settle(context, { outcome: "answered" });
    else if (outcome === "no_change") this.settle(context, { outcome: "no_change" });
    else this.step(context, chance.between(5, 300) * SECOND, () => this.publish(context));
  }

  private publish(context: UnderWay): void {
    const { relay } = this;
    const progress = this.progress(context);
    const remote = progress.prepared?.remote ?? null;
    progress.commit ??= { sha: this.commit(context, remote), expected: remote };
    const { sha, expected } = progress.commit;
    const id = { at: relay.agenda.now, run: context.run, fence: context.fence };
    const intent: Observation = { kind: "push_intended", ...id, sha, expected };
    relay.observe(context.issue, [
      this.advance(context, "publish"),
      ...(relay.has("no_repair_key") ? [] : [intent]),
    ]);
    relay.boundary();
    if (this.stopped(context)) return;
    this.step(context, relay.chance.between(200, 20_000), () => this.push(context));
  }

  /** A commit of ours on top of what the branch holds; with the base integrated where that is the work. */
  private commit(context: UnderWay, parent: string | null): string {
    const { relay } = this;
    const { forge } = relay.outside.place(context.issue);
    const { integrations } = this.progress(context);
    const sha = `h-${context.issue.slice(-4)}-${context.run}-${integrations}`;
    if (forge.commits.has(sha)) return sha;
    const integrates = parent === null || this.rowOf(context)?.type === "queue_repair";
    const base = integrates ? forge.baseVersion : forge.commits.get(parent).base;
    forge.commits.add({ sha, parent, by: "us", good: relay.chance.that(relay.setting.forge.skill), base });
    return sha;
  }

  private push(context: UnderWay): void {
    const { relay } = this;
    const { forge } = relay.outside.place(context.issue);
    const progress = this.progress(context);
    const { commit } = progress;
    if (commit === undefined) return;
    this.oracle.pushes(relay, context.issue, context.run);
    const expected = relay.has("no_lease") ? undefined : commit.expected;
    const answer = relay.call("forge", () => forge.push(this.branch(context), commit.sha, expected));
    this.oracle.pushed(relay, context.issue);
    relay.boundary();
    if (answer !== "moved") {
      this.step(context, relay.chance.between(100, 3_000), () => this.open(context));
      return;
    }
    const remote = forge.branches.get(this.branch(context)) ?? null;
    if (relay.has("blind_retry")) {
      progress.commit = { sha: commit.sha, expected: remote };
      this.step(context, SECOND, () => this.publish(context));
      return;
    }
    if (progress.integrations > 0 || relay.chance.that(0.3)) {
      this.settle(context, { outcome: "superseded" });
      return;
    }
    progress.integrations += 1;
    progress.commit = { sha: this.commit(context, remote), expected: remote };
    this.step(context, SECOND, () => this.publish(context));
  }

  private open(context: UnderWay): void {
    const { relay } = this;
    const { forge } = relay.outside.place(context.issue);
    const branch = this.branch(context);
    const known = relay.facts(context.issue)?.pullRequest?.number ?? null;
    const number = known ?? relay.call("forge", () => forge.open(branch, relay.outside.nextNumber()));
    relay.boundary();
    const reading = relay.call("forge", () => forge.read(number, branch));
    if (reading !== null) relay.observe(context.issue, [this.seen(context.issue, reading)]);
    relay.boundary();
    this.settle(context, { outcome: "published" });
  }

  private again(context: UnderWay): number {
    const runs = this.relay.facts(context.issue)?.runs ?? [];
    const failures = runs.filter((run) => run.end?.outcome === "failed" && !run.end.charged).length;
    return this.relay.agenda.now + Math.min(10 * MINUTE, 15 * SECOND * 2 ** Math.min(failures, 8));
  }

  /** The end of a run and of its slot, in one transaction. */
  private settle(context: UnderWay, end: End): void {
    const { relay } = this;
    const { outcome, failureClass = null, retryAt = null } = end;
    const ended: Observation = {
      kind: "run_ended",
      at: relay.agenda.now,
      run: context.run,
      fence: context.fence,
      end: { outcome, failureClass, summary: `It ${outcome}.`, retryAt, replies: [] },
      question: outcome === "asked" ? { text: "Which one?", options: ["a", "b"] } : null,
      spent: { ...NOTHING_SPENT, input: relay.chance.between(1_000, 400_000) },
    };
    if (relay.has("settle_apart")) {
      relay.observe(context.issue, [ended]);
      relay.boundary();
    }
    relay.store.slots.delete(context.issue);
    if (!relay.has("settle_apart")) relay.observe(context.issue, [ended]);
    this.leave(context);
    if (outcome === "asked") relay.outside.asked(context.issue);
    relay.later(0, () => this.start());
  }

  private leave(context: UnderWay): void {
    context.over = true;
    if (this.underWay.get(context.issue) === context) this.underWay.delete(context.issue);
  }

  /** A commit changed the issue: a run that was told to stop stops within seconds. */
  noticed(issue: IssueId): void {
    const context = this.underWay.get(issue);
    if (context === undefined || this.rowOf(context)?.stop == null) return;
    this.relay.later(this.relay.chance.between(100, 5_000), () => {
      if (!context.over) this.stopped(context);
    });
  }

  stop(issue: IssueId, run: number): void {
    if (this.underWay.get(issue)?.run === run) this.noticed(issue);
  }

  steer(issue: IssueId, run: number, prompt: string): void {
    const { steers } = this.relay.store.progressOf(issue, run);
    if (!steers.includes(prompt)) steers.push(prompt);
    const context = this.underWay.get(issue);
    if (context?.run === run && context.working) this.hand(context, prompt);
  }

  private hand(context: UnderWay, prompt: string): void {
    const { relay } = this;
    relay.later(relay.chance.between(1, 60) * SECOND, () => {
      if (context.over || !context.working || this.rowOf(context)?.steered.includes(prompt) === true) return;
      const { run, fence } = context;
      relay.observe(context.issue, [{ kind: "prompt_delivered", at: relay.agenda.now, run, fence, prompt }]);
    });
  }
}

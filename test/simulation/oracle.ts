import { authorityOf } from "../../src/factory/judge/authority.ts";
import { budgetsOf } from "../../src/factory/judge/budget.ts";
import { emptyFacts, type Facts, type Run } from "../../src/factory/facts/facts.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { TERMINAL, type FactoryState } from "../../src/factory/facts/state.ts";
import type { Advance } from "../../src/factory/advance.ts";
import type { Forge } from "./forge.ts";
import type { Process } from "./process.ts";
import type { OutboxRow } from "./store.ts";

export interface Violation {
  /** The number of the invariant, promise or threat in docs/reliability.md. */
  readonly invariant: string;
  readonly at: number;
  readonly what: string;
}

const DEALT: ReadonlySet<string> = new Set(["published", "no_change", "answered", "asked"]);
const REPAIRS: ReadonlySet<string> = new Set(["ci_repair", "queue_repair", "review_fix"]);

/** Judges the relay by what it does, step by step and at the end, knowing the truth outside. */
export class Oracle {
  readonly violations: Violation[] = [];
  /** A digest of everything decided, to tell two histories apart. */
  trace = 0;

  private broken(relay: Process, invariant: string, what: string): void {
    if (this.violations.length < 20) this.violations.push({ invariant, at: relay.agenda.now, what });
  }

  private note(text: string): void {
    for (let index = 0; index < text.length; index += 1)
      this.trace = Math.imul(this.trace ^ text.charCodeAt(index), 0x01000193);
  }

  /** After each turn: the decision, the facts it left and the run it started. */
  turned(relay: Process, issue: IssueId, before: Facts, result: Advance, seen: readonly Observation[]): void {
    const { facts, decision } = result;
    const { now } = relay.agenda;
    this.note(`${now} ${issue} ${decision.rule} ${result.effects.map((effect) => effect.key).join()}`);
    const live = facts.runs.filter((run) => run.state !== "ended");
    if (live.length > 1) this.broken(relay, "I1", `${live.length} live runs of ${issue}`);
    if (!TERMINAL.has(decision.state) && decision.step.kind === "wait" && decision.waitsFor === null)
      this.broken(relay, "I19", `${decision.rule} waits for nothing`);
    if (decision.until !== null && decision.until <= now)
      this.broken(relay, "I18", `${decision.rule} wants to be woken in the past`);
    if (TERMINAL.has(decision.state) && decision.until !== null)
      this.broken(relay, "I16", `${decision.rule} has ended and has a timer`);
    if (decision.step.kind === "finish" && live.length > 0)
      this.broken(relay, "I16", `${decision.rule} finished with a live run`);
    const limits = relay.setting.policy.projects[0]?.budgets ?? null;
    for (const [name, { spent, limit }] of Object.entries(budgetsOf(facts, limits))) {
      if (spent < 0 || (limit !== null && name !== "tokens" && spent > limit))
        this.broken(relay, "I3", `${name}: ${spent} of ${limit}`);
    }
    for (const run of facts.runs.slice(before.runs.length)) this.started(relay, issue, facts, run);
    for (const run of facts.runs) {
      if (before.runs.find((row) => row.number === run.number)?.end != null || run.end === null) continue;
      this.ended(relay, issue, facts, run);
    }
    for (const each of seen) {
      const authority = authorityOf(facts, relay.setting.policy);
      const run = facts.runs.at(-1);
      if (each.kind === "push_intended" && authority?.granted !== true && run?.stop === null)
        this.broken(relay, "R16", `a push was intended on ${issue} although nobody wants it`);
    }
  }

  private started(relay: Process, issue: IssueId, facts: Facts, run: Run): void {
    const { forge } = relay.outside.place(issue);
    const { cause } = run;
    const authority = authorityOf(facts, relay.setting.policy);
    if (authority?.granted !== true)
      this.broken(relay, "R16", `run ${run.number} of ${issue} starts without authority`);
    if (run.type === "ci_repair") {
      const red = cause.checks.some((name) => forge.redOnce.has(`${cause.head} ${name}`));
      if (!red) this.broken(relay, "I11", `run ${run.number} repairs ${cause.head}, which was never red`);
    }
    if (run.type === "queue_repair") {
      const ejected = forge.pulls.some((pull) =>
        pull.ejections.some((each) => `${each.at}:${each.head}` === cause.ejection),
      );
      if (!ejected && !forge.conflictOnce.has(cause.head ?? ""))
        this.broken(relay, "I11", `run ${run.number} repairs ${cause.head}, which nothing rejected`);
    }
    for (const prompt of cause.prompts) this.person(relay, prompt, run);
    if (REPAIRS.has(run.type)) this.budgetInTruth(relay, facts, forge, run);
  }

  /** Attempts since the last push by somebody else, by the truth of the commits and not by our memory of them. */
  private budgetInTruth(relay: Process, facts: Facts, forge: Forge, run: Run): void {
    const limits = {
      ci_repair: "ciRepairs",
      review_fix: "reviewFixes",
      queue_repair: "queueRepairs",
    } as const;
    if (run.type === "implementation") return;
    const limit = relay.setting.policy.projects[0]?.budgets[limits[run.type]] ?? 0;
    const root = foreign(forge, run.cause.head);
    const same = facts.runs.filter(
      (row) =>
        row.type === run.type &&
        row.generation === run.generation &&
        (row.end === null || row.end.charged) &&
        foreign(forge, row.cause.head) === root,
    );
    if (same.length > limit)
      this.broken(relay, "R8", `${same.length} of ${limit} ${run.type}s on top of ${root}`);
  }

  private person(relay: Process, prompt: string, run: Run): void {
    if (relay.outside.spoken.get(prompt) !== true)
      this.broken(relay, "R9", `run ${run.number} follows ${prompt}, which no person who may has said`);
  }

  private ended(relay: Process, issue: IssueId, facts: Facts, run: Run): void {
    const { end } = run;
    if (end === null) return;
    const innocent =
      end.failureClass === "infrastructure" ||
      end.failureClass === "capacity" ||
      end.outcome === "interrupted";
    if (innocent && end.charged)
      this.broken(relay, "R8", `run ${run.number} is charged for what was not its fault`);
    for (const prompt of run.steered) this.person(relay, prompt, run);
    if (end.outcome !== "published") return;
    const twice = facts.runs.filter(
      (row) =>
        row.type === run.type &&
        row.end?.outcome === "published" &&
        ((run.type === "ci_repair" && row.cause.head === run.cause.head) ||
          (run.type === "queue_repair" && row.cause.key === run.cause.key)),
    );
    if (twice.length > 1)
      this.broken(relay, "I12", `${run.cause.head} of ${issue} was repaired ${twice.length} times`);
    const dealt = [...run.cause.prompts, ...run.steered];
    for (const prompt of new Set(dealt)) this.once(relay, facts, prompt);
  }

  private once(relay: Process, facts: Facts, prompt: string): void {
    const by = facts.runs.filter(
      (run) =>
        DEALT.has(run.end?.outcome ?? "") &&
        (run.cause.prompts.includes(prompt) || run.steered.includes(prompt)),
    );
    if (by.length > 1)
      this.broken(relay, "I10", `${prompt} was carried out by runs ${by.map((run) => run.number).join()}`);
  }

  /** After each step of the process. */
  standing(relay: Process): void {
    for (const [issue, number] of relay.store.slots) {
      const run = relay.facts(issue)?.runs.find((row) => row.number === number);
      if (run?.state !== "running")
        this.broken(relay, "I2", `the slot of ${issue} holds run ${number}, which is ${run?.state}`);
    }
    if (relay.store.slots.size > relay.setting.slots) this.broken(relay, "I9", "more runs than slots");
  }

  /** After a restart, before anything is recovered: what was promised must still be there. */
  restarted(relay: Process): void {
    this.standing(relay);
    this.durable(relay);
  }

  private durable(relay: Process): void {
    const journaled = new Set(
      [...relay.store.issues.values()].flatMap((row) => row.journal.map((line) => line.delivery)),
    );
    for (const { delivery, acknowledged } of relay.outside.fates) {
      const row = relay.store.inbox.get(delivery.id);
      if (acknowledged && row === undefined)
        this.broken(relay, "I4", `${delivery.id} was acknowledged and is gone`);
      if (row?.state === "applied" && !journaled.has(delivery.id))
        this.broken(relay, "R3", `${delivery.id} is marked as applied and never was`);
    }
  }

  begins(relay: Process, issue: IssueId, other: number | null, run: Run): void {
    if (other !== null)
      this.broken(relay, "I1", `run ${run.number} of ${issue} begins while ${other} is under way`);
  }

  /** An effect is about to be carried out. */
  performs(relay: Process, row: OutboxRow): void {
    const { effect } = row;
    if (!row.lane.endsWith(" control")) {
      const earlier = relay.store.open.get(row.lane)?.find((other) => other.id < row.id);
      if (earlier !== undefined) this.broken(relay, "I14", `${effect.key} overtakes ${earlier.effect.key}`);
    }
  }

  /** The forge is about to be asked for a merge. */
  merges(relay: Process, issue: IssueId, key: string): void {
    const facts = relay.facts(issue);
    if (facts !== null && authorityOf(facts, relay.setting.policy)?.granted !== true)
      this.broken(relay, "R16", `${key} is carried out after the work was stopped`);
  }

  pushes(relay: Process, issue: IssueId, number: number): void {
    const newest = relay.facts(issue)?.runs.at(-1);
    if (newest?.number !== number || newest.state !== "running")
      this.broken(
        relay,
        "I15",
        `run ${number} of ${issue} pushes, and run ${newest?.number} is ${newest?.state}`,
      );
  }

  pushed(relay: Process, issue: IssueId): void {
    const { forge } = relay.outside.place(issue);
    for (const sha of forge.lost) {
      if (forge.commits.get(sha).by !== "us") this.broken(relay, "T25", `${sha} was overwritten`);
    }
  }

  /** When all is quiet: nothing was lost, nothing happened twice, and the journal explains the facts. */
  atEnd(relay: Process): void {
    this.durable(relay);
    for (const fate of relay.outside.fates) {
      if (fate.over && !fate.acknowledged && fate.refused > 0 && !relay.store.inbox.has(fate.delivery.id))
        this.broken(relay, "I13", `${fate.delivery.id} was refused ${fate.refused} times and is gone`);
    }
    for (const [issue, row] of relay.store.issues) {
      const { tracker } = relay.outside.place(issue);
      const told = [...tracker.posts.values()];
      for (const fact of told.filter((each, index) => told.indexOf(each) !== index))
        this.broken(relay, "R3", `${fact} was told twice`);
      const { posts } = tracker;
      for (const { effect, state } of relay.store.outbox) {
        if (effect.issue !== issue || effect.kind !== "tell") continue;
        if (state !== "done" || (!posts.has(effect.key) && !relay.has("no_idempotency_key")))
          this.broken(relay, "R7", `${effect.key} was never told`);
      }
      this.prompts(relay, issue, row.facts);
      this.sessions(relay, issue, row.decision.state);
      this.recomputes(relay, issue);
      const pull = relay.outside.place(issue).forge.pulls.at(-1);
      const kept = row.facts.pullRequest;
      if (pull?.merged === true && kept?.number === pull.number && row.decision.state !== "done")
        this.broken(relay, "R4", `#${pull.number} is merged and ${issue} is ${row.decision.state}`);
    }
  }

  /** R7: whoever was told of the work was told of its end. */
  private sessions(relay: Process, issue: IssueId, state: FactoryState): void {
    if (!TERMINAL.has(state)) return;
    const last = new Map<string, string>();
    for (const { effect } of relay.store.outbox)
      if (effect.issue === issue && effect.kind === "tell") last.set(effect.session, effect.activity.type);
    for (const [session, type] of last)
      if (type !== "response") this.broken(relay, "R7", `${session} of ${issue} was left with a ${type}`);
  }

  private prompts(relay: Process, issue: IssueId, facts: Facts): void {
    const { decision } = relay.store.issues.get(issue) ?? {};
    for (const { delivery, acknowledged } of relay.outside.fates) {
      if (!acknowledged || delivery.issue !== issue) continue;
      for (const seen of delivery.observations) {
        if (seen.kind !== "prompted") continue;
        if (facts.prompts[seen.prompt] === undefined)
          this.broken(relay, "I10", `${seen.prompt} was accepted and forgotten`);
        this.once(relay, facts, seen.prompt);
        const open = ["said_all", "dequeued_by_person", "ci_blocked"].includes(decision?.rule ?? "");
        const dealt = facts.runs.some(
          (run) =>
            (DEALT.has(run.end?.outcome ?? "") || run.end?.outcome === "stopped") &&
            (run.cause.prompts.includes(seen.prompt) || run.steered.includes(seen.prompt)),
        );
        if (open && !dealt && relay.outside.spoken.get(seen.prompt) === true)
          this.broken(relay, "I10", `${seen.prompt} was never answered, at ${decision?.rule}`);
      }
    }
  }

  /** I5: the journal, done again, leads to the very same facts and decision. */
  private recomputes(relay: Process, issue: IssueId): void {
    const row = relay.store.issues.get(issue);
    if (row === undefined) return;
    let facts = emptyFacts(issue, row.createdAt);
    let before: Advance["decision"] | null = null;
    for (const { now, conditions, observations } of row.journal) {
      const result = relay.turn({
        facts,
        before,
        observations,
        policy: relay.setting.policy,
        conditions,
        now,
      });
      facts = result.facts;
      before = result.decision;
    }
    if (JSON.stringify([facts, before]) !== JSON.stringify([row.facts, row.decision]))
      this.broken(relay, "I5", `the journal of ${issue} leads elsewhere`);
  }

  /** Nothing may go on for ever: by now each issue must have ended, or wait for a person. */
  outOfTime(relay: Process, issue: IssueId): void {
    const decision = relay.store.issues.get(issue)?.decision;
    this.broken(
      relay,
      "R4",
      decision === undefined
        ? `${issue} was delegated and is not known`
        : `${issue} is still ${decision.state} (${decision.rule}), waiting for ${decision.waitsFor}`,
    );
  }
}

/** The newest commit at or below `head` that is not ours. */
function foreign(forge: Forge, head: string | null): string | null {
  for (let at = head; at !== null && forge.commits.has(at); at = forge.commits.get(at).parent) {
    if (forge.commits.get(at).by !== "us") return at;
  }
  return null;
}

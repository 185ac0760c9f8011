import { authorityOf } from "../../../src/factory/judge/authority.ts";
import { budgetsOf } from "../../../src/factory/judge/budget.ts";
import type { Effect } from "../../../src/factory/effects/effect.ts";
import { type Facts, emptyFacts } from "../../../src/factory/facts/facts.ts";
import type { Run } from "../../../src/factory/facts/run.ts";
import { parseRunId, type IssueId } from "../../../src/factory/facts/ids.ts";
import { isNews } from "../../../src/factory/facts/news.ts";
import { TERMINAL } from "../../../src/factory/facts/state.ts";
import type { Advance, AdvanceInput } from "../../../src/factory/advance.ts";
import type { Forge } from "../outside/forge.ts";
import type { Ledger, LedgerIssue } from "./ledger.ts";
import type { Judge, Life, Stage } from "../life.ts";
import { plantedFactory } from "../planted.ts";

export interface Violation {
  /** The number of the invariant, promise or threat in docs/reliability.md. */
  readonly invariant: string;
  readonly at: number;
  readonly what: string;
}

const DEALT: ReadonlySet<string> = new Set(["published", "no_change", "answered", "asked"]);
const REPAIRS: ReadonlySet<string> = new Set(["ci_repair", "queue_repair", "review_fix"]);

/** Judges the relay by what it does, step by step and at the end, knowing the truth outside. */
export class Oracle implements Judge {
  readonly violations: Violation[] = [];
  readonly interpreted = new Set<string>();
  /** What was so on the machine at the time of an advance, by issue and time. */
  private readonly conditions = new Map<string, AdvanceInput["conditions"]>();
  /** Something was committed since the slots were last judged. */
  private isNew = false;
  /** A digest of everything decided, to tell two histories apart. */
  trace = 0;

  private broken(life: Stage, invariant: string, what: string): void {
    if (this.violations.length < 20) this.violations.push({ invariant, at: life.agenda.now, what });
  }

  private note(text: string): void {
    for (let index = 0; index < text.length; index += 1)
      this.trace = Math.imul(this.trace ^ text.charCodeAt(index), 0x01000193);
  }

  advanced(life: Life, input: AdvanceInput, result: Advance): void {
    const { facts, decision } = result;
    const { facts: before, observations: seen, now } = input;
    const issue = facts.id;
    this.isNew = true;
    this.conditions.set(`${issue} ${now}`, input.conditions);
    this.note(`${now} ${issue} ${decision.rule} ${result.effects.map((effect) => effect.key).join()}`);
    const live = facts.runs.filter((run) => run.state !== "ended");
    if (live.length > 1) this.broken(life, "I1", `${live.length} live runs of ${issue}`);
    if (!TERMINAL.has(decision.state) && decision.step.kind === "wait" && decision.waitsFor === null)
      this.broken(life, "I19", `${decision.rule} waits for nothing`);
    if (decision.until !== null && decision.until <= now)
      this.broken(life, "I18", `${decision.rule} wants to be woken in the past`);
    if (TERMINAL.has(decision.state) && decision.until !== null)
      this.broken(life, "I16", `${decision.rule} has ended and has a timer`);
    if (decision.step.kind === "finish" && live.length > 0)
      this.broken(life, "I16", `${decision.rule} finished with a live run`);
    const limits = life.setting.policy.projects[0]?.budgets ?? null;
    for (const [name, { spent, limit }] of Object.entries(budgetsOf(facts, limits))) {
      if (spent < 0 || (limit !== null && name !== "tokens" && spent > limit))
        this.broken(life, "I3", `${name}: ${spent} of ${limit}`);
    }
    for (const run of facts.runs.slice(before.runs.length)) this.started(life, issue, facts, run);
    for (const run of facts.runs) {
      if (before.runs.find((row) => row.number === run.number)?.end != null || run.end === null) continue;
      this.ended(life, issue, facts, run);
    }
    for (const each of seen) {
      const authority = authorityOf(facts, life.setting.policy);
      const run = facts.runs.at(-1);
      if (each.kind === "push_intended" && authority?.granted !== true && run?.stop === null)
        this.broken(life, "R16", `a push was intended on ${issue} although nobody wants it`);
    }
  }

  private started(life: Life, issue: IssueId, facts: Facts, run: Run): void {
    const { forge } = life.outside.place(issue);
    const { cause } = run;
    const authority = authorityOf(facts, life.setting.policy);
    if (authority?.granted !== true)
      this.broken(life, "R16", `run ${run.number} of ${issue} starts without authority`);
    if (run.type === "ci_repair") {
      const red = cause.checks.some((name) => forge.redOnce.has(`${cause.head} ${name}`));
      if (!red) this.broken(life, "I11", `run ${run.number} repairs ${cause.head}, which was never red`);
    }
    if (run.type === "queue_repair") {
      const ejected = forge.pulls.some((pull) =>
        pull.ejections.some((each) => `${each.at}:${each.head}` === cause.ejection),
      );
      if (!ejected && !forge.conflictOnce.has(cause.head ?? ""))
        this.broken(life, "I11", `run ${run.number} repairs ${cause.head}, which nothing rejected`);
    }
    for (const prompt of cause.prompts) this.person(life, prompt, run);
    if (REPAIRS.has(run.type)) this.budgetInTruth(life, facts, forge, run);
  }

  /** Attempts since the last push by somebody else, by the truth of the commits and not by our memory of them. */
  private budgetInTruth(life: Stage, facts: Facts, forge: Forge, run: Run): void {
    const limits = {
      ci_repair: "ciRepairs",
      review_fix: "reviewFixes",
      queue_repair: "queueRepairs",
    } as const;
    if (run.type === "implementation") return;
    const limit = life.setting.policy.projects[0]?.budgets[limits[run.type]] ?? 0;
    const root = foreign(forge, run.cause.head);
    const same = facts.runs.filter(
      (row) =>
        row.type === run.type &&
        row.generation === run.generation &&
        (row.end === null || row.end.charged) &&
        foreign(forge, row.cause.head) === root,
    );
    if (same.length > limit)
      this.broken(life, "R8", `${same.length} of ${limit} ${run.type}s on top of ${root}`);
  }

  private person(life: Stage, prompt: string, run: Run): void {
    if (life.outside.spoken.get(prompt) !== true)
      this.broken(life, "R9", `run ${run.number} follows ${prompt}, which no person who may has said`);
  }

  private ended(life: Stage, issue: IssueId, facts: Facts, run: Run): void {
    const { end } = run;
    if (end === null) return;
    const innocent =
      end.failureClass === "infrastructure" ||
      end.failureClass === "capacity" ||
      end.outcome === "interrupted";
    if (innocent && end.charged)
      this.broken(life, "R8", `run ${run.number} is charged for what was not its fault`);
    for (const prompt of run.steered) this.person(life, prompt, run);
    if (end.outcome !== "published") return;
    const twice = facts.runs.filter(
      (row) =>
        row.type === run.type &&
        row.end?.outcome === "published" &&
        ((run.type === "ci_repair" && row.cause.head === run.cause.head) ||
          (run.type === "queue_repair" && row.cause.key === run.cause.key)),
    );
    if (twice.length > 1)
      this.broken(life, "I12", `${run.cause.head} of ${issue} was repaired ${twice.length} times`);
    const dealt = [...run.cause.prompts, ...run.steered];
    for (const prompt of new Set(dealt)) this.once(life, facts, prompt);
  }

  private once(life: Stage, facts: Facts, prompt: string): void {
    const by = facts.runs.filter(
      (run) =>
        DEALT.has(run.end?.outcome ?? "") &&
        (run.cause.prompts.includes(prompt) || run.steered.includes(prompt)),
    );
    if (by.length > 1)
      this.broken(life, "I10", `${prompt} was carried out by runs ${by.map((run) => run.number).join()}`);
  }

  /** Whenever all is quiet. */
  judgeSlots(life: Stage, ledger: Ledger): void {
    if (!this.isNew) return;
    this.isNew = false;
    const slots = ledger.slots();
    for (const { issue, number } of slots) {
      const run = ledger.facts(issue)?.runs.find((row) => row.number === number);
      if (run?.state !== "running")
        this.broken(life, "I2", `the slot of ${issue} holds run ${number}, which is ${run?.state}`);
    }
    for (const { id, number } of ledger.running()) {
      if (!slots.some((slot) => slot.issue === id && slot.number === number))
        this.broken(life, "I2", `run ${number} of ${id} is under way and holds no slot`);
    }
    if (slots.length > life.setting.slots) this.broken(life, "I9", "more runs than slots");
  }

  restarted(life: Stage, ledger: Ledger): void {
    this.isNew = true;
    this.judgeSlots(life, ledger);
    this.durable(life, ledger);
  }

  private durable(life: Stage, ledger: Ledger): void {
    const kept = ledger.deliveries();
    for (const { delivery, acknowledged } of life.outside.fates) {
      const name = `${delivery.source}:${delivery.id}`;
      const state = kept.get(name);
      if (acknowledged && state === undefined)
        this.broken(life, "I4", `${delivery.id} was acknowledged and is gone`);
      if (state === "applied" && !this.interpreted.has(name))
        this.broken(life, "R3", `${delivery.id} is marked as applied and never was`);
      if (state === "quarantined") this.broken(life, "R3", `${delivery.id} was quarantined`);
    }
  }

  logged(life: Stage, message: string): void {
    this.broken(life, "log", message);
  }

  begins(
    life: Life,
    { issue, run }: { readonly issue: IssueId; readonly run: number },
    other: number | null,
  ): void {
    if (other !== null) this.broken(life, "I1", `run ${run} of ${issue} begins while ${other} is under way`);
  }

  performs(life: Life, effect: Effect): void {
    const earlier = life.ledger.overtaken(effect.issue, effect.key);
    if (earlier !== undefined) this.broken(life, "I14", `${effect.key} overtakes ${earlier}`);
  }

  merges(life: Life, issue: IssueId, what: string): void {
    const facts = life.ledger.facts(issue);
    if (facts !== null && authorityOf(facts, life.setting.policy)?.granted !== true)
      this.broken(life, "R16", `${what} is asked for after the work was stopped`);
  }

  pushes(life: Life, id: string): void {
    const run = parseRunId(id);
    const newest = run === null ? undefined : life.ledger.facts(run.issue)?.runs.at(-1);
    if (run === null || newest?.number !== run.number || newest.state !== "running")
      this.broken(life, "I15", `${id} pushes, and run ${newest?.number} is ${newest?.state}`);
  }

  pushed(life: Life, { commits, lost }: Forge): void {
    for (const { sha, under } of lost) {
      const { by, work } = commits.get(sha);
      const isKept = [...commits.line(under)].some((commit) => commit.work === work);
      if (by !== "us" && !isKept) this.broken(life, "T25", `${sha} was overwritten`);
    }
  }

  /** When all is quiet: nothing was lost, nothing happened twice, and the journal explains the facts. */
  atEnd(life: Stage, ledger: Ledger): void {
    this.durable(life, ledger);
    const kept = ledger.deliveries();
    for (const { over, acknowledged, refused, delivery } of life.outside.fates) {
      if (over && !acknowledged && refused > 0 && !kept.has(`${delivery.source}:${delivery.id}`))
        this.broken(life, "I13", `${delivery.id} was refused ${refused} times and is gone`);
    }
    const tells = ledger.effects("tell");
    for (const issue of ledger.issues()) {
      const { tracker, forge } = life.outside.place(issue.id);
      const { state } = issue.decision;
      const told = [...tracker.posts.values()];
      for (const fact of told.filter((each, index) => told.indexOf(each) !== index))
        this.broken(life, "R3", `${fact} was told twice`);
      const facts = new Set(told);
      for (const tell of tells) {
        // A glimpse that another has followed is left out.
        const isOver = facts.has(tell.key) || tell.key.includes(":glimpse:");
        if (tell.issue === issue.id && (tell.state !== "done" || !isOver))
          this.broken(life, "R7", `${tell.key} was never told`);
      }
      this.prompts(life, issue);
      this.sessions(life, issue, tells);
      this.recomputes(life, issue, ledger);
      const pull = forge.pulls.at(-1);
      const known = issue.facts.pullRequest;
      if (pull?.merged === true && known?.number === pull.number && state !== "done")
        this.broken(life, "R4", `#${pull.number} is merged and ${issue.id} is ${state}`);
    }
  }

  /** R7: whoever was told of the work was told of its end. */
  private sessions(life: Stage, { id, decision }: LedgerIssue, tells: ReturnType<Ledger["effects"]>): void {
    if (!TERMINAL.has(decision.state)) return;
    const last = new Map<string, string>();
    for (const { issue, payload } of tells) {
      const effect = JSON.parse(payload) as Extract<Effect, { kind: "tell" }>;
      if (issue === id) last.set(effect.session, effect.activity.type);
    }
    for (const [session, type] of last)
      if (type !== "response") this.broken(life, "R7", `${session} of ${id} was left with a ${type}`);
  }

  /** I5: the journal, done again, leads to the same facts and decision. */
  private recomputes(life: Stage, { id, facts: kept, decision }: LedgerIssue, ledger: Ledger): void {
    const { policy, mistakes } = life.setting;
    const advance = plantedFactory(mistakes);
    let facts = emptyFacts(id, kept.createdAt);
    let before: Advance["decision"] | null = null;
    for (const { at: now, observations } of ledger.journal(id)) {
      const conditions = this.conditions.get(`${id} ${now}`) ?? life.outside.conditions();
      const result: Advance = advance({ facts, before, observations, policy, conditions, now });
      facts = result.facts;
      before = result.decision;
    }
    if (before?.rule !== decision.rule || before.state !== decision.state)
      this.broken(life, "I5", `the journal leaves ${id} at ${before?.rule}, and it is at ${decision.rule}`);
    // What was only read to be still so has no line, so the times of readings may be older.
    else if (isNews(facts, kept)) this.broken(life, "I5", `the journal of ${id} leads to other facts`);
  }

  private prompts(life: Stage, { id: issue, facts, decision }: LedgerIssue): void {
    for (const { delivery, acknowledged } of life.outside.fates) {
      if (!acknowledged || delivery.issue !== issue) continue;
      for (const seen of delivery.observations) {
        if (seen.kind !== "prompted") continue;
        if (facts.prompts[seen.prompt] === undefined)
          this.broken(life, "I10", `${seen.prompt} was accepted and forgotten`);
        this.once(life, facts, seen.prompt);
        const open = ["said_all", "dequeued_by_person", "ci_blocked"].includes(decision.rule);
        const dealt = facts.runs.some(
          (run) =>
            (DEALT.has(run.end?.outcome ?? "") || run.end?.outcome === "stopped") &&
            (run.cause.prompts.includes(seen.prompt) || run.steered.includes(seen.prompt)),
        );
        if (open && !dealt && life.outside.spoken.get(seen.prompt) === true)
          this.broken(life, "I10", `${seen.prompt} was never answered, at ${decision.rule}`);
      }
    }
  }

  /** Nothing may go on forever: by now each issue must have ended, or wait for a person. */
  outOfTime(life: Stage, issue: IssueId, row: LedgerIssue | undefined): void {
    this.broken(
      life,
      "R4",
      row === undefined
        ? `${issue} was delegated and is not known`
        : `${issue} is still ${row.decision.state} (${row.decision.rule}), waiting for ${row.decision.waitsFor}`,
    );
  }
}

/** The newest change at or below `head` that is not ours, whatever commit carries it now. */
function foreign({ commits }: Forge, head: string | null): string | null {
  if (head === null) return null;
  for (const commit of commits.line(head)) if (commit.by !== "us") return commit.work;
  return null;
}

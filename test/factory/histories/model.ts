import { NOBODY, type Actor } from "../../../src/factory/facts/actor.ts";
import { type Facts, emptyFacts } from "../../../src/factory/facts/facts.ts";
import { NOTHING_SPENT, type Run } from "../../../src/factory/facts/run.ts";
import type {
  Check,
  Commit,
  Conclusion,
  Ejection,
  PullRequestCore,
  QueueEntry,
  Review,
  Thread,
} from "../../../src/factory/facts/pull-request.ts";
import type { Observation, ReadAuthority, TicketReading } from "../../../src/factory/facts/observation.ts";
import { withProject } from "../../../src/factory/judge/route.ts";
import { ANN, commit, ISSUE, POLICY, REV, STRANGER, T0, ticketReading } from "../world.ts";

/**
 * A ticket and its pull request as the outside keeps them, small and written without a look at the factory:
 * what happens is remembered as it is true, told as the webhooks tell it, and read as the APIs read it.
 */
export class Model {
  now = T0;
  /** What was told, in order. The relay's own observations (runs, commands) are marked: they are never lost. */
  readonly told: { readonly seen: Observation; readonly own: boolean }[] = [];
  private readonly ticket: { status: TicketReading["status"]; description: string };
  private readonly authorities: ReadAuthority[] = [];
  private readonly sessions: TicketReading["sessions"][number][] = [];
  private readonly prompts: TicketReading["prompts"][number][] = [];
  private readonly comments: { id: string; at: number; by: Actor; text: string }[] = [];
  private blockers: TicketReading["blockers"] = [];
  private core: PullRequestCore | null = null;
  private updatedAt = T0;
  private readonly checks = new Map<string, Map<string, Check>>();
  private readonly reviews: Review[] = [];
  private readonly threads: Thread[] = [];
  private readonly ejections: Ejection[] = [];
  private commits: Commit[] = [];
  private expected: readonly string[] | null = [];
  private baseChangedAt: number | null = null;
  private queue: QueueEntry | null = null;
  private conflict = false;
  private baseRed = false;
  private ownEnd: number | null = null;
  private runNumber = 0;
  private ids = 0;

  constructor() {
    this.ticket = {
      status: { id: "s1", name: "Todo", type: "unstarted", endedAt: null },
      description: "It only adds.",
    };
  }

  private tell(seen: Observation, own = false): void {
    this.told.push({ seen, own });
  }

  private next(prefix: string): string {
    this.ids += 1;
    return `${prefix}${this.ids}`;
  }

  /** Time goes on; no two things happen at the same instant. */
  pass(seconds: number): void {
    this.now += 1 + Math.round(seconds * 1_000);
  }

  // ── the tracker ──

  delegate(): void {
    const id = this.next("session-");
    this.sessions.push({ id, at: this.now, by: ANN, automatic: false, staleAt: null });
    this.authorities.push({ granted: true, at: this.now, cause: "delegated", by: ANN, session: null });
    this.tell({ kind: "delegated", at: this.now, by: ANN });
    this.tell({
      kind: "session_opened",
      at: this.now,
      session: id,
      by: ANN,
      automatic: false,
      delegated: true,
      ticket: {},
    });
  }

  undelegate(): void {
    this.authorities.push({ granted: false, at: this.now, cause: "undelegated", by: ANN, session: null });
    this.tell({ kind: "undelegated", at: this.now, by: ANN });
  }

  /** One of the sessions, as people use whichever they have open. */
  private somewhere(): string | null {
    return this.sessions[this.ids % Math.max(1, this.sessions.length)]?.id ?? null;
  }

  stop(): void {
    const prompt = this.next("stop-");
    const session = this.somewhere();
    this.authorities.push({
      granted: false,
      at: this.now,
      cause: "stopped",
      by: ANN,
      session,
    });
    this.tell({ kind: "stop_requested", at: this.now, prompt, session, by: ANN });
  }

  say(): void {
    const id = this.next("p");
    const session = this.somewhere();
    this.prompts.push({ id, session, at: this.now, by: ANN, text: `say ${id}` });
    this.authorities.push({ granted: true, at: this.now, cause: "prompted", by: ANN, session: null });
    this.tell({
      kind: "prompted",
      at: this.now,
      prompt: id,
      session,
      by: ANN,
      from: "tracker",
      text: `say ${id}`,
    });
  }

  describe(): void {
    this.ticket.description = `It only adds, ${this.now}.`;
    this.tell({ kind: "ticket_changed", at: this.now, ticket: { core: this.readTicketCore() } });
  }

  move(type: "started" | "completed" | "canceled" | "unstarted"): void {
    const endedAt = type === "completed" || type === "canceled" ? this.now : null;
    this.ticket.status = { id: `s-${type}`, name: type, type, endedAt };
    this.ownEnd = null;
    this.tell({ kind: "ticket_changed", at: this.now, ticket: { status: this.ticket.status } });
  }

  /** The relay itself completes it, as after a merge. */
  finish(): void {
    this.ticket.status = { id: "s-done", name: "Done", type: "completed", endedAt: this.now };
    this.ownEnd = this.now;
    this.tell({
      kind: "ticket_changed",
      at: this.now,
      ticket: { status: this.ticket.status, ownEnd: this.now },
    });
  }

  block(done: boolean): void {
    this.blockers = [{ key: "APP-2", done, isSubIssue: false }];
  }

  private readTicketCore(): TicketReading["core"] {
    const base = ticketReading();
    if (base.kind !== "ticket_read") throw new Error("a ticket reading");
    return { ...base.core, description: this.ticket.description };
  }

  // ── the forge ──

  open(head: string): void {
    if (this.core !== null) return;
    this.commits = [commit(head, this.now)];
    this.core = {
      state: "open",
      merged: false,
      draft: false,
      head,
      branch: "patchrelay/app-1",
      base: "main",
      title: "t",
      closedAt: null,
    };
    this.changed();
  }

  private changed(): void {
    if (this.core === null) return;
    this.updatedAt = this.now;
    this.tell({
      kind: "pull_request_changed",
      at: this.now,
      by: NOBODY,
      pullRequest: {
        number: 7,
        url: "https://github.com/acme/app/pull/7",
        node: "PR_7",
        repositoryId: "100",
        core: this.core,
      },
    });
  }

  private live(): PullRequestCore | null {
    return this.core === null || this.core.state === "closed" ? null : this.core;
  }

  push(head: string): void {
    const core = this.live();
    if (core === null) return;
    this.core = { ...core, head };
    const place = this.commits.findIndex(({ sha }) => sha === head);
    this.commits = place < 0 ? [...this.commits, commit(head, this.now)] : this.commits.slice(0, place + 1);
    this.queue = null;
    this.conflict = false;
    this.changed();
  }

  /** A person puts the branch back to a head of theirs that it had before. */
  putBack(index: number): void {
    const known = [...this.checks.keys()].filter((head) => head.startsWith("p"));
    const head = known[index % Math.max(1, known.length)];
    if (head !== undefined) this.push(head);
  }

  /** Somebody has it merged into another branch from now on. */
  retarget(base: string): void {
    const core = this.live();
    if (core === null || core.base === base) return;
    this.core = { ...core, base };
    this.baseChangedAt = this.now;
    this.queue = null;
    this.changed();
  }

  /** A workflow comes to be known, is forgotten, or cannot be seen; only a reading tells. */
  knowChecks(expected: readonly string[] | null): void {
    this.expected = expected;
  }

  draft(draft: boolean): void {
    const core = this.live();
    if (core === null) return;
    this.core = { ...core, draft };
    this.changed();
  }

  end(merged: boolean): void {
    const core = this.live();
    if (core === null) return;
    this.core = { ...core, state: "closed", merged, closedAt: this.now };
    this.queue = null;
    this.changed();
  }

  reopen(): void {
    if (this.core === null || this.core.merged || this.core.state === "open") return;
    this.core = { ...this.core, state: "open", closedAt: null };
    this.changed();
  }

  /** A check of the present head starts, ends, or is run again under a new id. Each workflow run has its own of a name. */
  check(name: string, workflowRun: string, conclusion: Conclusion | null): void {
    if (this.core === null) return;
    const sha = this.core.head;
    const known = this.checks.get(sha) ?? new Map<string, Check>();
    const key = `${workflowRun} ${name}`;
    const before = known.get(key);
    const again = before === undefined || before.status === "completed";
    const id = again ? String(1_000 + (this.ids += 1)) : before.id;
    const check: Check = {
      name,
      app: "15368",
      id,
      status: conclusion === null ? "running" : "completed",
      conclusion,
      at: this.now,
      url: null,
      workflowRun,
      summary: null,
    };
    this.checks.set(sha, new Map([...known, [key, check]]));
    this.tell({ kind: "check_changed", at: this.now, sha, check });
  }

  review(state: "approved" | "changes_requested", stranger: boolean): void {
    if (this.live() === null || this.core === null) return;
    const by = stranger ? STRANGER : REV;
    const review: Review = {
      id: this.next("r"),
      by,
      state,
      head: this.core.head,
      at: this.now,
      body: "words",
    };
    this.reviews.push(review);
    this.tell({
      kind: "review_changed",
      at: this.now,
      number: 7,
      review: { ...review, by: { ...by, permission: null } },
    });
  }

  dismiss(index: number): void {
    const review = this.reviews[index % Math.max(1, this.reviews.length)];
    if (review === undefined) return;
    const dismissed = { ...review, state: "dismissed" as const };
    this.reviews[this.reviews.indexOf(review)] = dismissed;
    this.tell({
      kind: "review_changed",
      at: this.now,
      number: 7,
      review: { ...dismissed, by: { ...review.by, permission: null } },
    });
  }

  discuss(): void {
    if (this.core === null) return;
    const id = this.next("t");
    this.threads.push({
      id,
      resolved: false,
      path: "a.ts",
      line: 1,
      comments: [{ id: `${id}.1`, by: REV, at: this.now, text: "why?", review: null }],
    });
    this.tell({ kind: "review_comment_added", at: this.now, number: 7 });
  }

  comment(stranger: boolean): void {
    if (this.core === null) return;
    const by = stranger ? STRANGER : REV;
    const id = this.next("c");
    this.comments.push({ id, at: this.now, by, text: `comment ${id}` });
    this.tell({
      kind: "prompted",
      at: this.now,
      prompt: id,
      session: null,
      by: { ...by, permission: null },
      from: "forge",
      text: `comment ${id}`,
    });
  }

  enqueue(): void {
    if (this.live() === null || this.core === null || this.queue !== null) return;
    this.queue = { state: "QUEUED", position: null, at: this.now };
    this.tell({ kind: "queue_entered", at: this.now, number: 7, head: this.core.head });
  }

  eject(reason: Ejection["reason"]): void {
    if (this.core === null || this.queue === null) return;
    this.queue = null;
    this.ejections.push({ at: this.now, reason, ours: false, group: "g", head: this.core.head });
    this.tell({ kind: "queue_left", at: this.now, number: 7, head: this.core.head, reason, group: null });
  }

  baseMoves(red: boolean, conflict: boolean): void {
    this.baseRed = red;
    this.conflict = conflict && this.core !== null;
    this.tell({ kind: "base_moved", at: this.now, branch: "main", sha: this.next("b") });
  }

  // ── the relay itself ──

  /** A run of ours, from its beginning to its end; what it pushes was announced before. */
  run(type: Run["type"], push: string | null): void {
    const run = (this.runNumber += 1);
    if (run > MOST_RUNS) return;
    const id = { run, fence: run };
    const head = this.core?.head;
    this.tell({ kind: "run_started", at: this.now, ...id }, true);
    if (head !== undefined)
      this.tell(
        {
          kind: "phase_entered",
          at: this.now,
          ...id,
          phase: "prepare",
          thread: null,
          turn: null,
          headBefore: head,
        },
        true,
      );
    this.pass(1);
    if (push !== null) {
      const expected = this.core?.head ?? null;
      this.tell({ kind: "push_intended", at: this.now, ...id, sha: push, expected }, true);
      this.pass(1);
      if (this.core === null && type === "implementation") this.open(push);
      else this.push(push);
    }
    this.pass(1);
    // The pipeline reads the pull request after its push, before it ends.
    for (const reading of this.readings().slice(1)) if (push !== null) this.tell(reading, true);
    this.tell(
      {
        kind: "run_ended",
        at: this.now,
        ...id,
        end: {
          outcome: push === null ? "no_change" : "published",
          failureClass: null,
          summary: "did",
          retryAt: null,
          replies: [],
        },
        question: null,
        spent: NOTHING_SPENT,
      },
      true,
    );
  }

  command(command: "stop" | "pause" | "resume" | "retry" | "close" | "cancel"): void {
    const by: Actor = { ...NOBODY, kind: "operator", id: "ops", name: "ops" };
    this.tell(
      { kind: "commanded", at: this.now, command, id: this.next("k"), by, text: null, question: null },
      true,
    );
  }

  /** A sweep in between; its answer may come late or never, as any answer. */
  sweep(): void {
    for (const reading of this.readings()) this.tell(reading);
  }

  // ── what a sweep reads ──

  readings(): readonly Observation[] {
    const ticket: Observation = {
      kind: "ticket_read",
      at: this.now,
      core: this.readTicketCore(),
      status: this.ticket.status,
      ownEnd: this.ownEnd,
      blockers: this.blockers,
      removed: false,
      authorities: this.authorities,
      sessions: this.sessions,
      prompts: this.prompts,
    };
    if (this.core === null) return [ticket];
    return [
      ticket,
      {
        kind: "pull_request_read",
        at: this.updatedAt,
        readAt: this.now,
        askedAt: this.now,
        number: 7,
        url: "https://github.com/acme/app/pull/7",
        node: "PR_7",
        repositoryId: "100",
        core: this.core,
        commits: [...this.commits],
        baseChangedAt: this.baseChangedAt,
        mergeable: this.conflict ? "conflict" : "yes",
        mergeState: "open",
        required: ["test"],
        hasQueue: true,
        checks: [...(this.checks.get(this.core.head)?.values() ?? [])],
        redOnBase: this.baseRed ? ["test"] : [],
        reviews: this.reviews,
        threads: this.threads,
        queue: this.queue,
        autoMerge: false,
        autoMergeOurs: false,
        checksExpected: this.expected,
        checksCut: false,
        ejections: this.ejections,
        prompts: this.comments,
      },
    ];
  }
}

/** Runs that a history may have; their rows are there from the start, so that what is observed of them can land. */
export const MOST_RUNS = 3;

/** Facts with the rows of runs that were reserved, routed, before anything is observed. */
export function reservedFacts(types: readonly Run["type"][]): Facts {
  const first = ticketReading({ sessions: [] });
  if (first.kind !== "ticket_read") throw new Error("a ticket reading");
  const known = {
    ...emptyFacts(ISSUE, T0),
    ticket: {
      workspace: null,
      core: { value: first.core, at: T0 - 1, read: false },
      status: null,
      blockers: null,
      removed: null,
      ownEnd: null,
      delegated: null,
    },
  };
  const runs = types.slice(0, MOST_RUNS).map((type, index): Run => ({
    number: index + 1,
    type,
    generation: 1,
    fence: index + 1,
    state: "queued",
    phase: "reserve",
    queuedAt: T0,
    startedAt: null,
    endedAt: null,
    cause: {
      key: `k${index}`,
      asks: "issue",
      head: null,
      checks: [],
      reviews: [],
      ejection: null,
      prompts: [],
    },
    personHead: null,
    headBefore: null,
    headAfter: null,
    thread: null,
    turn: null,
    steered: [],
    stop: null,
    end: null,
    spent: NOTHING_SPENT,
    glimpse: null,
  }));
  return { ...withProject(known, POLICY), runs };
}

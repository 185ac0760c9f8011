import type * as D from "../../src/engines/documents.ts";
import type { Engine, EngineHealth } from "../../src/engines/engine.ts";
import { NotDurable } from "../../src/engines/engine.ts";
import { type Facts, emptyFacts } from "../../src/factory/facts/facts.ts";
import { issueId } from "../../src/factory/facts/ids.ts";
import type { IssueId } from "../../src/factory/facts/ids.ts";
import type { Observation } from "../../src/factory/facts/observation.ts";
import { observe } from "../../src/factory/observe/observe.ts";
import { iso } from "../../src/lib/clock.ts";
import type { VerifiedDelivery } from "../../src/lib/delivery.ts";

export const NOON = Date.UTC(2026, 0, 5, 12);
export const APP_1 = issueId("linear", "0a1b2c3d");

/** The engine's seam in memory: what it was given can be looked at, what it shows can be set. */
export interface FakeEngine extends Engine {
  readonly accepted: VerifiedDelivery[];
  readonly observed: { readonly issue: IssueId; readonly observation: Observation; readonly key: string }[];
  readonly issues: D.IssueDocument[];
  readonly lines: D.StreamLine[];
  readonly runs: D.RunDocument[];
  readonly effects: D.OutboxDocument[];
  readonly deliveries: D.DeliveryDocument[];
  readonly known: Map<IssueId, Facts>;
  /** Set: nothing can be stored for this reason. */
  broken: string | null;
  /** Set: `accept` waits for it. */
  gate: Promise<void> | null;
  listeners(): number;
  /** Commits a line and tells it to those who listen. */
  commit(line: Omit<D.JournalDocument, "seq"> | Omit<D.RunEventDocument, "seq">): D.StreamLine;
}

export function fakeEngine(): FakeEngine {
  const accepted: VerifiedDelivery[] = [];
  const observed: FakeEngine["observed"] = [];
  const issues: D.IssueDocument[] = [issueDocument({ id: APP_1, key: "APP-1" })];
  const lines: D.StreamLine[] = [];
  const runs: D.RunDocument[] = [];
  const effects: D.OutboxDocument[] = [];
  const deliveries: D.DeliveryDocument[] = [];
  const known = new Map<IssueId, Facts>([[APP_1, emptyFacts(APP_1, NOON)]]);
  const listening = new Set<(line: D.StreamLine) => void>();
  const keys = new Map<string, number>();

  const find = (key: string): D.IssueDocument | undefined =>
    issues.find((issue) => issue.id === key || issue.key.toLowerCase() === key.toLowerCase());
  const page = <T>(all: readonly T[], { limit, cursor }: D.PageRequest): D.Page<T> => {
    const from = cursor === null ? 0 : Number(/^n(\d{1,9})$/.exec(cursor)?.[1] ?? badCursor());
    const next = from + limit;
    return { items: all.slice(from, next), nextCursor: next < all.length ? `n${next}` : null };
  };
  const health: EngineHealth = {
    database: { ok: true, detail: "writable" },
    inbox: { pending: 2, oldestMs: 1_500, quarantined: null, mismatches: 3 },
    outbox: { pending: 4, oldestMs: null, failed: 1 },
    sweep: { ageMs: 2_000, everyMs: 60_000 },
    slots: { total: 4, used: 1 },
  };

  const engine: FakeEngine = {
    accepted,
    observed,
    issues,
    lines,
    runs,
    effects,
    deliveries,
    known,
    broken: null,
    breakdown: new Promise(() => undefined),
    gate: null,
    listeners: () => listening.size,
    commit(line) {
      const seq = lines.length + 1;
      const kept: D.StreamLine = {
        seq,
        kind: "run" in line ? "run" : "journal",
        line: { ...line, seq },
      };
      lines.push(kept);
      for (const listen of listening) listen(kept);
      return kept;
    },
    start: async () => undefined,
    stop: async () => undefined,
    async accept(delivery) {
      if (engine.gate !== null) await engine.gate;
      if (engine.broken !== null) throw new NotDurable(engine.broken);
      const duplicate = accepted.some(
        ({ source, deliveryId }) => source === delivery.source && deliveryId === delivery.deliveryId,
      );
      if (!duplicate) accepted.push(delivery);
      return duplicate ? "duplicate" : "accepted";
    },
    async record(issue, observations, origin, key = "") {
      if (engine.broken !== null) throw new NotDurable(engine.broken);
      const earlier = keys.get(key);
      if (earlier !== undefined) return { seq: earlier };
      const before = known.get(issue) ?? emptyFacts(issue, NOON);
      known.set(issue, observations.reduce(observe, before));
      for (const observation of observations) observed.push({ issue, observation, key });
      const { seq } = engine.commit(journalLine({ issue, kind: observations[0]?.kind ?? "", ...origin }));
      keys.set(key, seq);
      return { seq };
    },
    facts: async (issue) => known.get(issue) ?? null,
    replay: async (source, id) => deliveries.some((each) => each.source === source && each.deliveryId === id),
    retryEffect: async (id) => effects.find((effect) => effect.id === id)?.state ?? null,
    health: () => health,
    vault: {
      list: async () => [],
      put: async () => undefined,
      take: async () => null,
    },
    subscribe(listen) {
      listening.add(listen);
      return () => {
        listening.delete(listen);
      };
    },
    views: {
      issues: async ({ state, repo, q }, request) =>
        page(
          issues.filter(
            (issue) =>
              (state === null || issue.state === state) &&
              (repo === null || issue.repository === repo) &&
              (q === null || `${issue.key} ${issue.title}`.toLowerCase().includes(q.toLowerCase())),
          ),
          request,
        ),
      issue: async (key) => find(key) ?? null,
      async why(key, at) {
        const issue = find(key);
        if (issue === undefined || (at !== null && "time" in at && at.time < NOON)) return null;
        const { state, rule, why, waitsFor, until } = issue;
        const evidence = [{ fact: "authority", value: "granted", source: null, at: iso(NOON) }];
        return { issue: issue.key, at: iso(NOON), state, rule, why, waitsFor, until, evidence };
      },
      async journal(key, request) {
        const issue = find(key);
        if (issue === undefined) return null;
        const own = lines.flatMap(({ line }) =>
          "observation" in line && line.issue === issue.id ? [line] : [],
        );
        return page(own.toReversed(), request);
      },
      async runs({ issue }, request) {
        const id = issue === null ? null : find(issue)?.id;
        return page(
          runs.filter((run) => id === null || run.issue === id),
          request,
        );
      },
      run: async (id) => runs.find((run) => run.id === id) ?? null,
      async runEvents(id, request) {
        if (!runs.some((run) => run.id === id)) return null;
        return page(
          lines.flatMap(({ line }) => ("run" in line && line.run === id ? [line] : [])),
          request,
        );
      },
      deliveries: async ({ state, source }, request) =>
        page(
          deliveries.filter(
            (each) => (state === null || each.state === state) && (source === null || each.source === source),
          ),
          request,
        ),
      delivery: async (id) =>
        deliveries.filter((each) => each.deliveryId === id || `${each.source}:${each.deliveryId}` === id),
      deliveryBody: async (_source, id) => (id.startsWith("pruned") ? null : Buffer.from("{}")),
      outbox: async ({ state, issue }, request) =>
        page(
          effects.filter(
            (each) => (state === null || each.state === state) && (issue === null || each.issue === issue),
          ),
          request,
        ),
      queue: async () => ({
        slots: { total: 4, used: 1 },
        items: [
          { issue: APP_1, class: "backlog", position: 1, since: iso(NOON), reason: "waits for a slot" },
        ],
      }),
      budget: async () => ({
        day: "2026-01-05",
        usdToday: 1.5,
        usdPerDay: null,
        tokensToday: 120_000,
        runsToday: 3,
      }),
      stream: async (after, limit) => lines.filter(({ seq }) => seq > after).slice(0, limit),
      counts: async () => ({
        byState: { delegated: 1 },
        deliveries: { pending: 2 },
        outbox: { pending: 4, failed: 1 },
      }),
      issueId: async (key) => (find(key)?.id as IssueId | undefined) ?? null,
      sealed: async () => [],
      close: async () => undefined,
    },
  };
  return engine;
}

function badCursor(): never {
  const error = new Error("not a cursor");
  error.name = "BadCursor";
  throw error;
}

export function issueDocument(over: Partial<D.IssueDocument> = {}): D.IssueDocument {
  return {
    id: APP_1,
    key: "APP-1",
    title: "Make the list sortable",
    url: "https://linear.app/example/issue/APP-1",
    project: "app",
    repository: "example/app",
    branch: "patchrelay/app-1",
    state: "implementing",
    since: iso(NOON),
    rule: "run_active",
    why: "Run 1 is under way.",
    waitsFor: null,
    until: null,
    pullRequest: null,
    run: { id: "linear-0a1b2c3d.1", type: "implementation", startedAt: iso(NOON) },
    budgets: { ciRepairs: { spent: 1, limit: 3 }, usdPerIssue: { spent: 0.4, limit: null } },
    question: null,
    queue: null,
    spent: { runs: 1, tokens: 120_000, usd: 1.5 },
    worktree: null,
    createdAt: iso(NOON),
    updatedAt: iso(NOON),
    version: 3,
    ...over,
  };
}

export function journalLine(over: {
  readonly issue: string;
  readonly kind: string;
  readonly source?: string;
  readonly delivery?: string | null;
  readonly why?: string;
  readonly from?: string | null;
  readonly to?: string;
}): Omit<D.JournalDocument, "seq"> {
  return {
    at: iso(NOON),
    issue: over.issue,
    observation: {
      kind: over.kind,
      source: over.source ?? "linear",
      delivery: over.delivery ?? null,
      at: iso(NOON),
    },
    rule: "run_active",
    why: over.why ?? "Run 1 is under way.",
    from: over.from ?? null,
    to: over.to ?? "implementing",
    effects: [{ kind: "tell", key: "tell:1", state: "done" }],
  };
}

export function runLine(run: string, text: string): Omit<D.RunEventDocument, "seq"> {
  return { run, at: iso(NOON), kind: "agent", text };
}

export function runDocument(over: Partial<D.RunDocument> = {}): D.RunDocument {
  return {
    id: "linear-0a1b2c3d.1",
    issue: APP_1,
    number: 1,
    type: "implementation",
    state: "running",
    outcome: null,
    failureClass: null,
    startedAt: iso(NOON),
    endedAt: null,
    headBefore: "a".repeat(40),
    headAfter: null,
    thread: "thread-1",
    turn: "turn-1",
    tokens: { input: 1000, cached: 400, output: 200 },
    usd: 0.4,
    why: null,
    ...over,
  };
}

export function deliveryDocument(over: Partial<D.DeliveryDocument> = {}): D.DeliveryDocument {
  return {
    seq: 1,
    source: "github",
    deliveryId: "d-1",
    event: "check_run",
    action: "completed",
    receivedAt: iso(NOON),
    state: "applied",
    why: null,
    issues: ["APP-1"],
    attempts: 1,
    bytes: 10,
    ...over,
  };
}

export function effectDocument(over: Partial<D.OutboxDocument> = {}): D.OutboxDocument {
  return {
    id: "1",
    key: "tell:1",
    kind: "tell",
    issue: APP_1,
    state: "failed",
    attempts: 20,
    nextAt: null,
    error: "Linear did not answer",
    ...over,
  };
}

import { z } from "zod";
import { FACTORY_STATES } from "../factory/facts/state.ts";
import type { FactoryState } from "../factory/facts/state.ts";

// The documents that people and programs read, the same from HTTP and `--json`. Each is written once: its schema here,
// from which its type and, in http/, its part of the OpenAPI document follow. Times are ISO 8601 UTC; absent is null,
// never missing. Only http/ loads this file; who imports a type of it, as every command does, loads nothing.

/** The documents by the name they have in the OpenAPI document. */
export const documents = z.registry<{ readonly id: string }>();

const TIME = { format: "date-time", description: "ISO 8601 UTC with milliseconds" };
const text = z.string();
const textOrNull = text.nullable();
const time = text.meta(TIME);
const timeOrNull = textOrNull.meta(TIME);
const whole = z.int();
const amountOrNull = z.number().nullable();

/** As it is handed out: nobody changes a document that was made. */
type Frozen<T> = T extends readonly (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Frozen<T[Key]> }
    : T;
type Of<Schema extends z.ZodType> = Frozen<z.infer<Schema>>;

/** One page of a list; its `nextCursor` asks for the next, null = this was the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}
export interface PageRequest {
  /** 1–500. */
  readonly limit: number;
  readonly cursor: string | null;
}

export const DELIVERY_STATES = ["pending", "applied", "ignored", "quarantined"] as const;

export const DeliveryDocument = z
  .object({
    seq: whole,
    source: text,
    deliveryId: text,
    event: text,
    action: textOrNull,
    receivedAt: time,
    state: z.enum(DELIVERY_STATES),
    why: textOrNull,
    issues: z.array(text),
    attempts: whole,
    bytes: whole,
  })
  .describe("A verified webhook.")
  .register(documents, { id: "Delivery" });
export type DeliveryDocument = Of<typeof DeliveryDocument>;

const BudgetDocument = z.object({ spent: z.number(), limit: amountOrNull });
export type BudgetDocument = Of<typeof BudgetDocument>;

export const IssueDocument = z
  .object({
    id: text,
    key: text,
    title: text,
    url: textOrNull,
    project: textOrNull,
    repository: textOrNull,
    branch: textOrNull,
    state: z.enum(Object.keys(FACTORY_STATES) as FactoryState[]),
    since: time,
    rule: text,
    why: text,
    waitsFor: textOrNull,
    until: timeOrNull,
    pullRequest: z
      .object({ number: whole, url: text, head: text, state: text, merged: z.boolean() })
      .nullable(),
    run: z.object({ id: text, type: text, startedAt: timeOrNull }).nullable(),
    budgets: z.record(text, BudgetDocument),
    question: z.object({ id: text, text, options: z.array(text), askedAt: time }).nullable(),
    queue: z.object({ position: whole, reason: text }).nullable(),
    spent: z.object({ runs: whole, tokens: whole, usd: amountOrNull }),
    worktree: textOrNull,
    createdAt: time,
    updatedAt: time,
    version: whole,
  })
  .describe("Where an issue stands and why.")
  .register(documents, { id: "Issue" });
export type IssueDocument = Of<typeof IssueDocument>;

export const WhyDocument = z
  .object({
    issue: text,
    at: time,
    state: text,
    rule: text,
    why: text,
    waitsFor: textOrNull,
    until: timeOrNull,
    evidence: z.array(z.object({ fact: text, value: text, source: textOrNull, at: timeOrNull })),
  })
  .describe("Why it is doing this, or not doing that.")
  .register(documents, { id: "Why" });
export type WhyDocument = Of<typeof WhyDocument>;

export const JournalDocument = z
  .object({
    seq: whole,
    at: time,
    issue: text,
    observation: z.object({ kind: text, source: text, delivery: textOrNull, at: time }),
    rule: text,
    why: text,
    from: textOrNull,
    to: text,
    effects: z.array(z.object({ kind: text, key: text, state: text })),
  })
  .describe("What was seen, and what came of it.")
  .register(documents, { id: "JournalEntry" });
export type JournalDocument = Of<typeof JournalDocument>;

export const RunDocument = z
  .object({
    id: text,
    issue: text,
    number: whole,
    type: text,
    state: text,
    outcome: textOrNull,
    failureClass: textOrNull,
    startedAt: timeOrNull,
    endedAt: timeOrNull,
    headBefore: textOrNull,
    headAfter: textOrNull,
    thread: textOrNull,
    turn: textOrNull,
    tokens: z.object({ input: whole, cached: whole, output: whole }),
    usd: amountOrNull,
    why: textOrNull,
  })
  .describe("One attempt by an agent.")
  .register(documents, { id: "Run" });
export type RunDocument = Of<typeof RunDocument>;

export const RunEventDocument = z
  .object({ seq: whole, run: text, at: time, kind: text, text })
  .describe("A line of a run's log.")
  .register(documents, { id: "RunEvent" });
export type RunEventDocument = Of<typeof RunEventDocument>;

export const EFFECT_STATES = ["pending", "doing", "done", "failed", "dropped"] as const;

export const OutboxDocument = z
  .object({
    id: text,
    key: text,
    kind: text,
    issue: text,
    state: z.enum(EFFECT_STATES),
    attempts: whole,
    nextAt: timeOrNull,
    error: textOrNull,
  })
  .describe("One thing to be done outside, pending or done.")
  .register(documents, { id: "Effect" });
export type OutboxDocument = Of<typeof OutboxDocument>;

export const QueueDocument = z
  .object({
    slots: z.object({ total: whole, used: whole }),
    items: z.array(
      z.object({
        issue: text,
        class: z.enum(["rework", "backlog"]),
        position: whole,
        since: time,
        reason: text,
      }),
    ),
  })
  .describe("The slots, and the runs that wait for one.")
  .register(documents, { id: "Queue" });
export type QueueDocument = Of<typeof QueueDocument>;

export const AgentDocument = z
  .object({ name: text, ready: z.boolean().nullable(), detail: textOrNull })
  .describe("A configured agent.")
  .register(documents, { id: "Agent" });
export type AgentDocument = Of<typeof AgentDocument>;

export const BudgetOverview = z
  .object({
    day: text,
    usdToday: z.number(),
    usdPerDay: amountOrNull,
    tokensToday: whole,
    runsToday: whole,
  })
  .describe("What was spent today (UTC).")
  .register(documents, { id: "Budget" });
export type BudgetOverview = Of<typeof BudgetOverview>;

export const ReadyPart = z
  .object({ ok: z.boolean(), detail: text, ageMs: amountOrNull, pending: amountOrNull })
  .describe("One part of the relay.")
  .register(documents, { id: "ReadyPart" });
export type ReadyPart = Of<typeof ReadyPart>;

export const ReadyDocument = z
  .object({
    ready: z.boolean(),
    /** When a webhook last needed the previous secret of its source; null = not since the start. */
    previousSecrets: z.record(text, timeOrNull),
    /** Those of the relay itself, and one per source, by its name. */
    parts: z
      .object({
        database: ReadyPart,
        inbox: ReadyPart,
        outbox: ReadyPart,
        sweep: ReadyPart,
        agent: ReadyPart,
      })
      .catchall(ReadyPart),
  })
  .describe("Whether the relay can do its work, part by part.")
  .register(documents, { id: "Ready" });
export type ReadyDocument = Of<typeof ReadyDocument>;

/** What `patchrelay status --json` prints. Only the command line hands it out, so it has no name in the OpenAPI document. */
export const StatusDocument = z
  .object({
    relay: z.enum(["up", "down"]),
    url: textOrNull,
    /** Why it counts as down, or what keeps it from telling more; null = nothing to say. */
    detail: textOrNull,
    ready: ReadyDocument.nullable(),
    relayVersion: textOrNull,
    /** When each source last needed its previous webhook secret, null = never; null = the relay does not tell. */
    previousSecrets: z.record(text, timeOrNull).nullable(),
    /** Of the command itself, not of the relay. */
    version: text,
    node: text,
    /** That the configuration has problems, so that something else may have been looked at; null = it has none. */
    configuration: textOrNull,
    /** Why the database cannot be read; null = it can, or there is none yet. */
    database: textOrNull,
    issues: z.record(text, whole),
    deliveries: z.record(text, whole),
    outbox: z.record(text, whole),
    budget: BudgetOverview.nullable(),
    needsPerson: z.array(IssueDocument),
  })
  .describe("How relay and database are, and what needs a person.");
export type StatusDocument = Of<typeof StatusDocument>;

/** One line of GET /api/stream. `seq` is global and grows: `?after=` goes on from it. */
export const StreamLine = z
  .object({
    seq: whole,
    kind: z.enum(["journal", "run"]),
    line: z.union([JournalDocument, RunEventDocument]),
  })
  .describe("One message of /api/stream; pass the last seq as after to continue from it.")
  .register(documents, { id: "StreamLine" });
export type StreamLine = Of<typeof StreamLine>;

import type { Actor } from "../factory/facts/actor.ts";
import type { Conditions, Policy } from "../factory/facts/policy.ts";
import type { EffectKind, EffectOf } from "../factory/effects/effect.ts";
import type { Facts } from "../factory/facts/facts.ts";
import type { StopReason } from "../factory/facts/run.ts";
import type { Interpretation, Observation, Origin } from "../factory/facts/observation.ts";
import type { IssueId } from "../factory/facts/ids.ts";
import type { VerifiedDelivery } from "../lib/delivery.ts";
import type { Clock } from "../lib/clock.ts";
import type { Randomness } from "../lib/ids.ts";
import type { Vault } from "../lib/secrets/vault.ts";
import type { Log } from "../lib/log.ts";
import type * as D from "./documents.ts";

/**
 * The seam to what keeps, orders and retries: embedded (SQLite) or Temporal. It runs the factory's `advance`
 * over durable observations and hands the effects to performers. The conformance suite in
 * test/conformance/engine.ts defines it.
 */
export interface Engine {
  /** Recovers what was under way and begins. Resolves once deliveries are accepted. */
  start(): Promise<void>;
  /** Stops taking new work, interrupts performers and waits for them at most `graceMs`. Safe to repeat. */
  stop(graceMs: number): Promise<void>;
  /** Makes a delivery durable. Rejects with `NotDurable` when that cannot be done now. */
  accept(delivery: VerifiedDelivery): Promise<"accepted" | "duplicate">;
  /**
   * Makes observations durable and applies them; resolves with the journal's seq once they are committed. `key` makes a
   * repeat harmless. Rejects with `NotDurable` when that cannot be done now, as do `replay` and `retryEffect`.
   */
  record(
    issue: IssueId,
    observations: readonly Observation[],
    origin: Origin,
    key?: string,
  ): Promise<{ readonly seq: number }>;
  /** The facts now; null when the issue is not kept. */
  facts(issue: IssueId): Promise<Facts | null>;
  /** Applies a stored delivery, or quarantined observations and no others, once more (operator's `delivery replay`). False = there is none. */
  replay(source: string, deliveryId: string): Promise<boolean>;
  /** Puts a failed or dropped effect back (operator's `outbox retry`), no other. Resolves with the state it was in; null = no such effect. */
  retryEffect(id: string): Promise<D.OutboxDocument["state"] | null>;
  readonly views: Views;
  /** Sealed records of the sources. Rejects with `NotDurable` when one cannot be kept now. */
  readonly vault: Vault;
  /** At once and from what this process knows, also while a server is away: that is when it is asked. */
  health(): EngineHealth;
  /** Calls `listen` with each new stream line after it is committed. Returns the unsubscribe. */
  subscribe(listen: (line: D.StreamLine) => void): () => void;
  /** Resolves with why when only a new process may go on: a write was not kept, and nobody knows what the disk holds. */
  readonly breakdown: Promise<string>;
}

/** It could not be stored (disk full, busy, I/O, gone): answer 503 and remember nothing. */
export class NotDurable extends Error {
  override readonly name = "NotDurable";
}

/** A page's cursor that no page has given: the caller's mistake (400), from any list of `Views`. */
export class BadCursor extends Error {
  override readonly name = "BadCursor";
  constructor(cursor: string) {
    super(`not a cursor: ${JSON.stringify(cursor)}; pass the nextCursor of the previous page, or none`);
  }
}

/** What has to be read from the database is null while it cannot be. */
export interface EngineHealth {
  /** Whether what is written now will be there after a restart; `detail` says why not and what to do. */
  readonly database: { readonly ok: boolean; readonly detail: string };
  readonly inbox: {
    readonly pending: number | null;
    readonly oldestMs: number | null;
    /** Observations whose advance failed again and again and that wait for a person; null = the engine does not count them. */
    readonly quarantined: number | null;
    /** Delivery ids that came again with other bytes since the start; null = the engine does not count them. */
    readonly mismatches: number | null;
  };
  readonly outbox: {
    readonly pending: number | null;
    readonly oldestMs: number | null;
    readonly failed: number | null;
  };
  readonly sweep: { readonly ageMs: number | null; readonly everyMs: number };
  readonly slots: { readonly total: number; readonly used: number | null };
}

/** Reading for people; promises, since another engine has to ask a server. Also served without a running engine, read-only (`openViews`). */
export interface Views {
  issues(
    filter: { readonly state: string | null; readonly repo: string | null; readonly q: string | null },
    page: D.PageRequest,
  ): Promise<D.Page<D.IssueDocument>>;
  /** By our id, or the tracker's key in any case. */
  issue(key: string): Promise<D.IssueDocument | null>;
  /** `at`: a journal seq or a time (Unix ms) in the past; null = now. */
  why(
    key: string,
    at: { readonly seq: number } | { readonly time: number } | null,
  ): Promise<D.WhyDocument | null>;
  journal(key: string, page: D.PageRequest): Promise<D.Page<D.JournalDocument> | null>;
  runs(filter: { readonly issue: string | null }, page: D.PageRequest): Promise<D.Page<D.RunDocument>>;
  run(id: string): Promise<D.RunDocument | null>;
  runEvents(id: string, page: D.PageRequest): Promise<D.Page<D.RunEventDocument> | null>;
  /** Source `observation`: observations of other origin than a delivery whose advance failed, in the same form. */
  deliveries(
    filter: { readonly state: string | null; readonly source: string | null },
    page: D.PageRequest,
  ): Promise<D.Page<D.DeliveryDocument>>;
  /** By delivery id, or `source:id`. More than one = the id is ambiguous. */
  delivery(id: string): Promise<readonly D.DeliveryDocument[]>;
  deliveryBody(source: string, deliveryId: string): Promise<Buffer | null>;
  outbox(
    filter: { readonly state: string | null; readonly issue: string | null },
    page: D.PageRequest,
  ): Promise<D.Page<D.OutboxDocument>>;
  queue(): Promise<D.QueueDocument>;
  budget(): Promise<D.BudgetOverview>;
  /** Stream lines after `seq`, oldest first. */
  stream(after: number, limit: number): Promise<readonly D.StreamLine[]>;
  counts(): Promise<{
    readonly byState: Readonly<Record<string, number>>;
    readonly deliveries: Readonly<Record<string, number>>;
    readonly outbox: Readonly<Record<string, number>>;
  }>;
  issueId(key: string): Promise<IssueId | null>;
  /** The sealed records of an owner: to be read only by whoever has the key. */
  sealed(owner: string): ReturnType<Vault["list"]>;
  /** Lets go of what is read from; nothing can be read afterwards. */
  close(): Promise<void>;
}

/** What the engine is given; everything that differs between relays comes in here. */
export interface EngineParts {
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Log;
  readonly policy: Policy;
  /** What is so on this machine right now. What was spent today the engine knows itself. */
  conditions(): Omit<Conditions, "usdToday">;
  readonly interpreters: Readonly<Record<string, Interpreter>>;
  readonly performers: Performers;
  /** Carries out a whole run; the engine gives it a slot, durable progress and its fence. */
  readonly performRun: (handle: RunHandle) => Promise<void>;
  /**
   * Lists issues that the tracker says are ours, and others that have changed (`ticket_read` observations follow from
   * effects). A list too long for one answer goes on with the `rest` of the answer before; null = from the beginning, and =
   * that was all.
   */
  readonly discover: (since: number, rest: PlaceInList | null, signal: AbortSignal) => Promise<Discovered>;
  readonly settings: EngineSettings;
}

export interface EngineSettings {
  readonly slots: number;
  readonly slotsPerProject: number;
  readonly inboxAttempts: number;
  readonly outboxAttempts: number;
  readonly outboxFirstRetryMs: number;
  readonly outboxMaxRetryMs: number;
  readonly sweep: {
    readonly activeMs: number;
    readonly waitingMs: number;
    readonly idleMs: number;
    /** How often news is looked for where no webhook brings it; null = webhooks do. */
    readonly pollMs: number | null;
  };
  readonly storage: {
    readonly minFreeBytes: number;
    readonly keepDeliveriesMs: number;
    readonly keepDigestsMs: number;
    readonly keepRunEventsMs: number;
    readonly keepJournalMs: number;
  };
}

/** Says what a stored delivery says; gets look-ups into what the engine keeps. */
export type Interpreter = (
  body: unknown,
  event: string,
  receivedAt: number,
  lookup: Lookup,
) => Interpretation;

/**
 * Synchronous: it is asked inside the transaction that applies the delivery, over what that transaction sees. Nothing may
 * come in between.
 */
export interface Lookup {
  known(issue: IssueId): boolean;
  byPullRequest(repositoryId: string, repository: string, number: number): IssueId | null;
  byBranch(repository: string, branch: string): IssueId | null;
  byCommit(repository: string, sha: string): readonly IssueId[];
  byBase(repository: string, branch: string): readonly IssueId[];
}

/** Carries out one effect. Returns observations that follow from it (committed together with its end). Throws ExternalError to be retried. */
export type Performer<K extends EffectKind> = (
  effect: EffectOf<K>,
  context: EffectContext,
) => Promise<readonly Observation[]>;
export type Performers = { readonly [K in Exclude<EffectKind, "start_run">]: Performer<K> };

export interface EffectContext {
  readonly facts: Facts;
  /** 1 = first try. */
  readonly attempt: number;
  readonly signal: AbortSignal;
  /** Durable at once, before the effect ends: for what must be known even if we die right after. */
  record(observations: readonly Observation[]): Promise<void>;
}

/** Issues that are ours or have changed, and where the list of them goes on; null = that was all. */
export interface Discovered {
  readonly issues: readonly {
    readonly issue: IssueId;
    readonly workspace: string;
    readonly by: Actor;
    readonly at: number;
    readonly isOurs: boolean;
  }[];
  readonly rest: PlaceInList | null;
}

/** A place in the list of that tracker, by its own word for it; null = the beginning. */
export interface PlaceInList {
  readonly tracker: string;
  readonly rest: string | null;
}

/** A run under way. */
export interface RunHandle {
  readonly issue: IssueId;
  readonly run: number;
  readonly fence: number;
  /** Aborted when the relay stops: leave everything resumable. A stop of the *run* comes through `stopped`. */
  readonly signal: AbortSignal;
  /** Facts now. Rejects with `Fenced` when this run is no longer the current one. */
  facts(): Promise<Facts>;
  /** Non-null once the run must end without publishing. */
  stopReason(): StopReason | null;
  /** Resolves when a stop is asked for. */
  readonly stopped: Promise<StopReason>;
  /** Messages to hand to the agent, in order; `take` empties it. */
  readonly steers: {
    take(): Promise<readonly { readonly prompt: string; readonly text: string }[]>;
    onArrival(listen: () => void): void;
  };
  record(observations: readonly Observation[]): Promise<void>;
  /** Durable progress of the pipeline's steps, surviving restarts. People are shown `worktree.path` of it. */
  progress(): Promise<Readonly<Record<string, unknown>>>;
  /** Resolves once the patch is durable. Rejects with `Fenced` like `facts`, and then nothing was saved. */
  saveProgress(patch: Readonly<Record<string, unknown>>): Promise<void>;
  /** A line of the run's log (bounded; dropped oldest-first beyond the cap). */
  event(kind: string, text: string): void;
}

/** The run was superseded or settled by somebody else: do nothing more. */
export class Fenced extends Error {
  override readonly name = "Fenced";
}

/** The source under which observations of other origin than a delivery, whose advance failed, are shown beside the deliveries. */
export const OBSERVATIONS = "observation";

/** A delivery as people name it; ids of deliveries are unique only within their source. */
export function deliveryName(delivery: { readonly source: string; readonly deliveryId: string }): string {
  return `${delivery.source}:${delivery.deliveryId}`;
}

/** What `deliveryName` joined; null = no source is named. */
export function splitDeliveryName(
  name: string,
): { readonly source: string; readonly deliveryId: string } | null {
  const split = name.indexOf(":");
  return split > 0 ? { source: name.slice(0, split), deliveryId: name.slice(split + 1) } : null;
}

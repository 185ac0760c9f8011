/**
 * The documents that people and programs read: the same from HTTP and `--json`.
 * Times are ISO 8601 UTC; absent is null, never missing.
 */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}
export interface PageRequest {
  /** 1–500. */
  readonly limit: number;
  readonly cursor: string | null;
}

export interface DeliveryDocument {
  readonly seq: number;
  readonly source: string;
  readonly deliveryId: string;
  readonly event: string;
  readonly action: string | null;
  readonly receivedAt: string;
  readonly state: "pending" | "applied" | "ignored" | "quarantined";
  readonly why: string | null;
  readonly issues: readonly string[];
  readonly attempts: number;
  readonly bytes: number;
}

export interface BudgetDocument {
  readonly spent: number;
  readonly limit: number | null;
}

export interface IssueDocument {
  readonly id: string;
  readonly key: string;
  readonly title: string;
  readonly url: string | null;
  readonly project: string | null;
  readonly repository: string | null;
  readonly branch: string | null;
  readonly state: string;
  readonly since: string;
  readonly rule: string;
  readonly why: string;
  readonly waitsFor: string | null;
  readonly until: string | null;
  readonly pullRequest: {
    readonly number: number;
    readonly url: string;
    readonly head: string;
    readonly state: string;
    readonly merged: boolean;
  } | null;
  readonly run: { readonly id: string; readonly type: string; readonly startedAt: string | null } | null;
  readonly budgets: Readonly<Record<string, BudgetDocument>>;
  readonly question: {
    readonly id: string;
    readonly text: string;
    readonly options: readonly string[];
    readonly askedAt: string;
  } | null;
  readonly queue: { readonly position: number; readonly reason: string } | null;
  readonly spent: { readonly runs: number; readonly tokens: number; readonly usd: number | null };
  readonly worktree: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly version: number;
}

export interface WhyDocument {
  readonly issue: string;
  readonly at: string;
  readonly state: string;
  readonly rule: string;
  readonly why: string;
  readonly waitsFor: string | null;
  readonly until: string | null;
  readonly evidence: readonly {
    readonly fact: string;
    readonly value: string;
    readonly source: string | null;
    readonly at: string | null;
  }[];
}

export interface JournalDocument {
  readonly seq: number;
  readonly at: string;
  readonly issue: string;
  readonly observation: {
    readonly kind: string;
    readonly source: string;
    readonly delivery: string | null;
    readonly at: string;
  };
  readonly rule: string;
  readonly why: string;
  readonly from: string | null;
  readonly to: string;
  readonly effects: readonly { readonly kind: string; readonly key: string; readonly state: string }[];
}

export interface RunDocument {
  readonly id: string;
  readonly issue: string;
  readonly number: number;
  readonly type: string;
  readonly state: string;
  readonly outcome: string | null;
  readonly failureClass: string | null;
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly headBefore: string | null;
  readonly headAfter: string | null;
  readonly thread: string | null;
  readonly turn: string | null;
  readonly tokens: { readonly input: number; readonly cached: number; readonly output: number };
  readonly usd: number | null;
  readonly why: string | null;
}

export interface RunEventDocument {
  readonly seq: number;
  readonly run: string;
  readonly at: string;
  readonly kind: string;
  readonly text: string;
}

export interface OutboxDocument {
  readonly id: string;
  readonly key: string;
  readonly kind: string;
  readonly issue: string;
  readonly state: "pending" | "doing" | "done" | "failed" | "dropped";
  readonly attempts: number;
  readonly nextAt: string | null;
  readonly error: string | null;
}

export interface QueueDocument {
  readonly slots: { readonly total: number; readonly used: number };
  readonly items: readonly {
    readonly issue: string;
    readonly class: "rework" | "backlog";
    readonly position: number;
    readonly since: string;
    readonly reason: string;
  }[];
}

export interface AgentDocument {
  readonly name: string;
  readonly ready: boolean;
  readonly detail: string | null;
}

export interface BudgetOverview {
  readonly day: string;
  readonly usdToday: number;
  readonly usdPerDay: number | null;
  readonly tokensToday: number;
  readonly runsToday: number;
}

export interface ReadyPart {
  readonly ok: boolean;
  readonly detail: string;
  readonly ageMs: number | null;
  readonly pending: number | null;
}
export interface ReadyDocument {
  readonly ready: boolean;
  /** When a webhook last needed the previous secret of its source; null = not since the start. */
  readonly previousSecrets: Readonly<Record<"linear" | "github", string | null>>;
  readonly parts: Readonly<
    Record<"database" | "inbox" | "outbox" | "sweep" | "agent" | "linear" | "github", ReadyPart>
  >;
}

/** One line of GET /api/stream. `seq` is global and grows: `?after=` goes on from it. */
export interface StreamLine {
  readonly seq: number;
  readonly kind: "journal" | "run";
  readonly line: JournalDocument | RunEventDocument;
}

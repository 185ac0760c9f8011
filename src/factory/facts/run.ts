import type { RunType } from "./run-types.ts";

/** One attempt by an agent. Rows are never removed: budgets are counted from them. */
export interface Run {
  readonly number: number;
  readonly type: RunType;
  /** Which pull request of the issue it works for: 1 = the first. */
  readonly generation: number;
  /** Grows with every run of the issue; a step whose fence is no longer the newest does nothing. */
  readonly fence: number;
  readonly state: "queued" | "running" | "ended";
  readonly phase: RunPhase;
  readonly queuedAt: number;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  readonly cause: RunCause;
  /** The commit by which a person had spoken last when it was reserved: the attempts that share it share a budget. */
  readonly personHead: string | null;
  readonly headBefore: string | null;
  /** The commit it was about to push, known before the push: this is how our own push is recognised. */
  readonly headAfter: string | null;
  readonly thread: string | null;
  readonly turn: string | null;
  /** Prompts handed to the agent while it ran. */
  readonly steered: readonly string[];
  readonly stop: { readonly at: number; readonly reason: StopReason } | null;
  readonly end: RunEnd | null;
  readonly spent: Spent;
  /** What it is at, while it goes on; null = nothing of it has been shown. */
  readonly glimpse: Glimpse | null;
}

export type RunPhase = "reserve" | "prepare" | "work" | "verify" | "inspect" | "publish" | "settle";
export type StopReason = "stopped" | "undelegated" | "superseded" | "closed" | "merged" | "budget";

/** Why a run was started: what it answers, by id. `key` names the fact, so that one fact starts one run. */
export interface RunCause {
  readonly key: string;
  /** `issue`: all of it, or a repair of what was done for it. `message`: what the messages say. `answer`: the same, in words only. */
  readonly asks: "issue" | "message" | "answer";
  readonly head: string | null;
  readonly checks: readonly string[];
  readonly reviews: readonly string[];
  readonly ejection: string | null;
  readonly prompts: readonly string[];
}

/** How a run ended, as whoever carried it out reports it; what it costs is not theirs to say. */
export interface RunReport {
  readonly outcome: Outcome;
  readonly failureClass: FailureClass | null;
  /** What the agent says it did, or the reason it failed; for people. */
  readonly summary: string;
  /** Do not try again before this; null = at once. */
  readonly retryAt: number | null;
  readonly replies: readonly ThreadReply[];
}

export interface RunEnd extends RunReport {
  /** Whether the attempt counts against its budget. */
  readonly charged: boolean;
}

export type Outcome =
  | "published"
  | "no_change"
  | "answered"
  | "asked"
  | "failed"
  | "interrupted"
  | "superseded"
  | "stopped";

export type FailureClass =
  | "agent"
  | "capacity"
  | "infrastructure"
  | "test"
  | "build"
  | "lint"
  | "ci"
  | "conflict"
  | "policy"
  | "unknown";

export interface ThreadReply {
  readonly thread: string;
  readonly outcome: "fixed" | "answered" | "declined";
  readonly text: string;
}

export interface Spent {
  readonly input: number;
  readonly cached: number;
  readonly output: number;
  /** Null = the model's price is not known. */
  readonly usd: number | null;
}

export const NOTHING_SPENT: Spent = { input: 0, cached: 0, output: 0, usd: null };

/** A step of a plan as people see it. */
export interface PlanItem {
  readonly content: string;
  readonly status: "pending" | "inProgress" | "completed" | "canceled";
}

/** Which word of which run an activity shows. */
export interface GlimpseOf {
  readonly run: number;
  readonly at: number;
}

/** What a run is at, for people to read while it goes on: the next glimpse replaces it, and the run's end takes it away. */
export interface Glimpse {
  /** Null = nothing has been said yet. `again`: the word before was the same. */
  readonly word: { readonly at: number; readonly text: string; readonly again: boolean } | null;
  /** The agent's own plan, and since when (Unix ms); null = it has made none. */
  readonly plan: { readonly at: number; readonly items: readonly PlanItem[] } | null;
}

import type { FailureClass, PlanItem, Spent } from "../factory/facts/run.ts";
import type { RunType } from "../factory/facts/run-types.ts";

/**
 * The seam to a coding agent. It works in a directory and knows nothing of trackers, forges or git remotes;
 * it gets no credential but its own model's.
 */
export interface Agent {
  readonly name: string;
  /** Null when a run could start now; else what is missing and what to do. Cheap; asked by doctor, /ready and before each run. */
  ready(signal: AbortSignal): Promise<string | null>;
  /** Starts or continues work. The session lives until `close`; `signal` ends its turn as `interrupt` does. */
  work(request: WorkRequest, signal: AbortSignal): Promise<AgentSession>;
}

export interface WorkRequest {
  /** Run id: for file names and logs. */
  readonly run: string;
  /** For logs and for the rules of a script; absent outside of runs. */
  readonly runType?: RunType;
  readonly directory: string;
  /** Git directories that belong to the worktree; readable, not writable. */
  readonly gitDirectories: readonly string[];
  readonly instructions: string;
  readonly prompt: string;
  /** Thread of an earlier run or of this run before a restart; null = a new one. */
  readonly thread: string | null;
  /** Id under which the prompt is sent, so that after a crash it can be seen whether it arrived. */
  readonly promptId: string;
  readonly model: string | null;
  /** No sign of life for this long = stalled: interrupted, outcome `failed` infrastructure. */
  readonly stallMs: number;
  readonly deadlineMs: number;
  readonly maxTokens: number;
  /** Awaited before the turn starts: the thread id must be durable first. */
  readonly onThread: (thread: string) => Promise<void>;
  readonly onTurn: (turn: string) => Promise<void>;
  /** Progress, in order. Must not throw; the agent does not wait for it. */
  readonly onEvent: (event: AgentEvent) => void;
}

export interface AgentSession {
  /** Hands in a message while the turn runs. False = too late, the turn is over; known at the latest when it is. */
  steer(text: string, promptId: string): Promise<boolean>;
  /** Ends the turn as soon as possible (5 s at most); `result` then says `interrupted`. */
  interrupt(): Promise<void>;
  /** How the turn ended. Never rejects for faults of the agent: they are results. */
  readonly result: Promise<AgentResult>;
  /** Ends processes that the session left behind. Safe to repeat. */
  close(): Promise<void>;
}

export type AgentEvent =
  | { readonly kind: "message"; readonly text: string }
  | { readonly kind: "reasoning"; readonly text: string }
  | {
      readonly kind: "command";
      readonly command: string;
      readonly exitCode: number | null;
      readonly output: string;
      readonly durationMs: number | null;
    }
  | { readonly kind: "files"; readonly paths: readonly string[] }
  | { readonly kind: "plan"; readonly items: readonly PlanItem[] }
  | { readonly kind: "spent"; readonly spent: Spent }
  | { readonly kind: "warning"; readonly text: string };

export interface AgentResult {
  readonly how: "completed" | "interrupted" | "failed";
  /** For `failed`. */
  readonly failureClass: FailureClass | null;
  /** For `failed` with a stated time (usage limit): Unix ms. */
  readonly retryAt: number | null;
  readonly detail: string;
  /** The report, when the agent gave one in the asked form; else null and `text` holds its last words. */
  readonly report: AgentReport | null;
  readonly text: string;
  readonly spent: Spent;
  /** Commands that ran and commands that failed to start: an agent whose every command failed to start did no work. */
  readonly commands: { readonly ran: number; readonly unstartable: number };
}

/** What the agent is asked to end with (JSON, see factory/effects/prompt.ts). */
export interface AgentReport {
  readonly outcome: "done" | "no_change" | "answer" | "question";
  readonly summary: string;
  readonly question: { readonly text: string; readonly options: readonly string[] } | null;
  readonly threads: readonly {
    readonly id: string;
    readonly outcome: "fixed" | "answered" | "declined";
    readonly reply: string;
  }[];
}

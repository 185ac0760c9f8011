import type { IssueId } from "./ids.ts";
import type { Actor } from "./actor.ts";
import type { Authority, Blocker, SaidOn, TicketCore, TicketStatus } from "./ticket.ts";
import type {
  Check,
  Commit,
  Ejection,
  MergeState,
  PullRequestCore,
  QueueEntry,
  Review,
  Thread,
} from "./pull-request.ts";
import type { PlanItem, RunPhase, RunReport, Spent } from "./run.ts";
import type { ForgeRequest, NotYet } from "./request.ts";

/**
 * One fact in our words, past tense, whatever its source: webhook, sweep, timer, run or operator.
 * The factory's only input. `at` is the source's own time of the fact (Unix ms), not when we heard of it.
 */
export type Observation =
  // ── tracker ──
  | Of<
      "session_opened",
      { session: string; by: Actor; automatic: boolean; delegated: boolean; ticket: PartialTicket }
    >
  | Of<
      "prompted",
      {
        prompt: string;
        session: string | null;
        by: Actor;
        from: "tracker" | "forge" | "operator";
        text: string;
        on?: SaidOn;
      }
    >
  | Of<"stop_requested", { prompt: string; session: string | null; by: Actor }>
  /** In which workspace of its tracker the issue is: with whose credential it is read and written. */
  | Of<"ticket_located", { workspace: string }>
  | Of<"delegated", { by: Actor }>
  | Of<"undelegated", { by: Actor }>
  | Of<"ticket_changed", { ticket: PartialTicket }>
  | Of<"ticket_removed", { by: Actor }>
  | Of<"ticket_read", TicketReading>
  // ── forge ──
  | Of<"pull_request_changed", { pullRequest: PullRequestChange; by: Actor }>
  | Of<"review_changed", { number: number; review: Review }>
  | Of<"thread_changed", { number: number; thread: string; resolved: boolean }>
  | Of<"review_comment_added", { number: number }>
  | Of<"check_changed", { sha: string; check: Check }>
  | Of<"checks_hinted", { sha: string }>
  | Of<"queue_entered", { number: number; head: string }>
  | Of<"queue_left", { number: number; head: string; reason: Ejection["reason"]; group: string | null }>
  | Of<"group_formed", { number: number; group: string }>
  /** Auto-merge was turned on or off; whose it is, only a reading tells. */
  | Of<"auto_merge_changed", { number: number }>
  | Of<"base_moved", { branch: string; sha: string }>
  | Of<"pull_request_read", PullRequestReading>
  | Of<"repository_read", { problem: string | null }>
  // ── runs ──
  /** A branch that was to be the issue's is something else's; the issue takes another name. */
  | Of<"branch_taken", { branch: string; instead: string }>
  | Of<"run_started", { run: number; fence: number }>
  // Null: nothing new is known of it.
  | Of<
      "phase_entered",
      {
        run: number;
        fence: number;
        phase: RunPhase;
        thread: string | null;
        turn: string | null;
        headBefore: string | null;
      }
    >
  | Of<"push_intended", { run: number; fence: number; sha: string; expected: string | null }>
  | Of<"prompt_delivered", { run: number; fence: number; prompt: string }>
  /** What people may see of it. Null: nothing to say now; the plan is as before. */
  | Of<"run_glimpsed", { run: number; fence: number; words: string | null; plan: readonly PlanItem[] | null }>
  | Of<"run_spent", { run: number; fence: number; spent: Spent }>
  | Of<
      "run_ended",
      {
        run: number;
        fence: number;
        end: RunReport;
        question: { text: string; options: readonly string[] } | null;
        spent: Spent;
      }
    >
  // ── operator ──
  | Of<"commanded", { command: Command; id: string; by: Actor; text: string | null; question: string | null }>
  // ── the relay itself ──
  | Of<"effect_settled", { effect: ForgeRequest; ok: boolean; detail: string; because: NotYet | null }>
  | Of<"time_passed", { reason: string }>;

type Of<K extends string, F> = { readonly kind: K; readonly at: number } & Readonly<F>;

export type ObservationKind = Observation["kind"];
export type Command = "retry" | "stop" | "pause" | "resume" | "cancel" | "close" | "answer";

/** The parts of a ticket that a source happens to carry; one that it does not carry is absent and says nothing. */
export interface PartialTicket {
  readonly core?: TicketCore;
  readonly status?: TicketStatus;
  /** When the issue ended, if that was our own doing (Unix ms). */
  readonly ownEnd?: number | null;
}

/** A grant or withdrawal as the tracker remembers it. */
export interface ReadAuthority extends Authority {
  /** The session in which a stop was pressed; null = in none, or nobody says. */
  readonly session: string | null;
}

/** Everything the tracker says about an issue at one moment: what a sweep feeds in. */
export interface TicketReading {
  readonly core: TicketCore;
  readonly status: TicketStatus;
  /** When the issue ended, if that was our own doing (Unix ms); else null. */
  readonly ownEnd: number | null;
  readonly blockers: readonly Blocker[];
  readonly removed: boolean;
  /** Whether we have the issue now, where the tracker shows just that, and by whom; absent = its authorities tell. */
  readonly delegation?: { readonly granted: boolean; readonly by: Actor };
  /** The newest of delegation, un-delegation, session and stop that the tracker remembers, each with its time. */
  readonly authorities: readonly ReadAuthority[];
  readonly sessions: readonly {
    readonly id: string;
    readonly at: number;
    readonly by: Actor;
    readonly automatic: boolean;
    /** Since when the tracker shows that it has long heard nothing from us there (Unix ms); null = it does not. */
    readonly staleAt: number | null;
  }[];
  readonly prompts: readonly {
    readonly id: string;
    readonly session: string | null;
    readonly at: number;
    readonly by: Actor;
    readonly text: string;
  }[];
}

export interface PullRequestChange {
  readonly number: number;
  readonly url: string;
  readonly node: string | null;
  readonly repositoryId: string | null;
  readonly core: PullRequestCore;
}

/** Everything the forge says about a pull request at one moment. Lists are whole: what is absent is gone. */
export interface PullRequestReading extends PullRequestChange {
  /** Its newest commits, oldest first; the last is the head. */
  readonly commits: readonly Commit[];
  /** When it was last given another base (Unix ms); null = never. */
  readonly baseChangedAt: number | null;
  readonly mergeable: "yes" | "conflict" | "unknown";
  readonly mergeState: MergeState;
  readonly required: readonly string[];
  readonly hasQueue: boolean;
  readonly checks: readonly Check[];
  /** There are more checks than these, and they were not read. */
  readonly checksCut: boolean;
  readonly redOnBase: readonly string[];
  /**
   * Where every check passes, or there is none, and none is required: what this repository is known to check such a
   * pull request with and has not reported on the head. Null = that may not be seen.
   */
  readonly checksExpected: readonly string[] | null;
  readonly reviews: readonly Review[];
  readonly threads: readonly Thread[];
  readonly queue: QueueEntry | null;
  readonly autoMerge: boolean;
  /** Whether it is on and it was we who turned it on. */
  readonly autoMergeOurs: boolean;
  readonly ejections: readonly Ejection[];
  /** What people wrote on the pull request that is addressed to us: in comments, reviews and review threads. */
  readonly prompts: readonly {
    readonly id: string;
    readonly at: number;
    readonly by: Actor;
    readonly text: string;
    readonly on?: SaidOn;
  }[];
  /** Unix ms when the reading was taken, by the forge's clock; >= core's own time. */
  readonly readAt: number;
  /** Unix ms by our own clock just before the forge was asked. */
  readonly askedAt: number;
}

/** Where an observation came from; kept in the journal beside it. */
export interface Origin {
  /** A tracker's or forge's name, or `sweep`, `run`, `operator`, `timer`, `effect`. */
  readonly source: string;
  /** Delivery id, run id, command id …; null when there is none. */
  readonly delivery: string | null;
}

/** What a delivery says, in our words. `observations` may be empty only with a reason in `ignored`. */
export interface Interpretation {
  /** What the source calls it, for people; null = nothing. */
  readonly action: string | null;
  readonly observations: readonly { readonly issue: IssueId; readonly observation: Observation }[];
  /** Why nothing is done with it; null when something is. */
  readonly ignored: string | null;
}

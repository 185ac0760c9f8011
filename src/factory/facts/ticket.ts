import type { Actor } from "./actor.ts";
import type { Stamped } from "./stamp.ts";

/** The tracker's issue. Parts that sources report separately carry their own stamp. */
export interface Ticket {
  /** In which workspace of the tracker it is, by the tracker's id of that; null = nobody has said so. It never changes. */
  readonly workspace: string | null;
  readonly core: Stamped<TicketCore> | null;
  readonly status: Stamped<TicketStatus> | null;
  readonly blockers: Stamped<readonly Blocker[]> | null;
  /** Deleted or archived there; it may come back. Null = nobody has said so. */
  readonly removed: Stamped<boolean> | null;
  /** When the relay itself last completed it (Unix ms): that end is nobody's word. Null = it has not. */
  readonly ownEnd: number | null;
  /** Whether we had the issue when it was last read, where the tracker shows just that; null = it does not. */
  readonly delegated: Stamped<{ readonly granted: boolean; readonly by: Actor }> | null;
}

export interface TicketCore {
  readonly key: string;
  readonly title: string;
  readonly description: string;
  readonly url: string;
  readonly workspace: string | null;
  readonly team: string | null;
  readonly project: string | null;
  readonly labels: readonly string[];
  readonly creator: string | null;
}

export interface TicketStatus {
  readonly id: string;
  readonly name: string;
  /** When it was completed or cancelled (Unix ms); null = it is not, or the source does not say when. */
  readonly endedAt: number | null;
  readonly type:
    | "triage"
    | "backlog"
    | "unstarted"
    | "started"
    | "completed"
    | "canceled"
    | "duplicate"
    | "other";
}

export interface Blocker {
  readonly key: string;
  readonly done: boolean;
  /** A part of this issue rather than something before it. */
  readonly isSubIssue: boolean;
}

export interface Authority {
  readonly granted: boolean;
  readonly at: number;
  readonly cause: "delegated" | "mentioned" | "prompted" | "commanded" | "undelegated" | "stopped";
  readonly by: Actor;
}

/** A conversation of the tracker in which we are addressed (Linear: agent session). */
export interface Session {
  readonly id: string;
  readonly at: number;
  readonly by: Actor;
  /** Started by an automation, not a person: then we move no states and assign nobody. */
  readonly automatic: boolean;
  /** The newest time at which the tracker showed that it had long heard nothing from us (its own time, Unix ms); null = it never did. */
  readonly staleAt: number | null;
}

/** Something a person told us. */
export interface Prompt {
  readonly id: string;
  readonly at: number;
  readonly by: Actor;
  readonly from: SaidTo;
  readonly session: string | null;
  readonly text: string;
  /** Which part of a review it is; absent = it is not in one. */
  readonly on?: SaidOn;
}

/** A word in a review of the pull request. */
export interface SaidOn {
  /** The forge's id of the review; null = it names none. */
  readonly review: string | null;
  /** The comment in a review thread, and where that stands; null = it is the review's own text. */
  readonly comment: {
    readonly id: string;
    readonly path: string | null;
    readonly line: number | null;
  } | null;
}

/** Where a person said it: in the tracker, on the pull request, or to the relay itself. */
export type SaidTo = "tracker" | "forge" | "operator";

export interface Question {
  readonly id: string;
  readonly askedAt: number;
  /**
   * `work`: the agent asks. `route`: the relay asks which project the issue is for; `offer`: whether to carry it out;
   * `budget`: whether to try again what was tried as often as policy allows.
   */
  readonly about: "work" | "route" | "offer" | "budget";
  /** Number of the last run there was when it was asked; 0 = there was none. */
  readonly afterRun: number;
  /** The run that asks, or null when the relay itself does. */
  readonly run: number | null;
  readonly text: string;
  readonly options: readonly string[];
  /** Prompts that were there when it was asked; the first trusted one beyond them is the answer. */
  readonly known: readonly string[];
  /** Since when it is read whether anybody has answered, as the time for it is over (Unix ms, our own clock); null = it is not. */
  readonly dueAt: number | null;
  readonly answer: {
    readonly at: number;
    readonly by: Actor;
    readonly text: string;
    readonly prompt: string | null;
  } | null;
}

/** How a session was left. */
export interface Conversation {
  /** `open`: work was reported last, or a person has spoken since. `asked`: we wait for a person. */
  readonly left: "open" | "asked" | "over";
  /** The fact that it was left with; null = it is open. */
  readonly fact: string | null;
  /** Whether that says that an operator has paused the issue. */
  readonly paused: boolean;
  /** How often it was opened again. Within a stretch nothing is told twice, however what is known changes to and fro. */
  readonly stretch: number;
  /** When the newest word of a person's that this takes account of was spoken (Unix ms). */
  readonly word: number;
  /** The plan that was shown last, and how many were shown before it; null = none was. */
  readonly plan: { readonly picture: string; readonly earlier: number } | null;
  /** When we last said something (Unix ms, our own clock); null = we have not. */
  readonly at: number | null;
  /** How often the person that is awaited was reminded since, of what it was left with. */
  readonly reminded: number;
  /** Since when it is read whether the person has spoken, before the next reminder (Unix ms, our own clock); null = it is not due. */
  readonly dueAt: number | null;
  /** At which `staleAt` we last said something because of it; null = at none. */
  readonly revivedAt: number | null;
}

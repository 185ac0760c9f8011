import type { Actor } from "../factory/facts/actor.ts";
import type { Activity } from "../factory/effects/effect.ts";
import type { PlanItem } from "../factory/facts/run.ts";
import type { TicketStatus } from "../factory/facts/ticket.ts";
import type { Interpretation, Observation } from "../factory/facts/observation.ts";
import type { IssueId } from "../factory/facts/ids.ts";
import type { Refusal, RequestHeaders, VerifiedDelivery } from "../lib/delivery.ts";

/**
 * The seam to an issue tracker. One folder per implementation; the conformance suite in
 * test/conformance/tracker.ts defines it. Every call takes an AbortSignal and has its own deadline.
 * Faults are thrown as `ExternalError` (lib/external.ts), which says whether and when a retry makes sense.
 */
export interface Tracker {
  readonly name: string;
  /** Verifies a webhook over its raw bytes: signature first, then ids and freshness. */
  open(headers: RequestHeaders, body: Buffer, now: number): VerifiedDelivery | Refusal;
  /** What a stored delivery says. Pure: no calls. */
  interpret(body: unknown, event: string, context: TrackerContext): TrackerInterpretation;
  /** Asks who we are in each workspace that we are signed in to. Throws when none can be asked, and when there is none. */
  whoAmI(signal: AbortSignal): Promise<readonly TrackerIdentity[]>;
  /**
   * Issues that are ours by delegation or open session, newest first per workspace, back to `since` (Unix ms), and where the
   * tracker can tell them others that have changed: finds what webhooks lost, or what none are there to tell. `rest` is null, or the `rest` of the answer before: then the list goes on there.
   */
  discover(since: number, rest: string | null, signal: AbortSignal): Promise<Discovery>;
  /**
   * The tracker as it is seen in the workspace of an issue. Null = nobody has said which: the only one we are signed in
   * to. Calls throw ExternalError `unauthorized` where we are not signed in.
   */
  in(workspace: string | null): TrackerWorkspace;
  /** How an admin installs the relay in a workspace; null = the tracker has no such thing. */
  readonly installing: Installing | null;
}

/** A workspace as a person sees it who writes the configuration: the names that it may use. */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly teams: readonly {
    readonly key: string;
    readonly name: string;
    readonly statuses: readonly { readonly name: string; readonly type: string }[];
    readonly labels: readonly string[];
  }[];
  readonly projects: readonly string[];
  /** Those that are for all teams. */
  readonly labels: readonly string[];
}

/** An installation by OAuth: a person is sent away, and comes back with a consent. */
export interface Installing {
  /**
   * Where an admin gives consent; they come back to `redirectUri`. Throws ExternalError `refused` when something is missing,
   * with what to do.
   */
  begin(redirectUri: string, signal: AbortSignal): Promise<string>;
  /**
   * Who we are in the workspace that `code` gives consent for; from now on the relay works there. `state` is that of the
   * address that `begin` gave, good for one return. Throws ExternalError; nothing is kept then.
   */
  finish(state: string, code: string, signal: AbortSignal): Promise<TrackerIdentity>;
  /** Ends a consent that was not given. Throws ExternalError `refused` for a state that is not open. */
  decline(state: string): Promise<void>;
}

/** What is read and written in one workspace. */
export interface TrackerWorkspace {
  /**
   * Everything about one issue now, as an observation (`ticket_read`, or `ticket_removed`); `wanted` unless said otherwise.
   * `sessions`: those that we know of, oldest first.
   */
  readTicket(
    issue: IssueId,
    signal: AbortSignal,
    about?: { readonly need?: "wanted" | "background"; readonly sessions?: readonly string[] },
  ): Promise<Observation>;
  /**
   * Posts an activity; `wanted` unless said otherwise. The same `key` twice posts once. One that is `fleeting` matters only
   * now: throws ExternalError `rate_limited` already when the allowance runs low.
   */
  tell(
    session: string,
    key: string,
    activity: Activity,
    signal: AbortSignal,
    need?: "wanted" | "fleeting",
  ): Promise<void>;
  showPlan(session: string, items: readonly PlanItem[], signal: AbortSignal): Promise<void>;
  link(session: string, label: string, url: string, signal: AbortSignal): Promise<void>;
  /** Moves the issue, unless a person has moved it further already; a `name` that its team does not have gives way to the type. */
  setStatus(
    issue: IssueId,
    to: "started" | "completed",
    name: string | null,
    signal: AbortSignal,
  ): Promise<StatusMove>;
  /** Makes us the delegate if nobody is. */
  takeDelegation(issue: IssueId, signal: AbortSignal): Promise<void>;
}

/** What became of a status that was to be set. */
export interface StatusMove {
  /** In words: moved from where to where, or why it was left. */
  readonly says: string;
  /** The status that the issue has since our move, at that time (Unix ms); null = it was left. */
  readonly moved: { readonly status: TicketStatus; readonly at: number } | null;
}

/** Who we are in one workspace. */
export interface TrackerIdentity {
  /** Our user or app-user id there. */
  readonly id: string;
  readonly name: string;
  /** Its id, as deliveries name it, and its name for people. */
  readonly workspace: string;
  readonly workspaceName: string;
  /** Why no issue can be ours there although we are known, and what to do about it; null = it can. */
  readonly inert: { readonly why: string; readonly remedy: string } | null;
  /** Where we act as a person: in words, what starts work there and what is lacking; null = as an application. */
  readonly quick: string | null;
}

export interface TrackerContext {
  /** Who we are in the workspaces that could be asked at least once: then echoes of our own writes can be told. */
  readonly us: readonly TrackerIdentity[];
  readonly receivedAt: number;
  /** Whether we already keep this issue: events about issues of no concern are ignored. */
  known(issue: IssueId): boolean;
}

/** What a delivery says, also about ourselves. */
export interface TrackerInterpretation extends Interpretation {
  /** Whether it says that our sign-in may have changed: then it is checked again. */
  readonly recheck: boolean;
}

export interface Discovery {
  readonly issues: readonly DiscoveredIssue[];
  /** Where the list goes on that was too long for one answer; null = this was all. */
  readonly rest: string | null;
}

export interface DiscoveredIssue {
  readonly issue: IssueId;
  readonly workspace: string;
  readonly by: Actor;
  /** When it last changed (Unix ms): reading it at the same time again tells nothing new. */
  readonly at: number;
  /** False = it has changed, which matters only if it is kept. */
  readonly isOurs: boolean;
}

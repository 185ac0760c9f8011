import type { Hint } from "../facts/pull-request.ts";
import type { GlimpseOf, PlanItem, StopReason, ThreadReply } from "../facts/run.ts";
import type { ForgeRequest } from "../facts/request.ts";
import type { IssueId } from "../facts/ids.ts";

/**
 * One thing asked for, as data. `key` names the fact it answers, never the delivery that told us, so asking
 * twice is asking once. Effects of one `lane` of an issue are carried out in order.
 */
export type Effect =
  // ── tracker lane ──
  // `acknowledges`: the first word in its session, which the tracker wants within seconds; it goes before all others.
  // `reminds`: it only says again what a person is awaited for.
  | Is<
      "tell",
      { session: string; activity: Activity; acknowledges: boolean; glimpse?: GlimpseOf; reminds?: true }
    >
  | Is<"show_plan", { session: string; items: readonly PlanItem[] }>
  | Is<"link", { session: string; label: string; url: string }>
  | Is<"set_status", { to: "started" | "completed" }>
  | Is<"take_delegation", object>
  // ── run lane ──
  | Is<"start_run", { run: number }>
  | Is<"steer_run", { run: number; prompt: string; text: string }>
  | Is<"stop_run", { run: number; reason: StopReason }>
  // The branch that has ended: by the time of the removal the issue may have another.
  | Is<"remove_worktree", { branch: string; base: string }>
  // ── forge lane ──
  | ForgeRequest
  | Is<"comment", { number: number; text: string }>
  | Is<"reply_threads", { number: number; replies: readonly ThreadReply[] }>
  // `reviews`: the requested changes that were addressed, by id.
  | Is<"request_reviews", { number: number; reviews: readonly string[] }>
  | Is<"close_pull_request", { number: number; comment: string }>
  // ── reading lane ──
  // `background`: nothing waits for it, so it is the first to give way when the tracker's allowance runs low. `workspace`: of
  // an issue that we may not keep yet; null = what its facts say.
  | Is<"read_ticket", { background: boolean; workspace: string | null }>
  // `hint`: the news that it is for, when it is for nothing else. `background` as for the ticket.
  | Is<
      "read_pull_request",
      { number: number | null; branch: string; hint: Hint | null; background: boolean }
    >;

type Is<K extends string, F> = {
  readonly kind: K;
  readonly key: string;
  readonly issue: IssueId;
} & Readonly<F>;

export type EffectKind = Effect["kind"];
export type EffectOf<K extends EffectKind> = Extract<Effect, { kind: K }>;

/** What the tracker shows (Linear: agent activity content). */
export type Activity =
  | { readonly type: "thought"; readonly body: string; readonly ephemeral?: boolean }
  | {
      readonly type: "action";
      readonly action: string;
      readonly parameter: string;
      readonly result?: string;
      readonly ephemeral?: boolean;
    }
  | { readonly type: "elicitation"; readonly body: string; readonly options?: readonly string[] }
  | { readonly type: "response"; readonly body: string }
  | { readonly type: "error"; readonly body: string };

/** How the outbox treats a kind. */
export interface EffectTrait {
  readonly lane: "tracker" | "run" | "forge" | "reading" | "control";
  /** A newer one of the same kind (and issue) replaces one that has not started. */
  readonly coalesce: boolean;
  /** Whether the factory must hear how it ended (as `effect_settled`): the performer says so, unless it failed or
   * was not carried out because it was no longer wanted. */
  readonly report: boolean;
  /** One sentence for `outbox list` and the docs. */
  readonly does: string;
}

export const EFFECTS: Readonly<Record<EffectKind, EffectTrait>> = {
  tell: {
    lane: "tracker",
    coalesce: false,
    report: false,
    does: "posts an activity in the tracker's session",
  },
  show_plan: { lane: "tracker", coalesce: true, report: false, does: "shows the plan of the session" },
  link: { lane: "tracker", coalesce: false, report: false, does: "links the pull request from the session" },
  set_status: {
    lane: "tracker",
    coalesce: false,
    report: false,
    does: "moves the tracker's issue to a status",
  },
  take_delegation: {
    lane: "tracker",
    coalesce: false,
    report: false,
    does: "sets us as the issue's delegate",
  },
  start_run: { lane: "run", coalesce: false, report: false, does: "waits for a slot and carries out a run" },
  steer_run: {
    lane: "control",
    coalesce: false,
    report: false,
    does: "hands a person's message to the running agent",
  },
  stop_run: { lane: "control", coalesce: false, report: false, does: "interrupts the running agent" },
  remove_worktree: {
    lane: "run",
    coalesce: false,
    report: false,
    does: "removes the worktree, after saving what is in it",
  },
  merge: { lane: "forge", coalesce: false, report: true, does: "requests the merge of this head" },
  cancel_merge: {
    lane: "forge",
    coalesce: false,
    report: true,
    does: "cancels a merge that was requested",
  },
  rerun_checks: {
    lane: "forge",
    coalesce: false,
    report: true,
    does: "reruns the failed jobs of a head",
  },
  update_branch: {
    lane: "forge",
    coalesce: false,
    report: true,
    does: "merges the base into the branch of the pull request",
  },
  comment: { lane: "forge", coalesce: false, report: false, does: "comments on the pull request" },
  reply_threads: { lane: "forge", coalesce: false, report: false, does: "replies in review threads" },
  request_reviews: {
    lane: "forge",
    coalesce: false,
    report: false,
    does: "requests another review by those who asked for changes",
  },
  close_pull_request: { lane: "forge", coalesce: false, report: false, does: "closes the pull request" },
  read_ticket: { lane: "reading", coalesce: true, report: false, does: "reads the issue from the tracker" },
  read_pull_request: {
    lane: "reading",
    coalesce: true,
    report: false,
    does: "reads the pull request from the forge",
  },
};

/** Whether the factory must hear how it ended. */
export function isReported(effect: Effect): effect is ForgeRequest {
  return EFFECTS[effect.kind].report;
}

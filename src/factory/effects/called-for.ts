import { isAssigned } from "../judge/assignment.ts";
import { authorityOf } from "../judge/authority.ts";
import { verdictOf } from "../judge/checks.ts";
import { stepOf } from "../rules/decide.ts";
import type { Decision } from "../rules/decision.ts";
import type { Effect, EffectOf } from "./effect.ts";
import { type Facts, activeRun, generationOf } from "../facts/facts.ts";
import type { Hint, PullRequest } from "../facts/pull-request.ts";
import { isSame } from "../facts/news.ts";
import { isBaseUnread, unseenPush } from "../judge/pushes.ts";
import { newestSession, wordlessMention } from "../judge/sessions.ts";
import { cancelKey, mergeKey, mergeUnderWay, unreadMerge } from "../judge/merging.ts";
import { closedBecause } from "./texts/pull-request.ts";
import { isOverGlimpse, narration } from "./narration.ts";
import { isOverReminder, readBeforeReminding } from "./reminders.ts";
import { answerOnForge } from "./answer.ts";
import { placed } from "./prompt.ts";
import type { Policy, ProjectPolicy } from "../facts/policy.ts";
import { isReviewUnread, pendingPrompts } from "../judge/authority.ts";
import { isUnproven, projectOf } from "../judge/trust.ts";

/**
 * Every effect that these facts and this decision call for. An advance adds those that the facts before it did
 * not call for; the outbox drops those whose key it has seen.
 */
export function effectsCalledFor(
  facts: Facts,
  decision: Decision,
  policy: Policy,
  now: number,
): readonly Effect[] {
  return [
    ...readings(facts, decision, policy, now),
    ...running(facts, policy),
    ...forge(facts, decision, policy),
    ...narration(facts, decision, policy),
    ...ticket(facts, decision, policy),
  ];
}

function readings(facts: Facts, decision: Decision, policy: Policy, now: number): readonly Effect[] {
  const list: Effect[] = [];
  if (facts.ticket.core === null || facts.ticket.blockers === null) {
    list.push({
      kind: "read_ticket",
      key: `read:${facts.id}:ticket:first`,
      issue: facts.id,
      background: false,
      workspace: null,
    });
  }
  const pull = facts.pullRequest;
  const read = (why: string, hint: Hint | null = null): void => {
    list.push({
      kind: "read_pull_request",
      key: `read:${facts.id}:pr:${why}`,
      issue: facts.id,
      number: pull?.number ?? null,
      branch: facts.project?.branch ?? "",
      hint,
      background: false,
    });
  };
  const session = decision.rule === "mention_unread" ? newestSession(facts) : wordlessMention(facts);
  if (session !== null) {
    list.push({
      kind: "read_ticket",
      key: `read:${facts.id}:ticket:session:${session.id}`,
      issue: facts.id,
      background: false,
      workspace: null,
    });
  }
  const due = readBeforeReminding(facts, policy);
  if (due !== null) {
    list.push({
      kind: "read_ticket",
      key: `read:${facts.id}:ticket:${due}`,
      issue: facts.id,
      background: false,
      workspace: null,
    });
    if (pull !== null) read(due);
  }
  for (const { id, dueAt } of Object.values(facts.questions)) {
    if (dueAt === null) continue;
    list.push({
      kind: "read_ticket",
      key: `read:${facts.id}:ticket:overdue:${id}:${dueAt}`,
      issue: facts.id,
      background: false,
      workspace: null,
    });
  }
  if (pull === null) {
    if (decision.rule === "pull_request_unseen") read(`run${facts.runs.at(-1)?.number}`);
    return list;
  }
  for (const prompt of Object.values(facts.prompts)) {
    if (prompt.from === "forge" && (isUnproven(prompt.by) || isReviewUnread(facts, prompt)))
      read(`who:${prompt.id}`);
  }
  const core = pull.core.value;
  if (core.state === "closed") return list;
  const pushed = unseenPush(facts);
  if (pushed !== null) read(`push:${pushed}`);
  if (pull.readAt === null) read(`first:${pull.number}`);
  else if (isBaseUnread(pull)) read(`base:${core.base}:${pull.core.at}`);
  if (pull.hint !== null) {
    const { at, about, heardAt } = pull.hint;
    read(`hint:${at}:${about.join(", ")}:${heardAt}`, pull.hint);
  }
  const merge = unreadMerge(facts);
  if (merge !== null) read(merge);
  const verdict = verdictOf(facts, pull, policy, now);
  if (verdict.kind === "unread") read(`head:${core.head}`);
  if (verdict.kind === "unconfirmed") read(`checks:${core.head}:${verdict.digest}`);
  return list;
}

function running(facts: Facts, policy: Policy): readonly Effect[] {
  const list: Effect[] = [];
  for (const run of facts.runs) {
    list.push({ kind: "start_run", key: `run:${facts.id}:${run.number}`, issue: facts.id, run: run.number });
    if (run.stop !== null && run.stop.at !== run.endedAt) {
      list.push({
        kind: "stop_run",
        key: `stop:${facts.id}:${run.number}`,
        issue: facts.id,
        run: run.number,
        reason: run.stop.reason,
      });
    }
  }
  const active = activeRun(facts);
  if (active !== null && active.state === "running" && active.stop === null) {
    for (const prompt of pendingPrompts(facts, policy)) {
      list.push({
        kind: "steer_run",
        key: `steer:${facts.id}:${active.number}:${prompt.id}`,
        issue: facts.id,
        run: active.number,
        prompt: prompt.id,
        text: placed(prompt),
      });
    }
  }
  return list;
}

function forge(facts: Facts, decision: Decision, policy: Policy): readonly Effect[] {
  const list: Effect[] = [];
  const pull = facts.pullRequest;
  const project = projectOf(facts, policy);
  if (pull === null || project === null) return list;
  const { step } = decision;
  if (step.kind === "merge") {
    const { method, policy: merge, label } = project.merge;
    list.push({
      kind: "merge",
      key: mergeKey(facts, pull, step.basis),
      issue: facts.id,
      number: pull.number,
      head: pull.core.value.head,
      method,
      policy: merge,
      label,
      basis: step.basis,
    });
  }
  const request = step.kind === "cancel_merge" ? step.request : cancelledByEnd(facts, decision, project);
  if (request !== null) {
    list.push({
      kind: "cancel_merge",
      key: cancelKey(facts, request),
      issue: facts.id,
      number: pull.number,
      request,
      retriedAt: facts.budgetReset?.at ?? null,
    });
  }
  if (step.kind === "rerun") {
    list.push({
      kind: "rerun_checks",
      key: step.key,
      issue: facts.id,
      head: step.head,
      failure: step.failure,
      workflowRuns: step.workflowRuns,
    });
  }
  if (step.kind === "update_branch") {
    const { head, attempt } = step;
    list.push({
      kind: "update_branch",
      key: updateKey(facts, pull, head, attempt),
      issue: facts.id,
      number: pull.number,
      head,
      attempt,
    });
  }
  // What an earlier pull request was told belongs there, and was said there.
  const runs = facts.runs.filter((run) => run.generation === generationOf(facts));
  for (const run of runs) {
    const { replies, comment, reviews } = answerOnForge(facts, run, policy);
    const { number } = pull;
    const common = { issue: facts.id, number };
    if (replies.length > 0)
      list.push({ kind: "reply_threads", key: `reply:${facts.id}:${run.number}`, ...common, replies });
    if (comment !== null)
      list.push({ kind: "comment", key: `comment:${facts.id}:${run.number}`, ...common, text: comment });
    if (reviews.length > 0)
      list.push({ kind: "request_reviews", key: `review:${facts.id}:${run.number}`, ...common, reviews });
  }
  if (
    facts.closed?.how === "cancel" &&
    decision.rule === "closed_by_operator" &&
    pull.core.value.state === "open"
  ) {
    list.push({
      kind: "close_pull_request",
      key: `close:${facts.id}:${pull.number}`,
      issue: facts.id,
      number: pull.number,
      comment: closedBecause(facts.closed.by.name),
    });
  }
  return list;
}

/** The request to merge that an end leaves behind; who completes the issue meanwhile wants the merge. */
function cancelledByEnd(
  facts: Facts,
  { step, state, rule }: Decision,
  project: ProjectPolicy,
): string | null {
  const isGivenUp = step.kind === "finish" && (state === "failed" || rule === "closed_by_operator");
  return isGivenUp ? (mergeUnderWay(facts, project)?.request ?? null) : null;
}

function ticket(facts: Facts, decision: Decision, policy: Policy): readonly Effect[] {
  const list: Effect[] = [];
  const authority = authorityOf(facts, policy);
  const session = newestSession(facts);
  // A message alone moves nothing on the board until work has come of it.
  const started =
    facts.runs.some((run) => run.startedAt !== null) &&
    (isAssigned(facts, policy) || facts.pullRequest !== null);
  // Read as a whole, it tells of the session too: that is acknowledged before anything else is written.
  const isKnown = facts.ticket.blockers !== null;
  const byPerson = isKnown && (session === null || !session.automatic);
  if (started && byPerson && authority?.granted === true) {
    list.push({
      kind: "set_status",
      key: `status:${facts.id}:started:${facts.past.length}`,
      issue: facts.id,
      to: "started",
    });
  }
  if (started && byPerson && authority?.granted === true && facts.delegation === null) {
    list.push({ kind: "take_delegation", key: `delegate:${facts.id}:${facts.past.length}`, issue: facts.id });
  }
  if (decision.rule === "merged" && facts.ticket.removed?.value !== true) {
    list.push({
      kind: "set_status",
      key: completedKey(facts),
      issue: facts.id,
      to: "completed",
    });
  }
  if (decision.step.kind === "finish" && facts.runs.length > 0 && facts.project !== null) {
    list.push({
      kind: "remove_worktree",
      key: `worktree:${facts.id}:${facts.past.length}:${facts.runs.length}`,
      issue: facts.id,
      branch: facts.project.branch,
      base: facts.pullRequest?.core.value.base ?? "",
    });
  }
  return list;
}

function updateKey({ id }: Facts, { number }: PullRequest, head: string, attempt: number): string {
  return `update:${id}:${number}:${head}:${attempt}`;
}

function completedKey(facts: Facts): string {
  return `status:${facts.id}:completed:${facts.pullRequest?.number ?? 0}`;
}

/**
 * Whether an effect that was asked for before is still to be carried out, asked right before it is: a merge or a
 * rerun that waited is what would be decided now, or is not carried out. Nor is a move on the board that a person's
 * later word has overtaken, nor a word about a run that has said more since, or has ended.
 */
export function stillWanted(effect: Effect, facts: Facts, policy: Policy, now: number): boolean {
  // News that has been read meanwhile, or was followed by other news that is to be read anyway, needs no reading.
  if (effect.kind === "read_pull_request")
    return effect.hint === null || isSame(effect.hint, facts.pullRequest?.hint ?? null);
  const core = facts.pullRequest?.core.value;
  if (effect.kind === "set_status" && effect.to === "completed") {
    return core?.merged === true && effect.key === completedKey(facts);
  }
  if (effect.kind === "tell") return !isOverGlimpse(effect, facts) && !isOverReminder(effect, facts);
  if (effect.kind === "take_delegation") return authorityOf(facts, policy)?.granted === true;
  if (effect.kind === "merge") return isStillDecided(effect, facts, policy, now);
  if (effect.kind !== "rerun_checks" && effect.kind !== "update_branch") return true;
  const step = stepOf(facts, policy, now);
  if (effect.kind === "rerun_checks") return step.kind === "rerun" && step.key === effect.key;
  return step.kind === "update_branch" && step.head === effect.head && step.attempt === effect.attempt;
}

/**
 * Whether the facts still call for just this merge. It may have been asked for already by a process that died before
 * it wrote that down; what the forge shows of it must not keep us from learning that it is ours.
 */
function isStillDecided(effect: EffectOf<"merge">, facts: Facts, policy: Policy, now: number): boolean {
  const { pullRequest: pull } = facts;
  const merge = projectOf(facts, policy)?.merge;
  if (pull === null || merge === undefined) return false;
  const isSameRequest =
    effect.number === pull.number &&
    effect.head === pull.core.value.head &&
    effect.method === merge.method &&
    effect.policy === merge.policy &&
    effect.label === merge.label;
  if (!isSameRequest) return false;
  const shown =
    mergeUnderWay(facts, projectOf(facts, policy)) === null ? { queue: null, autoMerge: null } : {};
  return stepOf({ ...facts, pullRequest: { ...pull, ...shown } }, policy, now).kind === "merge";
}
